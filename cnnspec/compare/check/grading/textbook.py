"""What is right in a setting: worked out once in a process, whoever's classes are tried in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

from cnnspec.backends import LOOPS
from cnnspec.compare.bounds.layers import layer_budgets, own_arrays
from cnnspec.compare.check.settings import LAYER, plan_of, probes_of
from cnnspec.compare.judging.judge import Judge, replayed
from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.side import probe_weights
from cnnspec.numerics.budget import Exact
from cnnspec.spec.training import Training
from cnnspec.trace import Array

SETTINGS = 256
"""As many are kept: all of a class of students."""


class Answer(NamedTuple):
    """What is right of each quantity, and what rounding explains."""

    truth: Mapping[str, Array]
    budgets: Mapping[str, Exact]


class Textbook:
    """The layer of a setting by the textbook, with the weights and the inputs that are tried."""

    def __init__(self, setting: Setting) -> None:
        plan = plan_of(setting)
        self.at = plan.layer(LAYER)
        self.differs = plan.evaluates_otherwise
        """Whether evaluation is another function than training."""
        self.side = Judge(plan, Training(), LOOPS, probe_weights(plan, 0)).side
        parameters, buffers = own_arrays(self.side, self.at)
        self.weights = parameters | buffers
        self.probes: Sequence[LayerProbe] = tuple(probes_of(setting, plan))
        given = (array for probe in self.probes for array in (*probe.inputs, probe.grad_output))
        for array in (*self.weights.values(), *given):
            array.flags.writeable = False  # the next class is given the same
        self._answers: WeakKeyDictionary[LayerProbe, dict[str, Answer]] = WeakKeyDictionary()

    def answer(self, probe: LayerProbe, precision: str) -> Answer:
        """Return what is right on a probe, and what a precision explains."""
        known = self._answers.setdefault(probe, {})
        if precision not in known:
            truth = replayed(self.side, probe)
            budgets = layer_budgets(self.side, probe, truth, precision)
            known[precision] = Answer(truth, budgets)
        return known[precision]


@lru_cache(SETTINGS)
def textbook_of(setting: Setting) -> Textbook:
    """Return the textbook of a setting. Several threads may ask it."""
    return Textbook(setting)
