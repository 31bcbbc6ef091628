"""What each idea of the NumPy engine brings: the engine beside itself with one idea undone.

    python benchmarks/ablation.py [SPEC ...] [--predict] [--threads 1] [--seconds 10] [--batch 1,32]

Training steps, or predictions, take turns in one process. A figure of 1.20 says that one takes 1.2
times as long without the idea. Below 1, the idea does not pay there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count, product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from cnnspec import ModelSpec, Network, load_spec, resolve
from cnnspec.backends.network import Batch
from cnnspec.backends.numpy import LAYERS, OPTIMIZERS, NumPyNetwork, columns, conv, lanes
from cnnspec.backends.numpy.adam import AdamNumPy
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.padding import Padding
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.backends.numpy.relu import ReLUNumPy
from cnnspec.backends.numpy.sgd import SGDNumPy
from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.bench.measure import alternate
from cnnspec.initial import initial_weights
from cnnspec.trace import Array

SPECS = Path(__file__).parents[1] / "specs"


class ImagesFirst(ConvNumPy):
    """Columns of images that come first, as most write them: (n, c, h, w), without tiles.

    The layers around have them last: they are turned on their way in and out.
    """

    def __init__(self, layer: Any, input: Any, output: Any, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._around = Padding(input, layer.pads(), dtype)

    def forward(self, x: Array) -> Array:
        self._first = np.ascontiguousarray(np.moveaxis(self._around.pad(x), -1, 0))
        weight, bias = self.parameters["weight"], self.parameters.get("bias", 0)
        self._seen = self._im2col(self._first)
        y = self._seen @ weight.reshape(len(weight), -1).T + bias
        n, (o, h, w) = x.shape[-1], self._output
        return np.ascontiguousarray(y.reshape(n, h, w, o).transpose(3, 1, 2, 0))

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        grad = self._rows(grad_output)
        shape = self.parameters["weight"].shape
        return {"weight": (grad.T @ self._seen).reshape(shape), "bias": grad.sum(axis=0)}

    def input_gradient(self, grad_output: Array) -> Array:
        weight = self.parameters["weight"]
        o, c, kh, kw = weight.shape
        n, (_, h, w) = grad_output.shape[-1], self._output
        seen = self._rows(grad_output) @ weight.reshape(o, -1)
        seen = seen.reshape(n, h, w, c, kh, kw).transpose(0, 3, 4, 5, 1, 2)
        grad = np.zeros_like(self._first)
        for i, j in product(range(kh), range(kw)):
            grad[:, :, i : i + h, j : j + w] += seen[:, :, i, j]
        return self._around.crop(np.ascontiguousarray(np.moveaxis(grad, 0, -1)))

    def _im2col(self, x: Array) -> Array:
        kh, kw = self._kernel
        windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))
        n, c, h, w = windows.shape[:4]
        return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * kh * kw)

    def _rows(self, grad_output: Array) -> Array:
        return grad_output.transpose(3, 1, 2, 0).reshape(-1, len(grad_output))


class Scattered(ConvNumPy):
    """Input gradients are scattered, whatever the stride."""

    def __init__(self, layer: Any, input: Any, output: Any, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._gathers = False
        self._scattered = Padding(input, layer.pads(), dtype)
        self._grad_columns = columns.Columns(conv.sliding_to(output, layer), dtype)


class BiasAdded(ConvNumPy):
    """The bias is added to the outputs, and its gradient summed, each in a pass of its own."""

    def __init__(self, layer: Any, input: Any, output: Any, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        sliding = conv.sliding_to(output, layer)
        self._columns = columns.Columns(sliding, dtype, beside=self._padding.beside)

    def _filters_and_bias(self) -> Array:
        return self._filters()

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y += self.parameters["bias"][:, None, None, None]
        return y

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        by_group, total = self._by_group(grad_output), 0.0
        for tile in self._columns.gathered(self._x):
            total = total + by_group[:, :, tile.outputs] @ tile.columns.swapaxes(1, 2)
        weight = np.reshape(total, self.parameters["weight"].shape)
        return {"weight": weight, "bias": by_group.sum(axis=2).reshape(-1)}


class RowsApart(ConvNumPy):
    """Zeros lie beside the images, between their rows."""

    def __init__(self, layer: Any, input: Any, output: Any, dtype: np.dtype) -> None:
        with patch.object(conv, "RowPadding", Padding):
            super().__init__(layer, input, output, dtype)


class PooledByCells(PoolNumPy):
    """Max pooling cell by cell of the kernel; the gradient looks for what equals the maximum."""

    def forward(self, x: Array) -> Array:
        self._x, height, width = x, *self._along_sizes()
        self._y = self._cells_seen(0, 0).copy()
        for i, j in product(range(height), range(width)):
            np.maximum(self._y, self._cells_seen(i, j), out=self._y)
        return self._y

    def input_gradient(self, grad_output: Array) -> Array:
        height, width = self._along_sizes()
        grad, pending = np.zeros_like(self._x), np.ones(grad_output.shape, bool)
        for i, j in product(range(height), range(width)):
            wins = (self._cells_seen(i, j) == self._y) & pending
            pending ^= wins
            self._cells_seen(i, j, grad)[...] += np.where(wins, grad_output, 0)
        return grad

    def _along_sizes(self) -> tuple[int, int]:
        return self._along_height._kernel, self._along_width._kernel

    def _cells_seen(self, i: int, j: int, x: Array | None = None) -> Array:
        rows = (self._x if x is None else x)[self._along_height._cells[i]]
        return rows[self._along_width._cells[j]]


class ReLUOfANumber(ReLUNumPy):
    """Compares with the number 0, not with zeros."""

    def forward(self, x: Array) -> Array:
        self._y = np.maximum(x, 0, out=x)
        return self._y


class ReLUOfAChannel(ReLUNumPy):
    """Compares each channel with the same zeros, however few these are."""

    def _zeros(self, x: Array) -> Array:
        return self._workspace.array("zeros", x.shape[1:])


class ReLUElsewhere(ReLUNumPy):
    """Not in place: writes to arrays of its own."""

    def forward(self, x: Array) -> Array:
        self._y = np.maximum(x, self._zeros(x), out=self._workspace.array("y", x.shape))
        return self._y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._workspace.array("grad", grad_output.shape)
        np.copyto(grad, grad_output)
        return super().input_gradient(grad)


class OuterByMatmul(LinearNumPy):
    """The weights' gradient of one image is a matrix product, too."""

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        weight = self._workspace.array("grad_weight", self.parameters["weight"].shape)
        np.matmul(grad_output, self._x.T, out=weight)
        return {"weight": weight, "bias": grad_output.sum(axis=1)}


