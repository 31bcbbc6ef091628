"""What the referee knows of a gelu."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.faults.formula import Changed
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.numerics import Arithmetic, Ball, Exact, where
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.spec.layers import GELU

CUBIC = 0.044715


def _given(situation: LayerSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return the options, and constants as they are in the precision."""
    return {
        "by_tanh": _options(situation).approximate == "tanh",
        "root_2": arithmetic.rounded(math.sqrt(2)),
        "root_2_pi": arithmetic.rounded(math.sqrt(2 * math.pi)),
    }


def _options(situation: LayerSituation) -> GELU:
    assert isinstance(situation.at.layer, GELU)
    return situation.at.layer


STEPS: Steps = {
    # Phi
    "argument": lambda at: at.x,
    "factor": lambda at: at.arithmetic.rounded(math.sqrt(2 / math.pi)),
    "cubic": lambda at: at.arithmetic.rounded(CUBIC),
    "power": lambda at: at.x * at.x * at.x,
    "t": lambda at: (at.factor * (at.x + at.cubic * at.power)).tanh(),
    "tanh_phi": lambda at: (1 + at.t) * 0.5,
    "phi": lambda at: at.tanh_phi if at.by_tanh else at.argument.normal_cdf(),
    # The derivative of Phi
    "steepness": lambda at: at.factor * (1 + 3 * at.cubic * (at.x * at.x)),
    "sech2": lambda at: 1 - at.t * at.t,
    "exponential": lambda at: (at.x * at.x * -0.5).exp(),
    "tanh_density": lambda at: at.sech2 * at.steepness * 0.5,
    "normal_density": lambda at: at.exponential / at.root_2_pi,
    "density": lambda at: at.tanh_density if at.by_tanh else at.normal_density,
    "product": lambda at: at.x * at.density,
    "derivative": lambda at: at.phi + at.product,
    # The quantities
    "output": lambda at: at.x * at.phi,
    "grad_input": lambda at: at.grad_output * at.derivative,
}
FORMULA = layer_formula(STEPS, _given)

_output = FORMULA.spoiling("output")
_gradient = FORMULA.spoiling("grad_input")


def _sigmoid(x: Ball) -> Ball:
    return 1 / (1 + (-x).exp())


def _exact_phi(at: Computation) -> Ball:
    found: Ball = at.argument.normal_cdf()
    return found


_BY_TANH: tuple[Fault[LayerSituation], ...] = (
    _output(
        "other-form",
        "Phi is computed by a tanh; without `approximate: tanh`, it is exact, by the error "
        "function",
        {"phi": lambda at: at.tanh_phi},
    ),
    _gradient(
        "other-form",
        "the gradient is that of the form with a tanh; that of the exact one is wanted",
        {"phi": lambda at: at.tanh_phi, "density": lambda at: at.tanh_density},
    ),
    _gradient(
        "other-form",
        "the derivative of Phi is that of the form with a tanh; that of the exact one is wanted",
        {"density": lambda at: at.tanh_density},
    ),
)
"""Faults of an exact gelu."""

_EXACT: tuple[Fault[LayerSituation], ...] = (
    _output(
        "other-form",
        "Phi is computed exactly, by the error function; with `approximate: tanh`, it is computed "
        "by a tanh",
        {"phi": _exact_phi},
    ),
    _gradient(
        "other-form",
        "the gradient is that of the exact form; that of the form with a tanh is wanted",
        {"phi": _exact_phi, "density": lambda at: at.normal_density},
    ),
    _gradient(
        "other-form",
        "the derivative of Phi is that of the exact form; that of the form with a tanh is wanted",
        {"density": lambda at: at.normal_density},
    ),
)
"""Faults of a gelu by a tanh."""

