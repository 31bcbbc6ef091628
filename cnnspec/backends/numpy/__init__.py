"""The fast engine: batch-last arrays, one matrix product a layer, reused workspaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.assembled import AssembledNetwork
from cnnspec.backends.border import check_images, check_training
from cnnspec.backends.device import require_cpu
from cnnspec.backends.network import Batch, LayerTimes, StepResult
from cnnspec.backends.numpy.adam import AdamNumPy
from cnnspec.backends.numpy.add import AddNumPy
from cnnspec.backends.numpy.batch_norm import BatchNormNumPy
from cnnspec.backends.numpy.concat import ConcatNumPy
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.backends.numpy.dropout import DropoutNumPy
from cnnspec.backends.numpy.flatten import FlattenNumPy
from cnnspec.backends.numpy.gelu import GELUNumPy
from cnnspec.backends.numpy.global_pool import GlobalPoolNumPy
from cnnspec.backends.numpy.lanes import Lane, Lanes, batch_first, batch_last
from cnnspec.backends.numpy.layer_norm import LayerNormNumPy
from cnnspec.backends.numpy.leaky_relu import LeakyReLUNumPy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.backends.numpy.relu import ReLUNumPy
from cnnspec.backends.numpy.sgd import SGDNumPy
from cnnspec.backends.numpy.sigmoid import SigmoidNumPy
from cnnspec.backends.numpy.softmax import SoftmaxNumPy
from cnnspec.backends.numpy.tanh import TanhNumPy
from cnnspec.backends.numpy.threads import TURN, OneBlasThread
from cnnspec.backends.parts import Layer, Loss
from cnnspec.backends.sharing import Making, Turn
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, Trace

LAYERS: dict[str, type[Layer]] = {
    "conv": ConvNumPy,
    "relu": ReLUNumPy,
    "leaky_relu": LeakyReLUNumPy,
    "gelu": GELUNumPy,
    "sigmoid": SigmoidNumPy,
    "tanh": TanhNumPy,
    "softmax": SoftmaxNumPy,
    "pool": PoolNumPy,
    "global_pool": GlobalPoolNumPy,
    "flatten": FlattenNumPy,
    "linear": LinearNumPy,
    "batch_norm": BatchNormNumPy,
    "layer_norm": LayerNormNumPy,
    "dropout": DropoutNumPy,
    "add": AddNumPy,
    "concat": ConcatNumPy,
}

LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy}

OPTIMIZERS = {"sgd": SGDNumPy, "adam": AdamNumPy}


class NumPyNetwork(AssembledNetwork):
    """Arrays have the batch as their last axis; it runs on as many threads as NumPy has.

    Their number is that of NumPy's BLAS: set by OPENBLAS_NUM_THREADS or OMP_NUM_THREADS, or for
    a while by threadpoolctl. Layers that run alone, and traces, use one.
    """

    @cached_property
    def _lanes(self) -> Lanes:
        plan, own, loss, dtype = self.plan, self._layers, self._loss, self._dtype
        line = self.line

        def lane(index: int) -> Lane:  # which does not hold the network
            return Lane(plan, own if index == 0 else _twins(own), loss, dtype, line)

        return Lanes(plan, lane, dtype)

    def _own_turn(self) -> Turn:
        return TURN  # which `OneBlasThread` takes, too

    def _making(self) -> Making:
        make, (kind, attributes) = super()._making()
        return make, (kind, {name: own for name, own in attributes.items() if name != "_lanes"})

    def predict(self, images: Array) -> Array:
        check_images(images, self.plan)
        with OneBlasThread() as threads:
            return self._lanes.predict(images, threads)

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        check_training(batch, self.plan, step)
        with OneBlasThread() as threads:
            masks = self._noise.masks(step, *batch.places())
            (loss, gradients), logits = self._lanes.learn(batch, masks, threads)
            self._optimizer.step(self._parameters, gradients, learning_rate, step)
        return StepResult(loss, logits)

    def layer_times(self, batch: Batch) -> dict[str, LayerTimes]:
        """Return the times of the first lane's layers, with its share of the images."""
        check_training(batch, self.plan)
        with OneBlasThread() as threads:
            masks = self._noise.masks(1, *batch.places())
            return self._lanes.layer_times(batch, masks, threads)

    def evaluated(self, images: Array) -> dict[str, Array]:
        with OneBlasThread():
            return super().evaluated(images)

    def trace(self, batch: Batch, *, step: int) -> Trace:
        with OneBlasThread():
            return super().trace(batch, step=step)

    def replay(
        self,
        layer: str,
        inputs: Sequence[Array],
        grad_output: Array,
        *,
        state: Mapping[str, Array] | None = None,
        noise: NDArray[np.bool] | None = None,
    ) -> LayerTrace:
        with OneBlasThread():
            return super().replay(layer, inputs, grad_output, state=state, noise=noise)

    def _enter(self, array: Array) -> Array:
        return np.array(batch_last(array), self._dtype, order="C")

    def _enter_mask(self, mask: NDArray[np.bool]) -> NDArray[np.bool]:
        return np.array(batch_last(mask), order="C")

    def _leave(self, array: Array) -> Array:
        return np.array(batch_first(array), order="C")


def _twins(own: Mapping[str, Layer]) -> dict[str, Layer]:
    """Make layers with memory of their own, over the parameters and buffers of others."""
    return {name: copy(layer) for name, layer in own.items()}


def build(plan: Plan, training: Training, *, device: str) -> NumPyNetwork:
    """Build the fast NumPy network of a plan, in `training.precision`.

    Raises:
        BackendError: the device is not the CPU.
    """
    require_cpu("numpy", device)
    return NumPyNetwork(
        plan,
        training,
        backend="numpy",
        layers=LAYERS,
        loss=LOSSES[training.loss.keyword],
        optimizers=OPTIMIZERS,
    )
