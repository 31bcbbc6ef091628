"""resolve(): a spec -> a Plan with every name, shape, parameter and count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cnnspec.errors import SpecError
from cnnspec.spec.checks import check
from cnnspec.spec.composites import AnyEntry, Composite
from cnnspec.spec.diagnostics import Path
from cnnspec.spec.initializations import DEFAULT_INITIALIZATION, AnyInitialization
from cnnspec.spec.layers import Join, Layer
from cnnspec.spec.layers.layer import INPUT as INPUT
from cnnspec.spec.mask import Mask
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sections import Sections
from cnnspec.spec.shapes import PlacedLayer, layer_names
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
    def mask(self) -> Mask | None:
        """What it draws in training, for each image; None: nothing."""
        return self.layer.mask(self.input)

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
    def output(self) -> Shape:
        """Shape of what the last layer gives for one image."""
        return self.layers[-1].output

    @property
    def classes(self) -> int:
        """Number of logits; where the output is images, of their channels."""
        return self.output[0]

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
    def evaluates_otherwise(self) -> bool:
        """Whether a prediction is made of something else than a training step.

        Of what training keeps, or of all numbers where training drops some.
        """
        return any(layer.buffers or layer.mask for layer in self.layers)

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
    """Infer every name and shape of a spec, and lay its blocks out in order of execution.

    Raises:
        SpecError: the layers, or the sections, do not fit together; holds every problem.
    """
    return _plan(spec, _placed(spec))


def resolve_to_train(spec: ModelSpec) -> Plan:
    """Resolve a spec whose outputs the loss takes.

    Raises:
        SpecError: the layers, or the sections, do not fit together; or the last layer gives
            images.
    """
    return _plan(spec, _placed(spec, trains=True))


def part(layer: Layer, name: str, *shapes: Shape) -> Plan:
    """Return the plan of one layer alone, over inputs of these shapes.

    Raises:
        ShapeError: the layer does not take them.
    """
    output = layer.joined_shape(shapes) if isinstance(layer, Join) else layer.output_shape(*shapes)
    alone = _planned(name, layer, (INPUT,) * len(shapes), shapes, output)
    return Plan(name, shapes[0], (alone,), DEFAULT_INITIALIZATION)


def _plan(spec: ModelSpec, placed: Sequence[PlacedLayer]) -> Plan:
    layers = tuple(
        _planned(item.name, item.layer, item.inputs, item.input_shapes, item.output)
        for item in placed
    )
    return Plan(spec.name, spec.input, layers, spec.initialization)


def _planned(
    name: str, layer: Layer, inputs: tuple[str, ...], shapes: tuple[Shape, ...], output: Shape
) -> PlannedLayer:
    parameters, buffers = layer.parameters(shapes[0]), layer.buffers(shapes[0])
    macs = layer.macs(shapes[0], output)
    return PlannedLayer(name, layer, inputs, shapes, output, parameters, buffers, macs)


def _placed(spec: ModelSpec, trains: bool = False) -> list[PlacedLayer]:
    found = check(Sections.of(spec), trains)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        raise SpecError(errors)
    return found.layers


def write_out(spec: ModelSpec) -> ModelSpec:
    """Return `spec` with the inferred names, widths and strides of its layers written out.

    What differs between the repetitions of a repeat stays as it is written.

    Raises:
        SpecError: the layers do not fit together.
    """
    resolved: dict[Path, list[Layer]] = {}
    for item in _placed(spec):
        if not isinstance(item.layer, Join):
            name = item.name.rpartition(".")[2]
            resolved.setdefault(item.path, []).append(item.layer.resolved(name, item.input))
    layers = _written_out(spec.layers, ("layers",), resolved)
    return spec.model_copy(update={"layers": layers})


def _written_out(
    entries: Sequence[AnyEntry], path: Path, resolved: Mapping[Path, Sequence[Layer]]
) -> tuple[Layer | Composite, ...]:
    """Return entries with what is inferred, given what each repetition makes of each layer."""

    def inside(value: Any, path: Path, depth: int) -> Any:
        if depth == 1:
            return _written_out(value, path, resolved)
        return tuple(inside(each, (*path, at), depth - 1) for at, each in enumerate(value))

    written: list[Layer | Composite] = []
    names = layer_names((entry.keyword, entry.name) for entry in entries)
    for index, (name, entry) in enumerate(zip(names, entries)):
        at = (*path, index, entry.keyword)
        if isinstance(entry, Composite):
            lists = {
                option: inside(getattr(entry, option), (*at, option), depth)
                for option, depth in entry.lists.items()
            }
            written.append(entry.model_copy(update={"name": name, **lists}))
        else:
            written.append(_alike(entry, resolved[at]))
    return tuple(written)


def _alike(layer: Layer, resolved: Sequence[Layer]) -> Layer:
    """Return what all repetitions make of a layer; where they differ, what is written."""
    first = resolved[0]
    differing = {
        option: getattr(layer, option)
        for option in type(layer).model_fields
        if any(getattr(each, option) != getattr(first, option) for each in resolved)
    }
    return first.model_copy(update=differing)
