"""What only follows from another finding, and by which rule."""

from collections.abc import Sequence
from typing import get_args

from cnnspec.address import STEP, Address, Layer
from cnnspec.compare.judging.rules import RULES, sorted_out
from cnnspec.compare.verdict import Comparison, RuleName

PAIR = ("a", "b")
CONV, LINEAR = Layer("conv1"), Layer("linear1")


def off(
    at: Address,
    quantity: str,
    precision: str = "float64",
    sides: Sequence[str] = PAIR,
    probe: str = "data",
) -> Comparison:
    return Comparison(at, quantity, precision, tuple(sides), probe, 1.0, 1.0, 0.1, 10.0)


APART = off(CONV, "output")
PREDICTED = off(STEP, "predicted logits")
LOST = off(LINEAR, "output", "float32", "a")
RESTLESS = off(LINEAR, "own weights", sides="b")


def rules(*beyond: Comparison) -> dict[Comparison, RuleName]:
    found = sorted_out(beyond)
    assert {*found.apart, *found.own, *found.lost} | {i.comparison for i in found.follows} == {
        *beyond
    }
    return {item.comparison: item.rule for item in found.follows}


def test_predictions_follow_from_parts_and_are_a_finding_without_them() -> None:
    assert rules(APART, PREDICTED) == {PREDICTED: "prediction-of-parts"}
    assert rules(PREDICTED) == {}


def test_predictions_follow_from_a_pass_that_is_not_its_parts() -> None:
    spoilt = off(LINEAR, "output", sides="a", probe="whole pass")
    assert rules(spoilt, PREDICTED) == {PREDICTED: "prediction-of-spoilt-pass"}
    assert rules(spoilt, APART, PREDICTED) == {PREDICTED: "prediction-of-parts"}
    for other in (LOST, off(LINEAR, "own weights", sides="a", probe="whole pass")):
        assert rules(other, PREDICTED) == {}


def test_a_side_of_another_function_is_another_anyway() -> None:
    own = off(CONV, "output", "float32", "a")
    assert rules(APART, own) == {own: "side-of-another-function"}
    assert rules(own) == {}


def test_steps_follow_from_parts_that_lose_precision_on_the_same_side() -> None:
    step, others = (off(STEP, "conv1.weight", "float32", side, "step 1") for side in "ab")
    assert rules(LOST, step, others) == {step: "step-of-imprecise-parts"}


def test_a_step_that_is_off_in_float64_is_said_once() -> None:
    exact, working = (
        off(STEP, "conv1.weight", precision, "a", "step 1") for precision in ("float64", "float32")
    )
    assert rules(exact, working) == {working: "step-as-in-float64"}


def test_steps_of_weights_that_move_by_themselves() -> None:
    own, other = (
        off(STEP, f"{at}.weight", sides="b", probe="step 1") for at in ("linear1", "conv1")
    )
    assert rules(RESTLESS, own, other) == {own: "step-of-changing-weights"}


def test_every_rule_is_tried_here() -> None:
    tried = {
        "prediction-of-parts",
        "prediction-of-spoilt-pass",
        "side-of-another-function",
        "step-of-imprecise-parts",
        "step-as-in-float64",
        "step-of-changing-weights",
    }
    assert tried == set(get_args(RuleName)) == {rule.name for rule in RULES}


def test_findings_come_in_their_order() -> None:
    passes = off(CONV, "grad_input", "float32", "a", "whole pass")
    exact = off(STEP, "loss", "float64", "a", "step 1")
    step = off(STEP, "logits", "float32", "b", "step 1")
    found = sorted_out([LOST, step, passes, exact, APART])
    assert (found.apart, found.own, found.lost) == ((APART,), (exact, passes, step), (LOST,))
