"""explain(): the budgets of one quantity in numbers, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.address import LOSS, OPTIMIZER, STEP, Layer
from cnnspec.backends.answers import slots_of
from cnnspec.backends.raised import cannot
from cnnspec.compare.bounds.layers import layer_situation, magnitudes, of_shape, roundings
from cnnspec.compare.faults.fault import LossSituation
from cnnspec.compare.judging.judge import replayed
from cnnspec.compare.kinds import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.compare.kinds.kind import COMPOSED, NO_ROUNDING, Term
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.replay.learning import updates
from cnnspec.compare.replay.probes import Probes, probes_of
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import Side, probe_weights
from cnnspec.compare.verdict import Comparison, Verdict
from cnnspec.compare.verdict.names import Names, Place
from cnnspec.compare.verdict.quantities import (
    OF_PASS,
    OF_STEP,
    OWN_INPUT,
    OWN_WEIGHTS,
    WHOLE_PASS,
    expected,
    is_of,
)
from cnnspec.data import Split
from cnnspec.numerics.budget import gamma, sum_budget, unit_roundoff
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

NOT_AGAIN = "the network took longer this time, and was not given this probe again"


@dataclass(frozen=True)
class Explained:
    """One comparison, and what its budget is made of."""

    found: Comparison
    terms: tuple[Term, ...]
    formula: str
    """How the bound comes of the terms, in words."""


def place_of(plan: Plan, training: Training, name: str) -> Place:
    """Return what a user names, of all that will be compared.

    Raises:
        ComparisonError: there is no such quantity, or it may mean two things; the message lists
            names.
    """
    slots = slots_of(plan, training.optimizer)
    places: list[Place] = [(item.address, item.quantity) for item in expected(plan, slots)]
    places += [(Layer(at.name), own) for at in plan.layers for own in OF_PASS]
    places += [(STEP, name) for name in (*plan.state, *slots, *OF_STEP)]
    return Names("--explain", places).place(name)


def comparisons_of(verdict: Verdict, place: Place) -> list[Comparison]:
    """Return the comparisons of a quantity, or of all of a part."""
    address, quantity = place
    return [
        found
        for found in verdict.comparisons
        if found.address == address and quantity in (None, found.quantity)
    ]


def explain(
    plan: Plan,
    training: Training,
    choices: tuple[BackendChoice, BackendChoice],
    comparisons: Sequence[Comparison],
    split: Split | None = None,
) -> Iterator[Explained]:
    """Yield comparisons that a verdict holds, each with the terms of its budget.

    The parts are run once more, on the probes on which they were worst.
    """
    isolation = Isolation(plan, training, choices, probe_weights(plan, training.seed))
    with np.errstate(all="ignore"):
        probes = probes_of(isolation, split)
        for found in comparisons:
            try:
                yield _Explanation(isolation, probes, found).explained()
            except Exception as error:  # a faulty layer raises whatever it likes
                if not cannot(error):
                    raise
                yield Explained(found, (), f"a side fails when it is asked again: {cannot(error)}")


class _Explanation:
    """Of one comparison."""

    def __init__(self, isolation: Isolation, probes: Probes, found: Comparison) -> None:
        self._isolation, self._probes, self._found = isolation, probes, found
        self._pair = found.of_pair
        self._u = Term("u", unit_roundoff(found.precision), f"unit roundoff of {found.precision}")

    def explained(self) -> Explained:
        """Return it with the terms of its budget."""
        found, in_float64 = self._found, self._found.precision == "float64"
        if not found.position and found.elements != 1:
            return self._said((), "two arrays of other shapes have no budget")
        if isinstance(found.address, Layer) and found.probe != WHOLE_PASS:
            probe = next((p for p in self._probes.layers if self._is_of(p)), None)
            # How many images a network of somebody's own is given hangs on how long it takes.
            return self._of_layer(probe) if probe else self._said((), NOT_AGAIN)
        if found.address == LOSS and found.probe != WHOLE_PASS:
            _, logits, labels = next(g for g in self._probes.losses if g[0] == found.probe)
            options = self._isolation.training.loss
            given = LossSituation(options, found.probe, logits.astype(np.float64), labels)
            where = found.precision, found.quantity, found.position
            return self._said(*LOSSES[options.keyword].terms(given, *where))
        if found.address == OPTIMIZER:
            return self._of_update()
        if found.probe == WHOLE_PASS and not found.of_pair and in_float64:
            return self._said(
                (), "twice the bound of the part alone, on what it receives in a pass"
            )
        return self._said(
            (),
            f"{COMPOSED} compare/bounds/carried.py, from layer to layer: each is given what the "
            "one before it made of its own rounding",
        )

    def _is_of(self, probe: LayerProbe) -> bool:
        return (probe.address, probe.name) == (self._found.address, self._found.probe)

    def _said(self, terms: Sequence[Term], formula: str) -> Explained:
        return Explained(self._found, (self._u, *terms) if terms else (), formula)

    def _doubled(self, one: str) -> str:
        """Say how the bound of one side becomes that of a comparison."""
        if self._pair:
            return f"2 * ({one}): each side may be off by so much"
        if self._found.precision == "float64":
            return f"2 * ({one}): both ways may be off by so much"
        return f"{one}, and the same for the float64 that it is held against"

    def _of_layer(self, probe: LayerProbe) -> Explained:
        found, at = self._found, probe.at
        if found.quantity in (OWN_WEIGHTS, OWN_INPUT):
            return self._said((), "exact: a pass must leave it as it is, to the bit")
        if not LAYERS[at.kind].is_sum:
            situation = layer_situation(self._isolation.first, probe)
            where = found.precision, found.quantity, found.position
            return self._said(*LAYERS[at.kind].terms(situation, *where))
        k = roundings(at, len(probe.grad_output))[found.quantity]
        if k == 0:
            return self._said(*NO_ROUNDING)
        sides = self._isolation.sides if self._pair else (self._side(),)
        sums, values = [], []
        for side in sides:
            parts = replayed(side, probe)
            shape = parts[found.quantity].shape
            sums.append(
                abs(of_shape(magnitudes(side, probe)[found.quantity], shape)[found.position])
            )
            values.append(abs(parts[found.quantity][found.position]))
        s, y = float(min(sums)), float(min(values))
        bound = float(sum_budget(k, np.asarray(s), np.asarray(y), found.precision))
        return self._said(
            (
                Term("k", k, "roundings that a term of the sum meets, at most"),
                Term("gamma_k", gamma(k, found.precision), "k u / (1 - k u)"),
                Term("S", s, "the sum of magnitudes: the layer run on |x|, |W| and |g|"),
                Term("|y|", y, "the result, which is rounded once more"),
                Term("one side", bound, "gamma_k S + u |y| + k underflows"),
            ),
            self._doubled("gamma_k S + u |y|"),
        )

    def _side(self) -> Side:
        return next(s for s in self._isolation.sides if (s.label,) == self._found.sides)

    def _of_update(self) -> Explained:
        given = next(
            given
            for given, _ in updates(self._isolation, self._probes.seen)
            if f"step {given.step}" == self._found.probe
        )
        parameters = self._isolation.plan.parameters
        parameter = next(name for name in parameters if is_of(self._found.quantity, name))
        options = self._isolation.training.optimizer
        where = self._found.precision, self._found.position
        return self._said(*OPTIMIZERS[options.keyword].terms(given.of(options, parameter), *where))
