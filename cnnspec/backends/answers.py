"""Answers: what somebody else's network gives back, held to what it was asked for.

Our own networks give what `cnnspec.backends.network` says. Of others nothing is taken for granted:
what computes with their answers would fail in words about itself. Shapes are free where a
comparison names them as a difference: of a layer or a loss alone, and of predictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from cnnspec.backends.network import StepResult
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace


class UnfitError(Exception):
    """An answer is not what was asked for: says what was `found`, and what was `wanted`."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(f"{found}; wanted {wanted}")


def as_state(found: Any, expected: Mapping[str, Shape]) -> State:
    """Return the arrays that a plan expects, of those that a network has."""
    wanted = "arrays by name, as in {'conv1.weight': array}"
    if not isinstance(found, Mapping):
        raise UnfitError(shown(found), wanted)
    return {name: _of_shape(found, name, shape) for name, shape in expected.items()}


def slots_of(plan: Plan, optimizer: AnyOptimizer) -> dict[str, Shape]:
    """Return the shape of every slot of an optimizer, by its full name (`conv1.weight.exp_avg`)."""
    return {
        f"{name}.{slot}": shape
        for name, shape in plan.parameters.items()
        for slot in optimizer.slots
    }


def as_logits(found: Any) -> Array:
    """Return predictions, of whatever shape."""
    return _array(found, "the logits, an array (n, classes)")


def as_step(found: Any, images: int, classes: int) -> StepResult:
    """Return what a training step gives: the loss and the logits."""
    wanted = f"the loss, a number, and the logits, an array of {images} images x {classes} classes"
    if not isinstance(found, tuple) or len(found) != 2:
        raise UnfitError(shown(found), wanted)
    loss, outputs = _number(found[0], wanted), _array(found[1], wanted)
    if outputs.shape != (images, classes):
        raise UnfitError(shown(tuple(found)), wanted)
    return StepResult(loss, outputs)


def as_layer(
    found: Any, at: PlannedLayer, what: str = "a `cnnspec.trace.LayerTrace`"
) -> LayerTrace:
    """Return what a layer gives, of whatever shapes; gradients and buffers may be missing."""
    if not isinstance(found, LayerTrace):
        raise UnfitError(shown(found), what)
    for name in ("output", "grad_output"):
        _array(getattr(found, name), f"an array as `{name}`")
    for name in ("inputs", "grad_inputs"):
        arrays = getattr(found, name)
        if not isinstance(arrays, tuple) or len(arrays) != len(at.inputs):
            of = f", one for each of {', '.join(at.inputs)}"
            raise UnfitError(shown(arrays), f"a tuple of arrays as `{name}`{of}")
        for array in arrays:
            _array(array, f"arrays as `{name}`")
    for arrays in (found.grad_parameters, found.buffers):
        if not isinstance(arrays, Mapping):
            raise UnfitError(shown(arrays), "gradients and buffers by the parameter's name")
        for name, array in arrays.items():
            _array(array, f"an array as `{name}`")
    return found


def as_loss(found: Any) -> LossTrace:
    """Return what a loss gives; its gradient may have whatever shape."""
    wanted = "a `cnnspec.trace.LossTrace` of a number and an array"
    if not isinstance(found, LossTrace):
        raise UnfitError(shown(found), wanted)
    return LossTrace(_number(found.loss, wanted), _array(found.grad_logits, wanted))


def as_trace(found: Any, images: int, plan: Plan) -> Trace:
    """Return a whole pass: every array of every layer, in the order of the plan."""
    if not isinstance(found, Trace) or not isinstance(found.layers, Mapping):
        raise UnfitError(shown(found), "a `cnnspec.trace.Trace`")
    layers = {}
    for at in plan.layers:
        if at.name not in found.layers:
            raise UnfitError(f"nothing of `{at.name}`", "a `LayerTrace` of each layer of the plan")
        layers[at.name] = as_layer(found.layers[at.name], at, f"a `LayerTrace` of `{at.name}`")
        for name, array, shape in _shapes(layers[at.name], images, at):
            if array is None or array.shape != shape:
                has = "no such array" if array is None else shown(array)
                raise UnfitError(f"{has} as {name} of `{at.name}`", f"the shape {shape}")
    loss = as_loss(found.loss)
    if loss.grad_logits.shape != (images, plan.classes):
        wanted = f"the shape {(images, plan.classes)}"
        raise UnfitError(f"{shown(loss.grad_logits)} as gradient of the logits", wanted)
    return Trace(layers, loss)


def _shapes(
    trace: LayerTrace, images: int, at: PlannedLayer
) -> Iterator[tuple[str, Array | None, Shape]]:
    """Yield every array of a layer, what it is called, and the shape that it must have."""
    for x, shape in zip(trace.inputs, at.input_shapes):
        yield "input", x, (images, *shape)
    yield "output", trace.output, (images, *at.output)
    yield "output gradient", trace.grad_output, (images, *at.output)
    for grad, shape in zip(trace.grad_inputs, at.input_shapes):
        yield "input gradient", grad, (images, *shape)
    for name, shape in at.parameters.items():
        yield f"{name} gradient", trace.grad_parameters.get(name), tuple(shape)
    for name, shape in at.buffers.items():
        yield name, trace.buffers.get(name), tuple(shape)


def shown(value: object) -> str:
    """Write a value in a few words."""
    kind = type(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, np.ndarray):
        numbers = "" if value.dtype.kind in "fiub" else f"of {value.dtype} and "
        return f"an array {numbers}of shape {value.shape}"
    if kind.__module__ != "builtins":
        return f"a `{kind.__name__}`"
    text = repr(value)
    return text if len(text) < 60 else f"a `{kind.__name__}`"


def _of_shape(found: Mapping[str, Any], name: str, shape: Shape) -> Array:
    if name not in found:
        raise UnfitError(f"no `{name}`", f"an array of shape {tuple(shape)}")
    array = _array(found[name], f"an array as `{name}`")
    if array.shape != tuple(shape):
        raise UnfitError(f"{shown(array)} as `{name}`", f"the shape {tuple(shape)}")
    return array


def _array(found: Any, wanted: str) -> Array:
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiub":
        raise UnfitError(shown(found), f"{wanted}, of real numbers")
    return found


def _number(found: Any, wanted: str) -> float:
    if isinstance(found, np.ndarray) and found.ndim == 0:
        found = found[()]
    if not isinstance(found, Real):
        raise UnfitError(shown(found), wanted)
    return float(found)
