"""Kinds of layers whose bounds follow from a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import LayerSituation, Prediction
from cnnspec.compare.faults.formula import FEW, Formula
from cnnspec.compare.kinds.kind import COMPOSED, NO_ROUNDING, Terms, ball_terms
from cnnspec.compare.kinds.layer import LayerKind
from cnnspec.compare.kinds.weights import Errors, Weights
from cnnspec.numerics import Arithmetic, Ball, Exact
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.plan import PlannedLayer

Given = dict[str, Any]

ITSELF = "the number that is compared"


def ones(at: Computation) -> Ball:
    """Return ones in the shape of the input: a derivative that is left out."""
    found: Ball = at.arithmetic.ball(np.ones(at.x.shape))
    return found


def layer_formula(
    steps: Steps,
    more: Callable[[LayerSituation, Arithmetic], Given] = lambda situation, arithmetic: {},
) -> Formula[LayerSituation]:
    """Return the formula of a layer of one input.

    Its steps give the quantities by their names: `output`, `grad_input`, `grad_weight`, and what
    becomes of buffers (`running_mean`); and `predicted`, where a prediction is no training
    output. They are given `x`, `grad_output`, the parameters, the buffers before (`old_...`) and
    the `layer` with its options, and what `more` makes of it all, in place of these or besides.
    """

    def given(situation: LayerSituation, arithmetic: Arithmetic) -> Given:
        arrays = {
            "x": situation.x,
            "grad_output": situation.grad_output,
            **situation.parameters,
            **{f"old_{name}": array for name, array in situation.buffers.items()},
        }
        balls = {name: arithmetic.rounded(array) for name, array in arrays.items()}
        return {**balls, "layer": situation.at.layer, **more(situation, arithmetic)}

    return Formula(given, steps, remembers=FEW)


class FormulaKind(LayerKind):
    """A kind of layer of one input, with a formula: budgets and carried errors follow from it."""

    is_sum = False
    formula: ClassVar[Formula[LayerSituation]]
    shown: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The steps that explain the bound of a quantity where they lead to it, and what they are."""
    bends: ClassVar[tuple[float, ...]] = ()
    """Numbers of the input at which the slope jumps, of a function of each number by itself that
    has a `decider`."""

    def errors(
        self,
        situation: LayerSituation,
        precision: str,
        quantities: Iterable[str],
        off: Mapping[str, Exact] = MappingProxyType({}),
    ) -> dict[str, Exact]:
        shapes = _shapes(situation)
        found = self.formula.radii(situation, precision, quantities, off)
        return {name: _shaped(radius, shapes[name]) for name, radius in found.items()}

    def gives(
        self,
        situation: LayerSituation,
        quantity: str,
        off: Mapping[str, Exact] = MappingProxyType({}),
    ) -> Prediction | None:
        if quantity not in self.formula.steps:
            return None
        found: Ball = getattr(self.formula.computation(situation, "float64", off), quantity)
        shape = _shapes(situation)[quantity]
        return Prediction(_shaped(found.value, shape), 2 * _shaped(found.radius, shape))

    def budgets(self, situation: LayerSituation, precision: str) -> dict[str, Exact]:
        at = situation.at
        gradients = [f"grad_{name}" for name in at.parameters]
        return self.errors(situation, precision, ["output", "grad_input", *gradients, *at.buffers])

    def terms(
        self,
        situation: LayerSituation,
        precision: str,
        quantity: str,
        position: tuple[int, ...],
    ) -> Terms:
        if self.selects(situation.at):
            return NO_ROUNDING
        at = self.formula.computation(situation, precision)
        per_image = quantity in ("output", "grad_input")
        shape = situation.x.shape if per_image else next(iter(situation.at.state.values()))

        def whole(array: Exact) -> Exact:
            """Return a number for each of the quantity, as steps give flat images, or channels."""
            flat = np.broadcast_to(array, at.x.shape) if per_image else array
            return flat.reshape(shape)

        counted = {
            name: words
            for name, words in {**self.shown, quantity: ITSELF}.items()
            if name in at.leading_to(quantity)
            if per_image or getattr(at, name).value.size == np.prod(shape)
        }
        return Terms(
            ball_terms(at, counted, position, whole),
            f"{COMPOSED} compare/kinds/{situation.at.kind}, step by step: each rounds, and passes "
            "on what it is given; for each side",
        )

    def decisions(self, at: PlannedLayer, x: Exact) -> NDArray[Any]:
        """Return between which bends each number lies."""
        between: NDArray[np.int64] = np.sum([x > bend for bend in self.bends], axis=0)
        return between

    def near(self, at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
        near: NDArray[np.bool] = np.any([np.abs(x - bend) < slack for bend in self.bends], axis=0)
        return near

    # What errors become

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        given = _given(at, weights, x, np.zeros((len(x), *at.output)))
        return self.errors(given, weights.precision, ["output"], {"x": e})["output"]

    def predict(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        if "predicted" not in self.formula.steps:
            return self.forward(at, weights, x, e)
        given = _given(at, weights, x, np.zeros((len(x), *at.output)))
        return self.errors(given, weights.precision, ["predicted"], {"x": e})["predicted"]

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        names = {f"grad_{name}": name for name in at.parameters}
        found = self.errors(
            _given(at, weights, x, g),
            weights.precision,
            ["grad_input", *names],
            {"x": e, "grad_output": d},
        )
        return found["grad_input"], {name: found[quantity] for quantity, name in names.items()}

    def buffers(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Errors:
        given = _given(at, weights, x, np.zeros((len(x), *at.output)))
        return self.errors(given, weights.precision, at.buffers, {"x": e})


def _given(at: PlannedLayer, weights: Weights, x: Exact, grad_output: Exact) -> LayerSituation:
    own = weights.of_layer(at)
    parameters, buffers = (
        {name: own[name] for name in names} for names in (at.parameters, at.buffers)
    )
    return LayerSituation(at, "", (x,), grad_output, parameters, buffers)


def _shapes(situation: LayerSituation) -> Mapping[str, tuple[int, ...]]:
    """Return the shape of each quantity."""
    of_parameters = {f"grad_{name}": own for name, own in situation.at.parameters.items()}
    output = situation.grad_output.shape
    return {
        "output": output,
        "grad_input": situation.x.shape,
        "predicted": output,
        **of_parameters,
        **situation.at.buffers,
    }


def _shaped(found: Exact, shape: tuple[int, ...]) -> Exact:
    """Return one for each number: steps may give one for many, or flat images."""
    return found.reshape(shape) if found.size == np.prod(shape) else np.broadcast_to(found, shape)