whole = Workspace.array
"""Workspaces as they are."""


def fresh(self: Workspace, name: str, shape: Any, *, fill: float = 0) -> Array:
    """Return a new array, as if there was no workspace, but of masks, which backward reads."""
    if self._dtype.kind == "b":
        return whole(self, name, shape)
    if name in ("padded", "rows", "zeros"):
        return np.full(shape, fill, self._dtype)
    return np.empty(shape, self._dtype)


class FreshSGD(SGDNumPy):
    """Without scratch memory; of momentum and weight decay, it knows what the specs here have."""

    def step(self, parameters: Any, gradients: Any, learning_rate: float, step: int) -> None:
        for name, weights in parameters.items():
            direction = gradients[name]
            if self._options.momentum:
                buffer = self.slots[f"{name}.momentum_buffer"]
                buffer[...] = self._options.momentum * buffer + direction
                direction = buffer
            weights -= learning_rate * direction


class FreshAdam(AdamNumPy):
    """Without scratch memory, and as it is printed in the paper."""

    def step(self, parameters: Any, gradients: Any, learning_rate: float, step: int) -> None:
        (beta1, beta2), eps = self._options.betas, self._options.eps
        for name, weights in parameters.items():
            g, m, v = (
                gradients[name],
                *(self.slots[f"{name}.{s}"] for s in ("exp_avg", "exp_avg_sq")),
            )
            m[...] = beta1 * m + (1 - beta1) * g
            v[...] = beta2 * v + (1 - beta2) * g * g
            m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
            weights -= learning_rate * m_hat / (np.sqrt(v_hat) + eps)


@contextmanager
def as_it_is() -> Iterator[None]:
    """Change nothing."""
    yield


