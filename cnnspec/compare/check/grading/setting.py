"""One setting of a layer: what a class is given in it, and what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from cnnspec.compare.bounds.layers import layer_situation
from cnnspec.compare.check.grading.grader import TWO, Grader
from cnnspec.compare.check.grading.textbook import textbook_of
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.check.settings import LAYER, plan_of
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.verdict.quantities import quantities_of
from cnnspec.numerics.budget import Exact
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

Observed = Observation[LayerSituation]

EVALUATION = "evaluation"
PREDICTED = "predicted"
"""What evaluation gives, as rooms call it."""


class SettingGrader(Grader):
    """What a class is given in one setting, and what is right."""

    first = "p0"
    more: ClassVar[Sequence[str]] = ()
    """What else is looked at."""
    by_chance: ClassVar[Sequence[str]] = ()
    """What is seen the better the more is drawn: of fewer masks, it may seem right."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.name = setting, setting.name
        self._textbook = textbook_of(setting)
        self.at, self.differs = self._textbook.at, self._textbook.differs
        self.weights, self.probes = self._textbook.weights, self._textbook.probes

    def request(self, key: str) -> dict[str, Any]:
        """Return what the process in which the class runs must know."""
        options = self.setting.layer.model_dump(exclude_defaults=True)
        return {
            "key": key,
            "options": options,
            "input": self.at.input,
            "output": self.at.output,
            "probes": [f"p{number}" for number in range(len(self.probes))],
            "numbers_only": self.setting.numbers_only,
            "equal_sides": self._equal_sides(),
            "other_size": self._other_size(),
        }

    def _equal_sides(self) -> dict[str, Any] | None:
        """Return the layer with the same for both sides; None where that is this one."""
        layer, greater = self.setting.layer, {}
        for option in type(layer).model_fields:
            value = getattr(layer, option)
            if isinstance(value, tuple) and len({*value}) > 1:
                greater[option] = (max(value),) * len(value)
        if not greater:
            return None
        equal = layer.model_copy(update=greater)
        return {
            "sides": list(greater),
            "options": equal.model_dump(exclude_defaults=True),
            "output": equal.output_shape(self.setting.input),
        }

    def _other_size(self) -> tuple[Shape, Shape] | None:
        """Return images of another size, and what becomes of them; None where they must not be."""
        if len(self.at.input) != 3:
            return None
        channels, height, width = self.at.input
        other = plan_of(replace(self.setting, input=(channels, height + 2, width + 1))).layer(LAYER)
        return (other.input, other.output) if other.state == self.at.state else None

    def unreached(self) -> list[CheckFinding]:
        """Return what would have been looked at."""
        own = ["own input", "own grad_output", *(["own weights"] if self.at.parameters else [])]
        left = [] if self.setting.numbers_only else [*own, self.again, TWO]
        evaluation = [EVALUATION] if self.differs else []
        names = *self.quantities, *evaluation, *left, *self.more
        return [self.unreached_as(name) for name in names]

    @property
    def quantities(self) -> Sequence[str]:
        """What a pass gives."""
        return [*quantities_of(self.at)]

    def probe(self, number: int, found: Mapping[str, Array]) -> LayerProbe:
        """Return what a class was given, with the mask that can be read off what it gave."""
        return self.probes[number]

    def observed(self, probe: LayerProbe, quantity: str, found: Array) -> Observed:
        """Return what was found on a probe beside what is right."""
        truth, budgets = self._textbook.answer(probe, "float64")
        situation = layer_situation(self._textbook.side, probe)
        wanted = truth[quantity].astype(np.float64)
        return Observation(situation, quantity, found, wanted, 2 * budgets[quantity])

    def evaluated(self, probe: LayerProbe, found: Array) -> Observed:
        """Return what evaluation gave on a probe beside what is right."""
        situation = layer_situation(self._textbook.side, probe)
        predicted = self._textbook.side.exact.predict(probe.x.astype(np.float64))
        wanted = predicted.astype(np.float64)
        budget = self.budget_of_evaluation(situation, "float64")
        return Observation(situation, PREDICTED, found, wanted, 2 * budget)

    def budget_of_evaluation(self, situation: LayerSituation, precision: str) -> Exact:
        """Return what rounding explains of evaluation."""
        return LAYERS[self.at.kind].errors(situation, precision, [PREDICTED])[PREDICTED]

    def budgets_in(
        self, quantity: str, seen: Mapping[int, Observed], precision: str
    ) -> list[Exact]:
        """Return what a precision explains, on the probes on which a quantity was seen."""
        probes = [
            replace(self.probes[number], noise=observed.situation.noise)
            for number, observed in seen.items()
        ]
        return [self._textbook.answer(probe, precision).budgets[quantity] for probe in probes]