_OUTPUTS: tuple[Fault[LayerSituation], ...] = (
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        {"output": lambda at: at.x},
    ),
    _output(
        "x-missing",
        "the output is Phi(x) alone; x * Phi(x) is wanted",
        {"output": lambda at: at.phi},
    ),
    _output(
        "density-for-phi",
        "x is multiplied by the density of the normal distribution; its integral Phi is wanted",
        {"phi": lambda at: at.normal_density},
    ),
    _output(
        "root-missing",
        "x itself is given to the error function; x / sqrt(2) is wanted",
        {"argument": lambda at: at.x * at.root_2},
    ),
    _output(
        "root-missing",
        "the tanh has the factor 2 / pi; sqrt(2 / pi) is wanted",
        {"factor": lambda at: at.arithmetic.rounded(2 / math.pi)},
    ),
    _output(
        "cubic-missing",
        "the tanh is that of sqrt(2 / pi) * x: the term 0.044715 * x^3 is missing",
        {"power": lambda at: 0 * at.x},
    ),
    _output(
        "other-power",
        "the term of the tanh is 0.044715 * x^2; x^3 is wanted",
        {"power": lambda at: at.x * at.x},
    ),
    _output(
        "by-sigmoid",
        "Phi is taken to be 1 / (1 + exp(-1.702 * x)), as by a quick gelu",
        {"phi": lambda at: _sigmoid(1.702 * at.x)},
    ),
    _output(
        "by-sigmoid",
        "Phi is taken to be 1 / (1 + exp(-x)), as by a silu",
        {"phi": lambda at: _sigmoid(at.x)},
    ),
)

_GRADIENTS: tuple[Fault[LayerSituation], ...] = (
    _gradient(
        "derivative-missing",
        "the gradient of the output is returned as it came; it is to be multiplied by the "
        "derivative",
        {"derivative": lambda at: at.arithmetic.ball(np.ones(at.x.shape))},
    ),
    _gradient(
        "density-missing",
        "the derivative is taken to be Phi(x); x times the derivative of Phi is to be added",
        {"derivative": lambda at: at.phi},
    ),
    _gradient(
        "phi-missing",
        "the derivative is taken to be x times that of Phi; Phi(x) is to be added",
        {"derivative": lambda at: at.product},
    ),
    _gradient(
        "x-missing",
        "the derivative of Phi is added as it is; it is to be multiplied by x",
        {"product": lambda at: at.density},
    ),
    _gradient(
        "root-missing",
        "the density is divided by sqrt(pi); sqrt(2 * pi) is wanted",
        {"normal_density": lambda at: at.exponential / at.root_2_pi * at.root_2},
    ),
    _gradient(
        "root-missing",
        "the density has exp(-x^2); exp(-x^2 / 2) is wanted",
        {"exponential": lambda at: (-(at.x * at.x)).exp()},
    ),
    _gradient(
        "steepness-missing",
        "the derivative of what the tanh is given is left out",
        {"steepness": lambda at: at.arithmetic.ball(np.ones(at.x.shape))},
    ),
    _gradient(
        "steepness-missing",
        "the derivative of 0.044715 * x^3 is taken to be 0.044715 * x^2; 3 times that is wanted",
        {"steepness": lambda at: at.factor * (1 + at.cubic * (at.x * at.x))},
    ),
    _gradient(
        "square-missing",
        "the derivative of the tanh t is taken to be 1 - t; 1 - t^2 is wanted",
        {"sech2": lambda at: 1 - at.t},
    ),
    _gradient(
        "half-missing",
        "the derivative of Phi is twice as large: that of the tanh, or of erf, is to be halved",
        {"density": lambda at: 2 * at.right.density},
    ),
    _gradient(
        "of-a-relu",
        "the gradient passes where x > 0, as that of a relu",
        {"derivative": lambda at: _steps(at)},
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        {"grad_input": lambda at: at.derivative},
    ),
    _gradient(
        "multiplied-by-output",
        "the gradient is multiplied by the output; the derivative is wanted",
        {"grad_input": lambda at: at.grad_output * at.output},
    ),
)


def _steps(at: Computation) -> Ball:
    one = at.arithmetic.ball(np.ones(at.x.shape))
    return where(at.x.value > 0, one, 0 * one)


STARTS = (0.0, 0.0044715, CUBIC, 0.15, 0.44715, 1.0)
"""From where the factor of x^3 is looked for."""
MOST = 200
"""Numbers that it is read off."""


def _other_cubic(observation: Observation[LayerSituation]) -> Iterator[Fault[LayerSituation]]:
    """Suppose another factor of x^3, here and in the derivative; read it off what was found."""
    x, found = observation.situation.x, observation.found.astype(np.float64)
    if found.shape != x.shape or not np.isfinite(found).all():
        return
    x, found = x.ravel()[:MOST], found.ravel()[:MOST]
    g = observation.situation.grad_output.ravel()[:MOST]
    scale = np.ones(len(x)) if observation.quantity == "output" else g
    of = _by_tanh if observation.quantity == "output" else _slope_by_tanh
    for start in STARTS:
        cubic = _fitted(lambda factor: scale * of(x, factor), found, start)
        said = f"{cubic:.6g}"
        if np.isfinite(cubic) and said != f"{CUBIC}":
            sentence = f"the term of the tanh is {said} * x^3; {CUBIC} * x^3 is wanted"
            step = partial(_of_factor, factor=float(said))
            yield Fault("other-cubic", (), sentence, Changed(FORMULA, {"cubic": step}))


