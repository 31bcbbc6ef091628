"""What several settings tell of a quantity, together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cnnspec.compare.causes import diagnose_layer
from cnnspec.compare.check.grading.judged import Judged, with_causes
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact
from cnnspec.spec.layers import Conv
from tests.compare.causes.layer_probes import Parts, setting

CONV = setting(Conv(out_channels=2, kernel_size=3, stride=2), (1, 7, 7))


def flipped(at: LayerSituation, truth: Parts) -> Exact:
    return truth["output"][:, :, ::-1]


def right(at: LayerSituation, truth: Parts) -> Exact:
    return truth["output"]


def small(at: LayerSituation, truth: Parts) -> Exact:
    return truth["output"][:, :, :-1, :-1] ** 2


def near(at: LayerSituation, truth: Parts) -> Exact:
    return truth["output"] + 1e-9 * truth["output"] ** 2


def far(at: LayerSituation, truth: Parts) -> Exact:
    return truth["output"] + truth["output"] ** 2


def judged(name: str, faulty: Any) -> Judged:
    return Judged.of(CheckFinding(name, "output", False), CONV.observe("output", faulty))


def nothing(
    observations: list[Observation[Any]],
    *,
    two: bool,
    elsewhere: Sequence[Sequence[Observation[Any]]] = (),
) -> Cause | None:
    return None


def causes(*items: Judged) -> list[Cause | None]:
    return [finding.cause for finding in with_causes(items, diagnose_layer)]


def test_a_cause_of_one_setting_is_chance_where_another_is_right() -> None:
    (alone,) = causes(judged("one", flipped))
    assert alone is not None
    assert causes(judged("one", flipped), judged("other", right)) == [None, None]


def test_a_cause_of_one_setting_is_chance_where_another_is_wrong_by_other_numbers() -> None:
    assert causes(judged("one", flipped), judged("other", far)) == [None, None]
    one, other, _ = causes(judged("one", flipped), judged("two", flipped), judged("far", far))
    assert one is not None
    assert one == other


def test_what_may_give_a_shape_must_have_given_it_in_other_settings() -> None:
    (alone,) = causes(judged("one", small))
    assert alone is not None
    assert "wanted 7 x 2 x 3 x 3: the last row and column" in alone.sentence
    one, _ = causes(judged("one", small), judged("other", right))
    assert one is not None
    assert one.sentence.endswith("wanted 7 x 2 x 3 x 3")


def test_only_what_is_near_in_every_setting_may_be_rounding() -> None:
    one = replace(judged("one", near), unless_known="is it rounding?")
    assert [found.message for found in with_causes([one], nothing)] == ["is it rounding?"]
    messages = [found.message for found in with_causes([one, judged("far", far)], nothing)]
    assert messages == ["", ""]
