"""A layer in a setting, and what is asked of arrays. Settings of each kind are in tests/kinds/."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnspec.backends import BACKENDS, build
from cnnspec.backends.network import Network
from cnnspec.plan import Plan, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Linear
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace

Exact = NDArray[np.float64]

each_backend = pytest.mark.parametrize("backend", BACKENDS)
each_precision = pytest.mark.parametrize("precision", ["float64", "float32"])


@dataclass(frozen=True)
class Case:
    """A layer and the shape of what it receives."""

    layer: AnyLayer
    input: Shape
    mean: float = 0.0
    """Of the inputs that the layer is given alone."""

    def batch(self, images: int) -> int:
        """Return a number of images, or the smallest that training can take."""
        return max(images, self.layer.least_batch(self.input))

    @property
    def facets(self) -> list[str]:
        """Its kind, and each option that is not the default: what may go wrong by itself."""
        given = self.layer.model_dump(exclude_defaults=True)
        own = [
            f"{name} {value}" if isinstance(value, str) else name for name, value in given.items()
        ]
        return [f"{self.layer.keyword} {facet}" for facet in ("", f"{len(self.input)} axes", *own)]

    @cached_property
    def plan(self) -> Plan:
        """The layer, named `layer`, behind a learnt layer: training needs its input gradient."""
        layer = self.layer.model_copy(update={"name": "layer"})
        if len(self.input) == 1:
            (features,) = self.input
            before = Linear(name="before", out_features=features)
            return resolve(ModelSpec(input=(features, 1, 1), layers=[Flatten(), before, layer]))
        before = Conv(name="before", out_channels=self.input[0], kernel_size=1)
        logits = [Flatten()] if len(layer.output_shape(self.input)) == 3 else []
        return resolve(ModelSpec(input=self.input, layers=[before, layer, *logits]))


def normal(shape: Shape, *purpose: str | int, precision: str = "float32") -> Array:
    """Draw numbers of both signs; float32 numbers are the same in both precisions."""
    drawn = stream(0, "tests", *purpose).normal(size=shape)
    return drawn.astype(precision).astype(np.float64)


def batch_of(plan: Plan, batch: int, *purpose: str | int) -> tuple[Array, NDArray[np.integer]]:
    """Draw images and labels; a float32 network need not convert the images, nor copy them."""
    labels = stream(0, "tests", "labels", *purpose).integers(0, plan.classes, batch)
    return normal((batch, *plan.input), "images", *purpose).astype(np.float32), labels


def quantities(trace: LayerTrace) -> dict[str, Array]:
    """Return a layer's arrays under the names that `Layer.reductions` uses, and its buffers'."""
    return {
        "output": trace.output,
        "grad_input": trace.grad_input,
        **trace.grad_parameters,
        **trace.buffers,
    }


def assert_within(found: Array | float, wanted: Array | float, budget: Exact, what: str) -> None:
    """Hold two arrays together, element by element; a NaN is never within."""
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape}, wanted {b.shape}"
    difference = np.abs(a - b)
    far = ~(difference <= budget)
    assert not far.any(), (
        f"{what}: {far.sum()} of {far.size} beyond the budget; the first at "
        f"{np.argwhere(far)[0].tolist()}: found {a[far][0]!r}, wanted {b[far][0]!r}, "
        f"budget {np.broadcast_to(budget, far.shape)[far][0]!r}"
    )


def assert_same_bits(found: dict[str, Array], wanted: dict[str, Array]) -> None:
    """Hold named arrays together bit by bit."""
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        assert array.dtype == wanted[name].dtype, name
        assert array.shape == wanted[name].shape, name
        assert array.tobytes() == wanted[name].tobytes(), f"`{name}` differs"


def run(
    backend: str,
    layer: AnyLayer,
    image: list[list[float]],
    grad: list[list[float]] | None = None,
    *,
    weight: list[list[float]] | None = None,
) -> tuple[list[list[float]], list[list[float]]]:
    """Run a layer of one channel on one image; return its output and its input gradient."""
    x = np.array([[image]], np.float64)
    layers = [layer.model_copy(update={"name": "layer"}), Flatten(), Linear(out_features=2)]
    plan = resolve(ModelSpec(input=x.shape[1:], layers=layers))
    network = build(plan, Training(precision="float64"), backend)
    if weight is not None:
        network.load_state(network.state() | {"layer.weight": np.array([[weight]])})
    output = plan.layer("layer").output
    upstream = np.ones((1, *output)) if grad is None else np.array([[grad]], np.float64)
    found = network.replay("layer", [x], upstream)
    return found.output[0, 0].tolist(), found.grad_input[0, 0].tolist()


def weights_after(
    backend: str,
    precision: str,
    options: AnyOptimizer,
    start: float,
    gradients: list[float],
    rate: float,
) -> tuple[list[float], Network]:
    """Return the weight of a network that has one, after each step."""
    layers = [Flatten(), Linear(out_features=1, bias=False)]
    plan = resolve(ModelSpec(input=(1, 1, 1), layers=layers))
    network = build(plan, Training(optimizer=options, precision=precision), backend)
    network.load_state({"linear1.weight": np.array([[start]])})
    weights = []
    for step, gradient in enumerate(gradients, start=1):
        network.update({"linear1.weight": np.array([[gradient]])}, rate, step)
        weights.append(network.state()["linear1.weight"].item())
    return weights, network
