"""What is right in a setting is worked out once, and stays as it is."""

import numpy as np
import pytest

from cnnspec.compare.check.grading import textbook
from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.textbook import textbook_of
from cnnspec.compare.kinds.layer import Setting
from cnnspec.spec.layers import Linear

SETTING = Setting("plain", Linear(out_features=3), (4,))


def test_it_is_worked_out_once_for_all_quantities_and_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    textbook_of.cache_clear()
    asked: list[str] = []
    replay = textbook.replayed
    monkeypatch.setattr(
        textbook, "replayed", lambda side, probe: [asked.append(probe.name), replay(side, probe)][1]
    )
    for _ in range(3):
        grader = grader_of(Setting("plain", Linear(out_features=3), (4,)))
        for probe in grader.probes:
            for quantity in ("output", "grad_weight"):
                found = grader.observed(probe, quantity, np.zeros(1))
                assert np.all(found.budget >= 0)
    assert asked == [probe.name for probe in grader_of(SETTING).probes]


def test_nobody_changes_what_the_next_class_is_given() -> None:
    grader = grader_of(SETTING)
    for array in (grader.weights["weight"], grader.probes[0].x, grader.probes[0].grad_output):
        with pytest.raises(ValueError, match="read-only"):
            array += 1
