"""A layer in a setting, and what is asked of arrays. Settings of each kind are in tests/kinds/."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnspec.backends import BACKENDS, build
from cnnspec.backends.network import Network
from cnnspec.plan import INPUT, Plan, PlannedLayer, part, resolve
from cnnspec.randomness import stream
from cnnspec.spec.initializations import DEFAULT_INITIALIZATION
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Layer, Linear
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

    layer: Layer
    input: Shape
    """Of a join, the first of its inputs."""
    mean: float = 0.0
    """Of the inputs that the layer is given alone."""
    others: tuple[Shape, ...] = ()
    """Shapes of the other inputs of a join."""

    @property
    def inputs(self) -> tuple[Shape, ...]:
        return self.input, *self.others

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
        if self.others:
            own.append(f"{len(self.inputs)} inputs")
        return [f"{self.layer.keyword} {facet}" for facet in ("", f"{len(self.input)} axes", *own)]

    @cached_property
    def plan(self) -> Plan:
        """The layer, named `layer`, behind learnt layers: training needs its input gradients."""
        images = self.input if len(self.input) == 3 else (self.input[0], 1, 1)
        shapes, made = {INPUT: images}, list[PlannedLayer]()

        def add(layer: Layer, name: str, *inputs: str) -> str:
            named = layer.model_copy(update={"name": name.rpartition(".")[2]})
            at = part(named, name, *(shapes[source] for source in inputs)).layers[0]
            made.append(replace(at, inputs=inputs))
            shapes[name] = at.output
            return name

        source = INPUT if len(self.input) == 3 else add(Flatten(), "flatten1", INPUT)
        block = "block." if self.others else ""  # joins stand in blocks, in torch's modules too
        before = [
            add(_learnt(shape), f"{block}before{number or ''}", source)
            for number, shape in enumerate(self.inputs)
        ]
        last = add(self.layer, f"{block}layer", *before)
        if len(shapes[last]) == 3:
            add(Flatten(), "flatten1", last)
        return Plan("model", images, tuple(made), DEFAULT_INITIALIZATION)

    @property
    def at(self) -> PlannedLayer:
        """The layer in its plan."""
        return tried(self.plan)

    def drawn(self, images: int, *purpose: str | int, precision: str = "float32") -> list[Array]:
        """Draw what the layer is given."""
        numbers = [(number,) if number else () for number in range(len(self.inputs))]
        return [
            normal((images, *shape), *purpose, *number, precision=precision)
            for shape, number in zip(self.inputs, numbers)
        ]


def _learnt(shape: Shape) -> Layer:
    """Return a layer that learns, and gives a shape from another of its height and width."""
    if len(shape) == 1:
        return Linear(out_features=shape[0])
    return Conv(out_channels=shape[0], kernel_size=1)


def tried(plan: Plan) -> PlannedLayer:
    """Return the layer that the plan of a case is for."""
    return next(at for at in plan.layers if at.name.rpartition(".")[2] == "layer")


def normal(shape: Shape, *purpose: str | int, precision: str = "float32") -> Array:
    """Draw numbers of both signs; float32 numbers are the same in both precisions."""
    drawn = stream(0, "tests", *purpose).normal(size=shape)
    return drawn.astype(precision).astype(np.float64)


def batch_of(plan: Plan, batch: int, *purpose: str | int) -> tuple[Array, NDArray[np.integer]]:
    """Draw images and labels; a float32 network need not convert the images, nor copy them."""
    labels = stream(0, "tests", "labels", *purpose).integers(0, plan.classes, batch)
    return normal((batch, *plan.input), "images", *purpose).astype(np.float32), labels


def mask_of(at: PlannedLayer, batch: int, *purpose: str | int) -> NDArray[np.bool] | None:
    """Draw a mask that keeps half of the numbers, for a layer that draws one."""
    if at.mask is None:
        return None
    return stream(0, "tests", "mask", *purpose).random((batch, *at.mask.shape)) < 0.5


def quantities(trace: LayerTrace) -> dict[str, Array]:
    """Return a layer's arrays under the names that `Layer.reductions` uses, and its buffers'.

    Of several inputs, each gradient has the number of its input behind it.
    """
    return {
        "output": trace.output,
        **grad_inputs(trace),
        **trace.grad_parameters,
        **trace.buffers,
    }


def grad_inputs(trace: LayerTrace) -> dict[str, Array]:
    """Return the gradients of a layer's inputs by the names of their quantities."""
    numbers = range(len(trace.grad_inputs))
    names = [f"grad_input[{number}]" for number in numbers] if len(numbers) > 1 else ["grad_input"]
    return dict(zip(names, trace.grad_inputs))


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