UNDONE: dict[str, tuple[Callable[[], Any], Mapping[str, type[Layer]], Mapping[str, Any]]] = {
    "the engine": (as_it_is, {}, {}),
    "images last, at all": (as_it_is, {"conv": ImagesFirst}, {}),
    "workspaces": (lambda: patch.object(Workspace, "array", fresh), {}, {}),
    "tiles": (lambda: patch.object(columns, "LEAST", 1 << 40), {}, {}),
    "gradients gathered": (as_it_is, {"conv": Scattered}, {}),
    "bias in the product": (as_it_is, {"conv": BiasAdded}, {}),
    "rows in one run": (as_it_is, {"conv": RowsApart}, {}),
    "pool axis by axis": (as_it_is, {"pool": PooledByCells}, {}),
    "relu of zeros": (as_it_is, {"relu": ReLUOfANumber}, {}),
    "as many zeros": (as_it_is, {"relu": ReLUOfAChannel}, {}),
    "relu in place": (as_it_is, {"relu": ReLUElsewhere}, {}),
    "outer product": (as_it_is, {"linear": OuterByMatmul}, {}),
    "optimizer's scratch": (as_it_is, {}, {"sgd": FreshSGD, "adam": FreshAdam}),
    "pieces": (lambda: patch.object(lanes, "PIECE", 1 << 50), {}, {}),
}
OF_PREDICTIONS = (
    *("the engine", "images last, at all", "bias in the product", "rows in one run"),
    *("relu of zeros", "as many zeros", "relu in place"),
)
"""Ideas that a prediction has, and whose undoing costs nothing by itself."""
ON_THREADS = {"lanes": (lambda: patch.object(lanes, "WORK", 1 << 60), {}, {})}


def stepper(
    spec: ModelSpec,
    batch: int,
    context: Callable[[], Any],
    layers: Mapping[str, type[Layer]],
    optimizers: Mapping[str, Any],
    *,
    predict: bool,
) -> Callable[[], object]:
    """Return a step or a prediction of the engine with other parts, whose results are checked."""
    plan = resolve(spec)
    random, steps = np.random.default_rng(0), count(1)
    images = random.normal(size=(batch, *plan.input)).astype(np.float32)
    labels = random.integers(0, plan.classes, batch)

    def network_of(layers: Mapping[str, type[Layer]], optimizers: Mapping[str, Any]) -> Network:
        network = NumPyNetwork(
            plan,
            spec.training,
            backend="numpy",
            layers={**LAYERS, **layers},
            loss=cross_entropy,
            optimizers={**OPTIMIZERS, **optimizers},
        )
        network.load_state(initial_weights(plan, 0))
        return network

    with context():
        network = network_of(layers, optimizers)
    wanted = network_of({}, {})
    for step in (1, 2):
        with context():
            found = (
                network.train_step(Batch(images, labels), 1e-3, step).outputs,
                network.predict(images),
            )
        right = wanted.train_step(Batch(images, labels), 1e-3, step).outputs, wanted.predict(images)
        np.testing.assert_allclose(found, right, rtol=0.01, atol=1e-3)
    del wanted

    def train() -> object:
        with context():
            return network.train_step(Batch(images, labels), 0.0, next(steps))

    def prediction() -> object:
        return network.predict(images)

    return prediction if predict else train


def main() -> None:
    """Print a table of ideas and batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", default=["notebook-torch", "vgg-small"])
    parser.add_argument("--batch", default="1,32,128")
    parser.add_argument("--predict", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    undone = UNDONE | (ON_THREADS if options.threads > 1 else {})
    if options.predict:
        if options.threads > 1:
            parser.error("--predict is for one thread")
        undone = {idea: UNDONE[idea] for idea in OF_PREDICTIONS}
    batches = [int(batch) for batch in options.batch.split(",")]
    for name in options.specs:
        spec = load_spec(SPECS / f"{name}.yaml")
        found = {}
        with threadpool_limits(options.threads):
            for batch in batches:
                actions = {
                    idea: stepper(spec, batch, *how, predict=options.predict)
                    for idea, how in undone.items()
                }
                found[batch] = alternate(actions, options.seconds)
        print(f"\n{name}, {options.threads} threads: time without, over time with")
        print(f"{'':20}" + "".join(f"{f'batch {batch}':>22}" for batch in batches))
        for idea in undone:
            cells = []
            for times in found.values():
                ratio = times[idea].ratio(times["the engine"])
                own = 1e3 * times[idea].spread.median
                cells.append(
                    f"{own:.2f} ms"
                    if idea == "the engine"
                    else f"{ratio.median:.2f} [{ratio.low:.2f} {ratio.high:.2f}]"
                )
            print(f"{idea:20}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