def _of_factor(at: Computation, factor: float) -> Ball:
    found: Ball = at.arithmetic.rounded(factor)
    return found


def _fitted(of: Callable[[float], Exact], found: Exact, start: float) -> float:
    """Return the factor that gives what was found, by steps of Gauss and Newton."""
    factor = start
    for _ in range(12):
        value = of(factor)
        slope = (of(factor + 1e-7) - value) / 1e-7
        size = float(np.sum(slope * slope))
        if not size > 0:
            return math.nan
        factor += float(np.sum(slope * (found - value))) / size
    return factor


def _by_tanh(x: Exact, cubic: float) -> Exact:
    found: Exact = x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + cubic * x**3))) / 2
    return found


def _slope_by_tanh(x: Exact, cubic: float) -> Exact:
    root = math.sqrt(2 / math.pi)
    t = np.tanh(root * (x + cubic * x**3))
    found: Exact = (1 + t) / 2 + x * (1 - t * t) / 2 * root * (1 + 3 * cubic * x * x)
    return found


HELP = {
    "other-form": "compute the form that `approximate` asks for, forward and back",
    "not-applied": "return x * Phi(x)",
    "x-missing": "multiply by x",
    "density-for-phi": "multiply x by Phi(x), the integral of the density",
    "root-missing": "check each root: erf(x / sqrt(2)), sqrt(2 / pi) in the tanh, and "
    "exp(-x^2 / 2) / sqrt(2 * pi) for the density",
    "cubic-missing": "give the tanh sqrt(2 / pi) * (x + 0.044715 * x^3)",
    "other-cubic": "give the tanh sqrt(2 / pi) * (x + 0.044715 * x^3)",
    "other-power": "give the tanh sqrt(2 / pi) * (x + 0.044715 * x^3)",
    "by-sigmoid": "compute Phi by erf or by the tanh, as `approximate` says",
    "derivative-missing": "multiply the upstream gradient by Phi(x) + x * Phi'(x)",
    "density-missing": "multiply the upstream gradient by Phi(x) + x * Phi'(x)",
    "phi-missing": "multiply the upstream gradient by Phi(x) + x * Phi'(x)",
    "of-a-relu": "multiply the upstream gradient by Phi(x) + x * Phi'(x)",
    "multiplied-by-output": "multiply the upstream gradient by Phi(x) + x * Phi'(x)",
    "steepness-missing": "multiply by the derivative of what the tanh is given: "
    "sqrt(2 / pi) * (1 + 3 * 0.044715 * x^2)",
    "square-missing": "use 1 - t^2 for the derivative of the tanh",
    "half-missing": "halve the derivative of the tanh, or of erf",
}


class GELUKind(FormulaKind):
    """x * Phi(x), Phi being exact or by a tanh."""

    formula = FORMULA
    faults = (*_BY_TANH, *_EXACT, *_OUTPUTS, *_GRADIENTS)
    help = HELP
    shown = {  # noqa: RUF012
        "phi": "Phi(x)",
        "density": "the derivative of Phi",
    }
    settings = (
        Setting("exact", GELU(), (2, 4, 5)),
        numbers("one row of one channel", GELU(), (1, 1, 5)),
        numbers("one feature", GELU(), (1,)),
        numbers("large numbers", GELU(), (6,), spread=1000.0),
        Setting("by tanh", GELU(approximate="tanh"), (6,)),
        numbers("by tanh, large numbers", GELU(approximate="tanh"), (6,), spread=1000.0),
    )
    one_of = "approximate"

    def suspected(
        self, observations: Sequence[Observation[LayerSituation]]
    ) -> Iterator[Fault[LayerSituation]]:
        by_tanh = _options(observations[0].situation).approximate == "tanh"
        own_form = _BY_TANH if by_tanh else _EXACT
        yield from (fault for fault in super().suspected(observations) if fault not in own_form)
        if by_tanh:
            yield from _other_cubic(max(observations, key=lambda each: each.found.size))
