"""Classes that draw a mask of their own: what can be known without knowing it is graded."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec import plain_network, resolve
from cnnspec.backends.plain import PlainClassError
from cnnspec.compare.check import Checked, CheckFinding
from cnnspec.compare.check.grading.drawn import ONCE, is_plausible
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.drawing import DrawingKind
from cnnspec.spec.layers import Dropout, Flatten
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from tests import rooms
from tests.compare.check.conftest import Check

RIGHT = """
import numpy as np

class Dropout:
    def __init__(self, p=0.5):
        self.p = p
    def draw(self, shape):
        return np.random.random(shape) >= self.p
    def forward(self, x, training=True):
        if not training:
            return x
        self.mask = self.draw(x.shape) / (1 - self.p)
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask
"""

EACH = "np.random.random(shape) >= self.p"
ONE_CHANNEL = "np.random.random(shape[:2] + (1,) * (len(shape) - 2)) >= self.p"

FAULTS = {
    "kept for dropped": (
        (EACH, "np.random.random(shape) < self.p"),
        {"share": "mask-inverted"},
    ),
    "not scaled": (
        (" / (1 - self.p)", ""),
        {"output": "not-scaled", "grad_input": "not-scaled"},
    ),
    "divided by p": (
        (" / (1 - self.p)", " / self.p"),
        {"output": "divided-by-p", "grad_input": "divided-by-p"},
    ),
    "gradient not scaled": (
        ("grad * self.mask", "grad * (self.mask > 0)"),
        {"grad_input": "not-scaled"},
    ),
    "gradient not masked": (("grad * self.mask", "grad"), {"grad_input": "mask-missing"}),
    "another mask back": (
        ("grad * self.mask", "grad * self.draw(grad.shape) / (1 - self.p)"),
        {"grad_input": "other-mask"},
    ),
    "in evaluation, too": (
        ("if not training:", "if False:"),
        {"evaluation": "drops-in-evaluation"},
    ),
    "scaled in evaluation": (
        ("return x\n", "return x * (1 - self.p)\n"),
        {"evaluation": "drops-in-evaluation"},
    ),
    "nothing is dropped": (
        (EACH, "np.ones(shape)"),
        {"share": "not-applied", "redrawn": "same-mask"},
    ),
    "seeded": (
        (EACH, "np.random.default_rng(0).random(shape) >= self.p"),
        {"redrawn": "same-mask"},
    ),
    "one mask for all": (
        (EACH, "np.random.random(shape[1:]) >= self.p"),
        {"one by one": "dropped-together"},
    ),
    "half as many": ((EACH, "np.random.random(shape) >= self.p / 2"), {"share": None}),
}


def wrong(checked: Checked, setting: str) -> dict[str, CheckFinding]:
    findings = [at for at in checked.findings if at.setting == setting]
    return {finding.quantity: finding for finding in findings if finding.wrong}


def test_a_right_class_passes(check: Check) -> None:
    checked = check(RIGHT, "Dropout", "dropout")
    assert checked.ok
    assert checked.passed == len(checked.findings) - checked.not_offered == 33
    lacks = [each.setting for each in checked.not_supported]
    assert lacks == ["channels", "channels, one row of one channel"]


def test_the_probability_to_keep_is_1_minus_p(check: Check) -> None:
    text = RIGHT.replace("p=0.5", "keep_prob=0.5").replace("self.p = p", "self.p = 1 - keep_prob")
    checked = check(text, "Dropout", "dropout", like=Dropout(p=0.25))
    assert checked.ok
    assert "`keep_prob` is taken for 1 - p" in checked.notes


@pytest.mark.parametrize("p", [0.0, 0.05, 0.95])
def test_a_right_class_passes_with_any_p(check: Check, p: float) -> None:
    assert check(RIGHT, "Dropout", "dropout", like=Dropout(p=p)).ok


def test_a_right_class_of_channels_passes(check: Check) -> None:
    text = RIGHT.replace(EACH, ONE_CHANNEL)
    like = Dropout(p=0.4, per="channel")
    assert check(text, "Dropout", "dropout", like=like).ok
    found = wrong(check(RIGHT, "Dropout", "dropout", like=like), "images")
    cause = found["output"].cause
    assert cause is not None
    assert cause.sentence == "numbers are dropped one by one; whole channels are to be dropped"


MORE = {"divided by p", "gradient not scaled", "scaled in evaluation", "half as many"}
"""These differ from others in a number or a place."""


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=[pytest.mark.slow] * (name in MORE)) for name in FAULTS]
)
def test_faults_are_found_with_their_cause(fault: str, check: Check) -> None:
    (old, new), expected = FAULTS[fault]
    assert old in RIGHT
    text = RIGHT.replace(old, new).replace(
        "return x * self.mask", "self.y = x * self.mask; return self.y"
    )
    found = wrong(check(text, "Dropout", "dropout"), "images")
    causes = {name: at.cause and at.cause.code for name, at in found.items()}
    assert expected.items() <= causes.items()
    assert causes.keys() - expected.keys() <= {"output", "grad_input"}
    assert [at.quantity for at in found.values() if at.cause and not at.cause.help] == []


def test_whole_channels_are_a_fault_where_each_number_is_asked_for(check: Check) -> None:
    text = RIGHT.replace(EACH, ONE_CHANNEL)
    cause = wrong(check(text, "Dropout", "dropout", like=Dropout(p=0.25)), "images")[
        "one by one"
    ].cause
    assert cause is not None
    assert cause.code == "dropped-together"
    assert check(text, "Dropout", "dropout").notes == ("taken for: per: channel",)


SHARE_ALONE = {
    "scaled by p": (EACH, "np.random.random(shape) < self.p", "/ (1 - self.p)", "/ self.p"),
    "scaled by 1 - p": (EACH, "np.random.random(shape) < self.p"),
}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(SHARE_ALONE["scaled by p"], marks=pytest.mark.slow),
        SHARE_ALONE["scaled by 1 - p"],
    ],
)
def test_a_share_that_is_taken_for_the_other_one_is_one_fault(
    changes: tuple[str, ...], check: Check
) -> None:
    text = RIGHT
    for old, new in zip(changes[::2], changes[1::2]):
        assert old in text
        text = text.replace(old, new)
    checked = check(text, "Dropout", "dropout")
    (found,) = [at for at in checked.findings if at.wrong and at.setting == "images"]
    assert found.quantity == "share"
    assert found.cause is not None
    assert found.cause.code == "mask-inverted"
    assert found.cause.help == "drop with the probability p, and divide what is kept by 1 - p"
    mended = text.replace("< self.p", ">= self.p").replace("/ self.p", "/ (1 - self.p)")
    assert check(mended, "Dropout", "dropout").ok, "as the help says"


@pytest.mark.slow
def test_what_is_wrong_besides_the_share_is_told_by_p_as_it_is_written(check: Check) -> None:
    text = RIGHT.replace(EACH, "np.random.random(shape) < self.p").replace(" / (1 - self.p)", "")
    found = wrong(check(text, "Dropout", "dropout"), "images")
    causes = {name: at.cause and at.cause.code for name, at in found.items()}
    assert causes == {
        **dict.fromkeys(("output", "grad_input"), "not-scaled"),
        "share": "mask-inverted",
    }


def test_p_of_0_that_is_taken_for_the_share_that_is_kept(check: Check) -> None:
    text = RIGHT.replace(EACH, "np.random.random(shape) < self.p")
    found = wrong(check(text, "Dropout", "dropout", like=Dropout(p=0.0)), "images")
    cause = found["share"].cause
    assert cause is not None
    assert cause.code == "mask-inverted"


def test_the_share_that_is_dropped_is_said(check: Check) -> None:
    text = RIGHT.replace(EACH, "np.arange(np.prod(shape)).reshape(shape) % 2 == 0")
    found = wrong(check(text, "Dropout", "dropout"), "images")
    assert found["share"].message == "468 of 943 numbers are dropped, 50 %; p is 0.25"


def test_a_class_that_fails_in_evaluation(check: Check) -> None:
    text = RIGHT.replace("return x\n", "raise ValueError('never mind')\n")
    found = wrong(check(text, "Dropout", "dropout"), "images")["evaluation"]
    assert found.stage == "evaluate"
    assert "never mind" in found.message


@pytest.mark.parametrize(("seen", "p"), [(50, 0.5), (745, 0.25), (112, 0.01), (9, 0.999)])
def test_an_honest_class_is_hardly_ever_called_wrong(seen: int, p: float) -> None:
    plausible = [k for k in range(seen + 1) if is_plausible(k, seen, p)]
    assert plausible == list(range(plausible[0], plausible[-1] + 1))
    drawn = np.random.default_rng(0).binomial(seen, p, 100_000)
    assert plausible[0] <= drawn.min()
    assert drawn.max() <= plausible[-1]
    if seen > 40 and p == 0.5:
        assert plausible[0] > 0, f"what happens once in {1 / ONCE:g} is told"


def test_certain_masks() -> None:
    assert is_plausible(0, 10, 0.0)
    assert not is_plausible(1, 10, 0.0)


def test_every_kind_that_draws_says_what_is_wrong_with_a_mask() -> None:
    drawing = {
        kind
        for kind, room in rooms.LAYERS.items()
        if any(case.layer.mask(case.input) for case in room.cases.values())
    }
    assert drawing
    assert drawing == {kind for kind, room in LAYERS.items() if isinstance(room, DrawingKind)}


def test_a_network_of_ones_own_dropout_is_refused() -> None:
    plan = resolve(ModelSpec(input=(1, 2, 2), layers=[Dropout(), Flatten()]))
    wanted = "`dropout1`: a class of one's own draws its own mask, .* --as dropout"
    with pytest.raises(PlainClassError, match=wanted):
        plain_network(plan, Training(), layers={"dropout": object})
    plain_network(plan, Training(), layers={"linear": object})
