"""The report that `cnnspec compare` prints, to the letter, at two widths."""

import dataclasses
import io
import math
from typing import Any, get_args

import pytest
from rich.console import Console

from cnnspec.address import PASS, STEP, TRAINING, Layer
from cnnspec.compare import Comparison, Coverage, Finding, NotCompared, Trajectory, Verdict
from cnnspec.compare.judging.rules import SENTENCES
from cnnspec.compare.verdict import (
    Cause,
    Consequence,
    Envelope,
    Jump,
    Kinks,
    RuleName,
    TrajectoryStep,
    Turned,
)
from cnnspec.documents import to_json
from cnnspec.report.findings import headline
from cnnspec.report.trajectory import parting, trajectory_parts
from cnnspec.report.verdict import kink_lines, render_replay, render_training, verdict_sentence
from cnnspec.report.verdict_document import verdict_document
from cnnspec.training import EpochMetrics

GOOD = Comparison(
    Layer("conv1"), "grad_weight", "float32", ("numpy",), "random", 2.5e-7, 1.25e-7, 5e-7, 0.25
)
BAD = Comparison(
    Layer("linear1"),
    "grad_input",
    "float64",
    ("numpy", "torch"),
    "ties",
    3.0,
    2.0,
    1e-12,
    2e12,
    (1, 2),
    3,
    20,
)
LOST = Comparison(Layer("conv1"), "output", "float32", ("numpy",), "data", 1e-3, 1e-3, 1e-7, 1e4)
HALF = Cause(
    "scale",
    "every number is 0.5 times the expected one (1/2 = 1/batch_size): it may be divided by the "
    "batch size twice",
)
TIES = Cause(
    "ties-to-all",
    "the gradient of each window goes to every cell that equals the maximum; only the first may "
    "take it",
    "send the gradient to the first maximum alone, as `argmax` finds it",
)
HISTORY = (EpochMetrics(1, 0.5, 0.75, 0.25, 0.875, 1.5),)
COVERAGE = Coverage({"outputs": (2, 2), "loss and its gradient": (2, 2)}, ())
LOCKSTEP = Trajectory(
    mode="lockstep",
    steps=(
        TrajectoryStep(1, 1, {"numpy": 2.25, "torch": 2.25}, 1e-8, 1e-7, (2e-7, 3e-7)),
        TrajectoryStep(1200, 1, {"numpy": 0.5, "torch": 0.5001}, 2e-3, 1e-2, (1e-2, 2e-2)),
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
INSIDE = Envelope(2, 1.25, None, None, (0.87, 0.89))
OUTSIDE = Envelope(2, 40.0, 17, "conv1.weight", (0.87, 0.89))
JUMP = Jump(8, "linear1.weight", 61.9, 0.015, (Turned("relu1", 1, 1280), Turned("pool1", 2, 320)))


def finding(worst: Comparison, side: str | None = "torch", cause: Cause | None = None) -> Finding:
    where = (worst.address, worst.quantity, worst.precision, worst.sides, worst)
    judge = "the textbook loops" if side else "there is no third implementation here to judge"
    return Finding(*where, side, judge, {side: cause} if side and cause else {})


def verdict(*quantities: Comparison, findings: tuple[Finding, ...] = (), **changes: Any) -> Verdict:
    given = Verdict("model", ("numpy", "torch"), quantities, COVERAGE, findings, (), {"seed": 0})
    return dataclasses.replace(given, **changes)


def printed(parts: Any, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(*parts, sep="\n")
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def rendered(found: Verdict, width: int) -> str:
    return printed([*render_replay(found), *render_training(found)], width)


SAME_AT_80 = """\
SAME: numpy and torch are the same function on model
1 comparisons within rounding, at most 0.25 of it: conv1, weight gradient
compared: all 4 quantities of layers, loss, optimizer and prediction
Lockstep training: 1,200 steps from the same weights on the same batches

                            numpy     torch
 ──────────────────────────────────────────
 batch loss, step 1      2.250000  2.250000
 batch loss, step 1,200  0.500000  0.500100
 train loss, last epoch    0.5000    0.5000
 test accuracy            87.50 %   88.50 %

Losses differ from step 3 (by 1.0e-04 in step 1,200); a training image is first
classed differently in step 700. Weights differ by at most 1.0e-08 after step 1
and 2.0e-03 after step 1,200. 12 of 1,000 test images are classed differently at
the end.
SAME: numpy and torch are the same function on model"""

CLEAN_AT_80 = """\
SAME: numpy and torch are the same function on model
1 comparisons within rounding, at most 0.25 of it: conv1, weight gradient
compared: all 4 quantities of layers, loss, optimizer and prediction
rounding alone may turn 3 of 1,000 decisions of relu and max pool: allowed
not trained: the spec has no `data` section"""

DIFFERENT_AT_80 = """\
DIFFERENT: numpy and torch are not the same function on model

ties-to-all: linear1: the input gradient of torch is wrong
 --> probe `ties`, at [1, 2], 3 of 20 numbers are off, in float64
 = found -2.35, wanted -0.35; rounding explains 1.0e-12
 = why: the gradient of each window goes to every cell that equals the maximum;
     only the first may take it
 = judged by the textbook loops
 = the same in: conv9, input gradient
help: send the gradient to the first maximum alone, as `argmax` finds it

unknown-cause: conv1: the output of numpy is less precise than float32 explains
 --> probe `data`, in float32
 = 0.001 apart; rounding explains 1.0e-07
 = why: no cause on the list gives these numbers
help: `--shrink case.py` writes the smallest program that shows it

also: not-compared: pool1 (output, input gradient)

1 more follows from these (--all names them)
compared: all 4 quantities in 5 comparisons; 4 beyond rounding
not compared, as allowed: whole pass
not trained: the spec has no `data` section"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("parallel1.paths.1.conv1", " = input[1] comes from `parallel1.paths.1.conv1`"),
        ("input", " = input[1] is the images"),
    ],
)
def test_the_branch_of_a_gradient_is_said(source: str, said: str) -> None:
    worst = dataclasses.replace(BAD, quantity="grad_input[1]")
    found = dataclasses.replace(finding(worst), source=source)
    assert said in rendered(verdict(worst, findings=(found,)), 80).splitlines()


KINKS = (Kinks("pool1", "max pool", 400, 1), Kinks("relu1", "relu", 600, 2))


@pytest.mark.parametrize(
    ("deciders", "words"),
    [
        (["leaky relu"], "leaky relu"),
        (["max pool", "relu", "relu"], "relu and max pool"),
        (["global max pool", "leaky relu", "relu"], "relu, leaky relu and global max pool"),
    ],
)
def test_decisions_are_of_the_kinds_that_decide(deciders: list[str], words: str) -> None:
    kinks = [Kinks(f"layer{n}", decider, 10, 1) for n, decider in enumerate(deciders)]
    (line,) = kink_lines(kinks)
    assert f"decisions of {words}: allowed" in line.plain


def different() -> Verdict:
    """Return a verdict with everything that may be wrong in a replay."""
    known = dataclasses.replace(BAD, found=-0.35, wanted=-2.35, difference=2.0)
    again = dataclasses.replace(known, address=Layer("conv9"))
    step = dataclasses.replace(LOST, address=STEP, quantity="conv1.weight")
    missing = (
        NotCompared(Layer("pool1"), "output", "torch: no backward", False),
        NotCompared(Layer("pool1"), "grad_input", "torch: no backward", False),
        NotCompared(PASS, None, "torch: slow", True),
    )
    return verdict(
        *(GOOD, known, again, LOST, step),
        findings=(
            finding(known, cause=TIES),
            finding(again, cause=TIES),
            dataclasses.replace(finding(LOST, "numpy"), judge="its own float64"),
        ),
        coverage=Coverage(COVERAGE.counts, missing),
        kinks=KINKS,
        follows=(Consequence(step, "step-of-imprecise-parts"),),
    )


def test_same_at_80_columns() -> None:
    assert rendered(verdict(GOOD, trajectory=LOCKSTEP), 80) == SAME_AT_80


def test_a_clean_run_is_five_lines() -> None:
    assert rendered(verdict(GOOD, kinks=KINKS), 80) == CLEAN_AT_80


def test_different_at_80_columns() -> None:
    assert rendered(different(), 80) == DIFFERENT_AT_80


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_any_number_of_causes_stands_on_one_screen(count: int) -> None:
    causes = [Cause(f"code-{n}", "it is so, and so, and so " * 5) for n in range(count)]
    found = verdict(BAD, findings=tuple(finding(BAD, cause=cause) for cause in causes))
    lines = rendered(found, 80).splitlines()
    assert len(lines) <= 23, "and the prompt"
    assert max(map(len, lines)) <= 80
    assert lines[2] == "code-0: linear1: the input gradient of torch is wrong"
    headings = [line for line in lines if line.startswith(("code-", "also: code-"))]
    rest = [line for line in lines if line.startswith("and ")]
    assert len(headings) + sum(int(line.split()[1]) for line in rest) == count


def test_all_shows_every_block_what_follows_and_the_table_with_its_columns() -> None:
    text = printed(render_replay(different(), whole=True), 100)
    assert "\nnot-compared: pool1 (output, input gradient)\n = torch: no backward\n" in text
    assert "\nhelp: mend it; or leave it out with --allow pool1\n" in text
    follows = "1 more follows from these: training step, conv1.weight: training steps are taken by"
    assert follows in text
    assert "2 of 2 outputs, 2 of 2 loss and its\ngradient\n" in text
    assert "rounding alone may turn 3 of 1,000 decisions" in text
    for column in ("dtype", "apart", "budget", "ratio"):
        assert f"\n{column}: " in text
    many = printed(render_replay(verdict(*[GOOD] * 40), whole=True), 100)
    assert many.count("weight gradient  float32") == 40


def test_every_rule_has_words() -> None:
    assert SENTENCES.keys() == set(get_args(RuleName))


def test_a_layer_called_as_a_part_is_told_from_it_and_allowed_so() -> None:
    missing = (NotCompared(Layer("loss"), "output", "torch: no", False),)
    text = rendered(verdict(GOOD, coverage=Coverage({}, missing)), 80)
    assert "\nnot-compared: layer loss (output)\n" in text
    assert "with --allow 'layer loss'\n" in text


def test_the_same_reason_is_said_once() -> None:
    missing = tuple(
        NotCompared(at, None, "torch: ValueError: no\nand no", False) for at in (PASS, STEP)
    )
    text = rendered(verdict(GOOD, coverage=Coverage({}, missing)), 80)
    assert "\nnot-compared: whole pass; training step\n = torch: ValueError: no and no\n" in text
    assert "--allow 'whole pass' --allow 'training step'" in " ".join(text.split())


NARROW = """
 layer    quantity         dtype    side            ratio
 ────────────────────────────────────────────────────────
 linear1  input gradient   float64  numpy vs torch  2e+12
 conv1    weight gradient  float32  numpy           0.250
"""


def test_no_word_of_the_table_is_broken_on_a_narrow_terminal() -> None:
    assert NARROW in printed(render_replay(verdict(GOOD, BAD), whole=True), 60)


NESTED_AT_80 = """
 layer                           quantity        dtype    side            ratio
 ──────────────────────────────────────────────────────────────────────────────
 linear1                         input gradient  float64  numpy vs torch  2e+12
 repeat1.0.residual1.body.conv1  weight          float32  numpy           0.250
                                 gradient
"""

NESTED_AT_60 = """
 quantity                    dtype    side            ratio
 ──────────────────────────────────────────────────────────
 linear1, input gradient     float64  numpy vs torch  2e+12
 repeat1.0.residual1.body.   float32  numpy           0.250
   conv1, weight gradient
"""


@pytest.mark.parametrize(("width", "table"), [(80, NESTED_AT_80), (60, NESTED_AT_60)])
def test_names_of_layers_in_blocks_are_whole_or_broken_behind_dots(width: int, table: str) -> None:
    nested = dataclasses.replace(GOOD, address=Layer("repeat1.0.residual1.body.conv1"))
    assert table in printed(render_replay(verdict(nested, BAD), whole=True), width)


def test_findings_of_one_cause_stand_together() -> None:
    layers = [dataclasses.replace(BAD, address=Layer(f"conv{n}")) for n in range(1, 20)]
    found = verdict(*layers, findings=tuple(finding(worst, cause=HALF) for worst in layers))
    text = rendered(found, 120)
    assert text.count("why: ") == 1
    also = "conv2, input gradient; conv3, input gradient; conv4, input gradient; and 15 more"
    assert f"\n = the same in: {also}\n" in text
    assert "conv19, input gradient" in printed(render_replay(found, whole=True), 200)


def test_what_cannot_be_subtracted_is_said_in_words() -> None:
    infinite = dataclasses.replace(BAD, difference=math.inf, ratio=math.inf)
    found = verdict(infinite, findings=(finding(infinite),))
    assert "\nnot-finite: linear1: the input gradient of torch is wrong\n" in rendered(found, 80)
    assert "\n = 3 of 20 numbers are NaN or infinite on one side\n" in rendered(found, 80)
    assert "  not finite       -    inf\n" in printed(render_replay(found, whole=True), 80)
    shape = dataclasses.replace(infinite, position=(), beyond=20, budget=0.0)
    found = verdict(shape, findings=(finding(shape),))
    assert "\nshape: linear1: the input gradient of torch is wrong\n" in rendered(found, 80)
    assert "\n = found an array of another shape than wanted\n" in rendered(found, 80)
    assert "  shape       -    inf\n" in printed(render_replay(found, whole=True), 80)


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ("numpy", "found -0.35, wanted -2.35"),
        ("torch", "found -2.35, wanted -0.35"),
        ("both", "numpy gives -0.35, torch -2.35"),
        (None, "numpy gives -0.35, torch -2.35"),
    ],
)
def test_the_value_of_the_wrong_side_is_what_was_found(side: str | None, said: str) -> None:
    known = dataclasses.replace(BAD, found=-0.35, wanted=-2.35)
    text = rendered(verdict(known, findings=(finding(known, side),)), 200)
    assert f"\n = {said}; rounding explains 1.0e-12\n" in text


def test_two_values_that_are_close_are_told_apart() -> None:
    close = dataclasses.replace(BAD, found=0.30848869681358337, wanted=0.30848869681358332)
    text = rendered(verdict(close, findings=(finding(close, "numpy"),)), 200)
    assert f"found {close.found:.17g}, wanted {close.wanted:.17g};" in text
    known = dataclasses.replace(BAD, found=0.3084886961, wanted=0.3084886968)
    text = rendered(verdict(known, findings=(finding(known, "numpy"),)), 200)
    assert "found 0.308488696, wanted 0.308488697;" in text


@pytest.mark.parametrize(
    ("worst", "side", "heading"),
    [
        (BAD, None, "different: linear1: the input gradient of numpy is not that of torch"),
        (BAD, "both", "unknown-cause: linear1: the input gradient of both sides is wrong"),
        (
            dataclasses.replace(LOST, quantity="own weights"),
            "numpy",
            "unknown-cause: conv1: numpy changes its own weights",
        ),
        (
            dataclasses.replace(LOST, quantity="own input"),
            "numpy",
            "unknown-cause: conv1: numpy changes the input it is given",
        ),
        (
            dataclasses.replace(LOST, address=STEP, quantity="conv1.weight", probe="step 1"),
            "numpy",
            "unknown-cause: training step: conv1.weight of numpy is not what its parts give",
        ),
        (
            dataclasses.replace(LOST, probe="whole pass"),
            "numpy",
            "unknown-cause: conv1: the output of numpy within a pass is not that of the layer "
            "alone",
        ),
    ],
)
def test_headings(worst: Comparison, side: str | None, heading: str) -> None:
    assert headline(finding(worst, side)) == heading


def test_two_sides_with_causes_of_their_own() -> None:
    two = dataclasses.replace(
        finding(BAD, "both"), causes={"numpy": HALF, "torch": Cause("sign", "the sign is turned")}
    )
    text = rendered(verdict(BAD, findings=(two,)), 200)
    assert "\n = why: in numpy, every number is 0.5 times" in text
    assert "\n = why: in torch, the sign is turned\n" in text


def test_a_budget_of_no_number_that_is_shown_is_none() -> None:
    none = dataclasses.replace(BAD, budget=1.3e-307, ratio=2e303)
    found = verdict(none, findings=(finding(none),))
    assert "rounding explains nothing\n" in rendered(found, 200)
    assert "  2.0e+00  nothing    inf\n" in printed(render_replay(found, whole=True), 200)


def test_a_long_pair_is_not_named_in_the_table() -> None:
    pair = ("numpy", "path/to/second.py:Network")
    text = printed(render_replay(verdict(dataclasses.replace(BAD, sides=pair)), whole=True), 80)
    assert "  float64  one vs other  2.0e+00  1.0e-12" in text


def test_the_size_of_a_batch_that_a_cause_names_is_said() -> None:
    data = dataclasses.replace(BAD, probe="data")
    said = "divided by the batch size twice (the probe is a batch of 7 images)"
    text = " ".join(rendered(verdict(data, findings=(finding(data, cause=HALF),)), 200).split())
    assert said in text
    other = Cause("ties", "ties count twice")
    assert "images" not in rendered(verdict(data, findings=(finding(data, cause=other),)), 200)


def test_what_a_replayed_step_showed_has_a_block_and_the_verdict_is_last() -> None:
    again = dataclasses.replace(finding(BAD), step=1041)
    trajectory = dataclasses.replace(LOCKSTEP, mode="resync", replayed=(1041,), finding=again)
    text = rendered(verdict(BAD, findings=(finding(BAD),), trajectory=trajectory), 200)
    assert "\n --> step 1,041 of the training, probe `ties`, at [1, 2], 3 of 20 numbers" in text
    assert (
        "\nStep 1,041, which brought them furthest apart, was replayed in isolation: not rounding."
    ) in text
    assert text.endswith(
        "\nDIFFERENT: numpy and torch are not the same function on model\n"
        "unknown-cause: linear1: the input gradient of torch is wrong"
    )


def test_a_training_that_could_not_be_compared_says_why() -> None:
    missing = (NotCompared(TRAINING, None, "ValueError: no, raised by x", False),)
    text = rendered(verdict(GOOD, coverage=Coverage({}, missing)), 100)
    assert text.startswith("DIFFERENT: training of model could not be compared\n")
    assert text.endswith("the training could not be compared: ValueError: no, raised by x")


def test_losses_of_a_training_that_diverges_are_short() -> None:
    steps = (dataclasses.replace(LOCKSTEP.steps[0], loss={"numpy": 1.7145e24, "torch": 2.0}),)
    text = printed(trajectory_parts(dataclasses.replace(LOCKSTEP, steps=steps)), 100)
    assert "batch loss, step 1      1.7145e+24  2.000000\n" in text


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            verdict(LOST, findings=(finding(LOST, "numpy"),)),
            "DIFFERENT: numpy in float32 loses precision that rounding does not explain, in conv1; "
            "in float64 numpy and torch are the same function on model",
        ),
        (
            verdict(
                LOST,
                findings=(
                    finding(LOST, "numpy"),
                    finding(dataclasses.replace(LOST, address=Layer("conv2")), "torch"),
                    finding(dataclasses.replace(LOST, address=Layer("conv3")), "torch"),
                ),
            ),
            "DIFFERENT: numpy in float32 loses precision that rounding does not explain, in conv1; "
            "so does torch in float32, in conv2 and conv3; in float64 numpy and torch are the same "
            "function on model",
        ),
        (
            verdict(
                coverage=Coverage(
                    {},
                    (
                        NotCompared(Layer("x"), "output", "why", False),
                        NotCompared(Layer("y"), "output", "why", True),
                        NotCompared(PASS, None, "why", False),
                    ),
                )
            ),
            "DIFFERENT: 1 quantity of model could not be compared",
        ),
        (
            verdict(coverage=Coverage({}, (NotCompared(PASS, None, "why", False),))),
            "DIFFERENT: whole pass of model could not be compared",
        ),
        (
            verdict(
                GOOD,
                trajectory=dataclasses.replace(
                    LOCKSTEP,
                    finding=Finding(TRAINING, "loss", "training", ("a", "b"), None, step=3),
                ),
            ),
            "DIFFERENT: only one of numpy and torch can be trained on model",
        ),
        (
            verdict(
                GOOD,
                trajectory=dataclasses.replace(
                    LOCKSTEP, finding=dataclasses.replace(finding(BAD), step=1234)
                ),
            ),
            "DIFFERENT: numpy and torch are not the same function on model, seen in step 1,234 of "
            "the training",
        ),
    ],
)
def test_other_sentences(found: Verdict, sentence: str) -> None:
    assert found.verdict == "different"
    assert verdict_sentence(found).plain == sentence


def test_what_the_user_allows_is_no_difference() -> None:
    allowed = Coverage({}, (NotCompared(Layer("pool1"), "output", "why", True),))
    assert verdict(GOOD, coverage=allowed).verdict == "same"


def test_parting_of_equal_trainings() -> None:
    equal = dataclasses.replace(LOCKSTEP, first_different_loss=None, steps=LOCKSTEP.steps[:1])
    assert parting(equal).startswith("Losses are equal to the last bit throughout. ")


FREE_AT_80 = """\
Free training beside twins: 1,200 steps from the same weights on the same
batches

                            numpy     torch
 ──────────────────────────────────────────
 batch loss, step 1      2.250000  2.250000
 batch loss, step 1,200  0.500000  0.500100
 train loss, last epoch    0.5000    0.5000
 test accuracy            87.50 %   88.50 %

Weights apart, relative, where they
are furthest

  step    apart         twins apart
 ──────────────────────────────────
     1  1.0e-07  2.0e-07 .. 3.0e-07
 1,200  1.0e-02  1.0e-02 .. 2.0e-02

Losses differ from step 3 (by 1.0e-04 in step 1,200); a training image is first
classed differently in step 700. Weights differ by at most 1.0e-08 after step 1
and 2.0e-03 after step 1,200. 12 of 1,000 test images are classed differently at
the end.
Within the rounding envelope of 2 twins in every step: indistinguishable from
rounding (at most 1.25 times the distance of the furthest twin). The twins reach
87.00 % to 89.00 %."""


def test_free_training_within_the_envelope_at_80_columns() -> None:
    free = dataclasses.replace(LOCKSTEP, mode="free", envelope=INSIDE)
    assert printed(trajectory_parts(free), 80) == FREE_AT_80


JUMPS_AT_80 = """\
Within the rounding envelope of 2 twins in all but the jumps below:
indistinguishable from rounding (at most 1.25 times the distance of the furthest
twin). The twins reach 87.00 % to 89.00 %.
2 jumps: rewound and replayed, every part is within rounding; and from torch's
forward pass, where rounding decided otherwise, numpy is led outside, too, and
lands where torch did. From there, twins started anew.
Jumps, in distances of the furthest twin

 step  array            led to  numpy off  turned
 ──────────────────────────────────────────────────────────────────────────────
    8  linear1.weight       62      0.015  1 of 1,280 in relu1, 2 of 320 in
                                           pool1
   12  linear1.weight  120,000        1.4  nothing

Not held against the twins: conv2.bias, whose gradients are nothing but
rounding."""


def after_parting(envelope: Envelope, replayed: tuple[int, ...], width: int) -> str:
    free = dataclasses.replace(LOCKSTEP, mode="free", envelope=envelope, replayed=replayed)
    text = printed(trajectory_parts(free), width)
    return text[text.index("at\nthe end.\n" if width == 80 else "at the end.\n") :].partition(
        "end.\n"
    )[2]


def test_jumps_are_within_the_envelope() -> None:
    smooth = dataclasses.replace(JUMP, step=12, ratio=120_000.0, landed=1.4, turned=())
    jumped = dataclasses.replace(INSIDE, jumps=(JUMP, smooth), left_out=("conv2.bias",))
    assert after_parting(jumped, (8, 12), 80) == JUMPS_AT_80


def test_outside_after_a_jump() -> None:
    jumped = dataclasses.replace(OUTSIDE, jumps=(JUMP,), tried=True)
    text = after_parting(jumped, (8, 17, 40), 1000)
    assert text.startswith("Outside the rounding envelope of 2 twins from step 17")
    assert " isolation: steps 17, 40: all that was compared" in text
    assert " But numpy does not go there from torch's forward pass. " in text
    assert "\n1 jump: " in text


def last_lines(trajectory: Trajectory) -> str:
    return printed(trajectory_parts(trajectory), 1000).splitlines()[-1]


def test_free_training_outside_the_envelope() -> None:
    free = dataclasses.replace(LOCKSTEP, mode="free", envelope=OUTSIDE, replayed=(17, 40))
    start = (
        "Outside the rounding envelope of 2 twins from step 17 (conv1.weight), up to 40 times the "
        "distance of the furthest twin. The twins reach 87.00 % to 89.00 %. Rewound, and replayed "
        "in isolation: steps 17, 40: "
    )
    explained = last_lines(free)
    assert explained.startswith(start + "all that was compared, and the step itself")
    assert "forward pass" not in explained, "it was not tried"
    found = dataclasses.replace(free, finding=finding(BAD))
    assert last_lines(found) == start + "not rounding."


def test_resynchronised_training_says_what_was_replayed() -> None:
    resync = dataclasses.replace(LOCKSTEP, mode="resync", replayed=(12,))
    assert last_lines(resync) == (
        "Step 12, which brought them furthest apart, was replayed in isolation: every part is "
        "within rounding."
    )


def test_json_has_no_number_that_is_not_finite() -> None:
    infinite = Comparison(Layer("c"), "output", "float64", ("a", "b"), "p", 1.0, 1.0, 0.0, math.inf)
    text = to_json(verdict_document(verdict(infinite, findings=(finding(infinite),))))
    assert '"ratio": null' in text
    assert "Infinity" not in text


def test_first_divergence_in_the_document() -> None:
    document = verdict_document(verdict(BAD, findings=(finding(BAD, cause=HALF),)))
    assert document["first_divergence"] == {
        "part": "layer",
        "layer": "linear1",
        "quantity": "grad_input",
        "source": None,
        "precision": "float64",
        "backend": "numpy vs torch",
        "step": None,
        "probe": "ties",
        "position": (1, 2),
        "beyond": 3,
        "elements": 20,
        "max_abs": 3.0,
        "difference": 2.0,
        "found": None,
        "wanted": None,
        "budget": 1e-12,
        "ratio": 2e12,
        "wrong_side": "torch",
        "judge": "the textbook loops",
        "cause": {"code": "scale", "sentence": HALF.sentence, "help": None},
        "causes": {"torch": {"code": "scale", "sentence": HALF.sentence, "help": None}},
    }


def test_errors_above_the_typical_one_are_a_warning() -> None:
    high = dataclasses.replace(GOOD, typical=2.5)
    found = verdict(high, dataclasses.replace(GOOD, typical=1.5), GOOD)
    assert found.verdict == "same"
    assert (
        "2 errors within their bounds are above the typical sqrt(k) u S, most of all conv1, "
        "weight gradient (float32, numpy): 2.5 times"
    ) in rendered(found, 200)
    one = "1 error within its bound is above the typical sqrt(k) u S"
    assert one in rendered(verdict(high, GOOD), 200)
    assert "typical" not in rendered(verdict(GOOD), 200)
