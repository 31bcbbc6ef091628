"""cnnspec selftest: what it prints, and its exit codes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from cnnspec.address import LOSS
from cnnspec.compare import planted, selftest
from cnnspec.compare.planted import FAULTS
from cnnspec.compare.planted.specs import SPECS
from cnnspec.compare.selftest import FalseAlarm, SelfTest
from cnnspec.compare.verdict import Coverage, NotCompared, Verdict
from cnnspec.report.selftest import selftest_document
from tests.report.explained import hold, paths

Call = Callable[..., Any]

MISSING = NotCompared(LOSS, "loss", "so", allowed=False)


def plant(
    monkeypatch: pytest.MonkeyPatch, *names: str, on: tuple[str, ...] = ("dilated", "plain")
) -> None:
    """Plant these faults alone, on some of the specs."""
    monkeypatch.setattr(planted, "FAULTS", [fault for fault in FAULTS if fault.name in names])
    few = [spec for spec in SPECS if spec.name in on]
    monkeypatch.setattr("cnnspec.compare.selftest.SPECS", few)


@pytest.fixture(scope="module")
def stale() -> SelfTest:
    """Plant a fault that no cause explains, once: all causes are tried."""
    (fault,) = (fault for fault in FAULTS if fault.name == "relu-stale-mask")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selftest, "SPECS", [spec for spec in SPECS if spec.name == "plain"])
        return selftest.run_selftest(clean=0, faults=[fault])


@pytest.mark.torch
def test_json_counts_what_was_found(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "sgd-nesterov-never", "loss-summed", on=("dilated",))
    done = call("selftest", "--clean", "1", "--json")
    document = json.loads(done.out)
    assert done.code == 0
    assert document["schema"] == "cnnspec/selftest"
    counts = ["planted", "detected", "localised", "diagnosed", "clean"]
    assert [document[count] for count in counts] == [2, 2, 2, 2, 1]
    assert document["missed"] == document["false_alarms"] == []


@pytest.mark.torch
def test_a_fault_that_is_not_explained_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, stale: SelfTest
) -> None:
    monkeypatch.setattr(selftest, "run_selftest", lambda **_: stale)
    done = call("selftest", "--clean", "0")
    assert done.code == 1
    assert done.out.startswith("FAILED: 1 of 1 planted faults detected")
    assert "relu-stale-mask on plain: no cause named" in done.out


def test_quick_plants_a_part(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "sgd-nesterov-never", "sgd-nesterov-always", on=("overlaps",))
    done = call("selftest", "--quick", "--clean", "0", "--json")
    assert json.loads(done.out)["planted"] == 1


@pytest.mark.torch
def test_every_key_of_the_document_is_explained(
    call: Call, monkeypatch: pytest.MonkeyPatch, stale: SelfTest
) -> None:
    monkeypatch.setattr(selftest, "run_selftest", lambda **_: stale)
    document = json.loads(call("selftest", "--clean", "0", "--json").out)
    verdict = Verdict("model", ("numpy", "torch"), (), Coverage({}, (MISSING,)), (), (), {})
    alarm = FalseAlarm("spec", "float32", verdict)
    alarms = selftest_document(SelfTest((), 1, (alarm,), "torch"))["false_alarms"]
    assert alarms == [{"spec": "spec", "precision": "float32", "why": "loss not compared: so"}]
    document["false_alarms"] = alarms
    hold(set(paths(document)), "selftest.md")


def test_warnings_of_torch_are_not_shown(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def warns(**_: Any) -> Any:
        warnings.warn("Using padding='same' with even kernel lengths", UserWarning, stacklevel=1)
        raise KeyboardInterrupt

    monkeypatch.setattr(selftest, "run_selftest", warns)
    done = call("selftest", "--quick")
    assert (done.code, done.err.strip()) == (130, "cnnspec: interrupted; nothing is kept")
