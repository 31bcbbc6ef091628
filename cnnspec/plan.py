"""resolve(): a spec -> a Plan with every name, shape, parameter and count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cnnspec.errors import SpecError
from cnnspec.spec.checks import Sections, check
from cnnspec.spec.initializations import DEFAULT_INITIALIZATION, AnyInitialization
from cnnspec.spec.layers import Layer
from cnnspec.spec.layers.join import Join
from cnnspec.spec.layers.layer import INPUT as INPUT
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape


@dataclass(frozen=True)
class PlannedLayer:
    """One layer of a plan. Shapes leave out the batch."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    """Names of the layers that it reads, in their order, or INPUT: the images."""
    input_shapes: tuple[Shape, ...]
    """Shape of each of its inputs."""
    output: Shape
    parameters: Mapping[str, Shape]
    """Shape of each trainable parameter, by its name within the layer (`weight`, `bias`)."""
    buffers: Mapping[str, Shape]
    """Shape of each array that training keeps, but does not train (`running_mean`)."""
    macs: int
    """Multiply-accumulates of one forward pass of one image."""

    def __post_init__(self) -> None:
        for name in ("parameters", "buffers"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:  # a proxy of a mapping cannot be copied
        shapes = dict(self.parameters), dict(self.buffers)
        return PlannedLayer, (
            *(self.name, self.layer, self.inputs, self.input_shapes, self.output),
            *(*shapes, self.macs),
        )

    @property
    def input(self) -> Shape:
        """What a layer of one input receives; of a join, its first input."""
        return self.input_shapes[0]

    @property
    def kind(self) -> str:
        """The word that a spec writes for this kind of layer."""
        return self.layer.keyword

    @property
    def state(self) -> dict[str, Shape]:
        """Shape of each parameter and buffer."""
        return {**self.parameters, **self.buffers}

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers."""
        return sum(math.prod(shape) for shape in self.parameters.values())


@dataclass(frozen=True)
class Plan:
    """A network with nothing left to infer: what every backend builds from."""

    name: str
    input: Shape
    layers: tuple[PlannedLayer, ...]
    """In order of execution: a layer reads earlier ones alone. The last gives the output."""
    initialization: AnyInitialization

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self.layers[-1].output[0]

    @property
    def parameters(self) -> dict[str, Shape]:
        """Shape of every trainable parameter, by torch's state_dict name (`conv1.weight`)."""
        return {
            f"{layer.name}.{name}": shape
            for layer in self.layers
            for name, shape in layer.parameters.items()
        }

    @property
    def buffers(self) -> dict[str, Shape]:
        """Shape of every buffer, by torch's state_dict name (`batch_norm1.running_mean`)."""
        return {
            f"{layer.name}.{name}": shape
            for layer in self.layers
            for name, shape in layer.buffers.items()
        }

    @property
    def state(self) -> dict[str, Shape]:
        """Shape of all that weights hold, parameters and buffers, in the order of torch."""
        return {
            f"{layer.name}.{name}": shape
            for layer in self.layers
            for name, shape in layer.state.items()
        }

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers."""
        return sum(layer.parameter_count for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass of one image."""
        return sum(layer.macs for layer in self.layers)

    def layer(self, name: str) -> PlannedLayer:
        """Return the layer of that name.

        Raises:
            KeyError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


def resolve(spec: ModelSpec) -> Plan:
    """Infer every name and shape of a spec.

    Raises:
        SpecError: the layers, or the sections, do not fit together; holds every problem.
    """
    chain = check(Sections.of(spec))
    errors = [problem for problem in chain.problems if problem.severity == "error"]
    if errors:
        raise SpecError(errors)
    layers = tuple(
        _planned(item.name, item.layer, item.inputs, item.input_shapes, item.output)
        for item in chain.layers
    )
    return Plan(spec.name, spec.input, layers, spec.initialization)


def part(layer: Layer, name: str, *shapes: Shape) -> Plan:
    """Return the plan of one layer alone, over inputs of these shapes.

    Raises:
        ShapeError: the layer does not take them.
    """
    output = layer.joined_shape(shapes) if isinstance(layer, Join) else layer.output_shape(*shapes)
    alone = _planned(name, layer, (INPUT,) * len(shapes), shapes, output)
    return Plan(name, shapes[0], (alone,), DEFAULT_INITIALIZATION)


def _planned(
    name: str, layer: Layer, inputs: tuple[str, ...], shapes: tuple[Shape, ...], output: Shape
) -> PlannedLayer:
    parameters, buffers = layer.parameters(shapes[0]), layer.buffers(shapes[0])
    macs = layer.macs(shapes[0], output)
    return PlannedLayer(name, layer, inputs, shapes, output, parameters, buffers, macs)


def write_out(spec: ModelSpec) -> ModelSpec:
    """Return `spec` with the inferred names, widths and strides of its layers written out.

    Raises:
        SpecError: the layers do not fit together.
    """
    layers = tuple(item.layer.resolved(item.name, item.input) for item in resolve(spec).layers)
    return spec.model_copy(update={"layers": layers})
