"""The report that `cnnspec compare` prints, to the letter, at two widths."""

import io

import pytest
from rich.console import Console

from cnnspec.compare import Lockstep, NotCompared, Quantity, Verdict
from cnnspec.compare.verdict import LockstepStep
from cnnspec.documents import to_json
from cnnspec.report.verdict import (
    parting,
    render_replay,
    render_training,
    verdict_document,
    verdict_sentence,
)
from cnnspec.training import EpochMetrics

GOOD = Quantity("conv1", "grad_weight", "float32", "numpy", "random", 2.5e-7, 1.25e-7, 5e-7, 0.25)
BAD = Quantity("linear1", "grad_input", "float64", "numpy vs torch", "ties", 3.0, 2.0, 1e-12, 2e12)
HISTORY = (EpochMetrics(1, 0.5, 0.75, 0.25, 0.875, 1.5),)
LOCKSTEP = Lockstep(
    steps=(
        LockstepStep(1, 1, {"numpy": 2.25, "torch": 2.25}, 1e-8),
        LockstepStep(1200, 1, {"numpy": 0.5, "torch": 0.5001}, 2e-3),
    ),
    total_steps=1200,
    first_different_loss=3,
    first_different_prediction=700,
    history={"numpy": HISTORY, "torch": HISTORY},
    accuracy={"numpy": 0.875, "torch": 0.885},
    test_images=1000,
    different_predictions=12,
    stopped={},
)


def verdict(*quantities: Quantity, lockstep: Lockstep | None = None) -> Verdict:
    return Verdict("model", ("numpy", "torch"), quantities, (), lockstep, {"python": "3.11"})


def rendered(found: Verdict, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(*render_replay(found), *render_training(found), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


SAME_AT_80 = """\
SAME: numpy and torch are the same function on model
1 comparisons, every difference explained by rounding: the largest takes 0.25 of
its budget (conv1, weight gradient, float32)

 layer  quantity         dtype    backend    apart   budget  ratio
 ─────────────────────────────────────────────────────────────────
 conv1  weight gradient  float32  numpy    1.2e-07  5.0e-07  0.250


Lockstep training: 1,200 steps from the same weights on the same batches

                            numpy     torch
 ──────────────────────────────────────────
 batch loss, step 1      2.250000  2.250000
 batch loss, step 1,200  0.500000  0.500100
 train loss, last epoch    0.5000    0.5000
 test accuracy            87.50 %   88.50 %

Losses differ in their last bits from step 3; a training image is first classed
differently in step 700. Weights differ by at most 1.0e-08 after step 1 and
2.0e-03 after step 1,200. 12 of 1,000 test images are classed differently at the
end.

SAME: numpy and torch are the same function on model"""

DIFFERENT_AT_100 = """\
DIFFERENT: numpy and torch are not the same function on model
first divergence: linear1, input gradient (float64, numpy vs torch, probe `ties`): 2.00e+00 apart,
where rounding explains 1.0e-12
1 of 2 comparisons beyond rounding, in linear1

 layer    quantity         dtype    backend           apart   budget  ratio
 ──────────────────────────────────────────────────────────────────────────
 linear1  input gradient   float64  numpy vs torch  2.0e+00  1.0e-12  2e+12
 conv1    weight gradient  float32  numpy           1.2e-07  5.0e-07  0.250

not trained: no data in the spec, or no steps asked for"""


def test_same_at_80_columns() -> None:
    assert rendered(verdict(GOOD, lockstep=LOCKSTEP), 80) == SAME_AT_80


def test_different_at_100_columns() -> None:
    assert rendered(verdict(GOOD, BAD), 100) == DIFFERENT_AT_100


def test_long_tables_are_cut_with_a_count() -> None:
    assert "\nand 8 more, all within their budget (--json lists all)\n" in rendered(
        verdict(*[GOOD] * 20), 80
    )
    assert "\nand 8 more, 8 of them beyond it (--json lists all)\n" in rendered(
        verdict(*[BAD] * 20), 80
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            verdict(Quantity("c", "output", "float32", "numpy", "p", 1, 1, 0.5, 2.0)),
            "DIFFERENT: numpy and torch are the same function on model in float64, but in float32 "
            "one loses precision that rounding does not explain",
        ),
        (
            Verdict("model", ("a", "b"), (), (NotCompared("x", "why"),), None, {}),
            "DIFFERENT: 1 quantities of model could not be compared",
        ),
    ],
)
def test_other_sentences(found: Verdict, sentence: str) -> None:
    assert found.verdict == "different"
    assert verdict_sentence(found).plain == sentence


def test_parting_of_equal_trainings() -> None:
    equal = Lockstep(
        steps=LOCKSTEP.steps[:1],
        total_steps=1,
        first_different_loss=None,
        first_different_prediction=None,
        history={},
        accuracy={},
        test_images=10,
        different_predictions=0,
        stopped={},
    )
    assert parting(equal).startswith("Losses are equal to the last bit throughout. ")


def test_json_has_no_number_that_is_not_finite() -> None:
    infinite = Quantity("c", "output", "float64", "a vs b", "p", 1.0, 1.0, 0.0, float("inf"))
    text = to_json(verdict_document(verdict(infinite)))
    assert '"ratio": null' in text
    assert "Infinity" not in text


def test_keys_of_the_document() -> None:
    document = verdict_document(verdict(GOOD, BAD, lockstep=LOCKSTEP))
    assert list(document) == [
        "schema",
        "version",
        "name",
        "backends",
        "verdict",
        "first_divergence",
        "quantities",
        "compared",
        "not_compared",
        "lockstep",
        "accuracy",
        "environment",
    ]
    assert document["first_divergence"] == {
        "layer": "linear1",
        "quantity": "grad_input",
        "precision": "float64",
        "step": None,
        "cause": None,
        "wrong_side": None,
    }
    assert document["accuracy"] == {"numpy": 0.875, "torch": 0.885}
