"""Losses of probabilities: told of logits, tried behind a softmax, or with their own."""

import pytest

from cnnspec.compare.check import Checked, check_class
from cnnspec.errors import BackendError
from tests.compare.check.conftest import Check
from tests.compare.check.test_check import changed, wrong

TEXT = """
import numpy as np

class Softmax:
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p
    def backward(self, grad):
        return self.p * (grad - (self.p * grad).sum(axis=1, keepdims=True))

class Loss:
    def forward(self, predictions, targets):
        self.p = np.clip(predictions, 1e-8, 1 - 1e-8)
        self.y = np.eye(self.p.shape[1])[targets]
        return -np.sum(self.y * np.log(self.p)) / len(self.p)
    def backward(self):
        return -self.y / self.p / len(self.p)

class Past(Loss):
    def backward(self):
        return (self.p - self.y) / len(self.p)

class Sum(Past):
    def backward(self):
        return self.p - self.y
"""


@pytest.fixture(scope="module")
def summed(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Check a loss that is wrong both of logits and of probabilities, once."""
    path = tmp_path_factory.mktemp("losses") / "layers.py"
    path.write_text(TEXT)
    return check_class(f"{path}:Sum", "cross_entropy")


CLIPPED = "the probabilities are clipped to [1e-08, 0.9999999899999999]: probabilities may be 0"


def test_a_loss_is_taken_for_one_of_probabilities_where_it_is_right_as_that(
    check: Check, summed: Checked
) -> None:
    checked = check(TEXT, "Past", "cross_entropy")
    assert checked.grade == "right as far as tried"
    assert [item.option for item in checked.not_tried] == ["logits"]
    assert checked.notes[0] == "taken for a loss of probabilities, as it is right behind a softmax"
    assert summed.grade == "wrong"


@pytest.mark.slow
def test_what_names_its_logits_takes_those(check: Check) -> None:
    text = TEXT.replace("predictions", "logits")
    assert check(text, "Past", "cross_entropy").grade == "wrong"


def test_a_loss_of_probabilities_is_told_from_a_wrong_one(check: Check, summed: Checked) -> None:
    found = wrong(check(TEXT, "Loss", "cross_entropy", of="logits"))
    assert set(found) == {"loss", "grad_logits"}
    for finding in found.values():
        assert finding.cause is not None
        assert finding.cause.code == "takes-probabilities"
        assert "--like '{of: probabilities}'" in finding.cause.help
    others = wrong(summed).values()
    assert "takes-probabilities" not in {each.cause.code for each in others if each.cause}


@pytest.mark.parametrize("name", ["Past", "Softmax+Past"])
def test_it_is_right_behind_a_softmax(name: str, check: Check) -> None:
    checked = check(TEXT, name, "cross_entropy", of="probabilities" if name == "Past" else "")
    assert checked.grade == "right"
    assert checked.notes == (
        "it returns the gradient of the logits, which is handed past the softmax",
        CLIPPED,
    )


@pytest.mark.parametrize(("kind", "of"), [("cross_entropy", "probs"), ("relu", "logits")])
def test_what_no_loss_takes_is_refused(kind: str, of: str, check: Check) -> None:
    with pytest.raises(BackendError, match=f"`logits` or `probabilities`; found `{of}` for {kind}"):
        check(TEXT, "Past", kind, of=of)


def test_a_gradient_is_lost_where_a_probability_is_0(check: Check) -> None:
    checked = check(TEXT, "Softmax+Loss", "cross_entropy")
    assert checked.grade == "right as far as tried"
    assert [item.option for item in checked.not_tried] == ["grad_logits"]
    assert CLIPPED in checked.notes


def test_a_wrong_one_is_wrong_behind_a_softmax(check: Check) -> None:
    found = wrong(check(TEXT, "Softmax+Sum", "cross_entropy"))
    assert set(found) == {"grad_logits"}
    assert found["grad_logits"].cause is not None
    assert found["grad_logits"].cause.code == "sum-not-mean"


UNGUARDED = """
import numpy as np
class Loss:
    def forward(self, p, y):
        self.p, self.y, self.n = p, y, np.arange(len(y))
        return -np.log(p[self.n, y]).mean()
    def backward(self):
        d = np.zeros_like(self.p)
        d[self.n, self.y] = -1 / self.p[self.n, self.y] / len(self.y)
        return d
"""


def test_a_logarithm_without_a_guard_is_right_of_probabilities(check: Check) -> None:
    """It is infinite where a probability is 0, and so it should be."""
    checked = check(UNGUARDED, "Loss", "cross_entropy")
    assert checked.grade == "right as far as tried"
    assert [item.option for item in checked.not_tried] == ["logits", "loss", "grad_logits"]
    assert not any("handed past" in note for note in checked.notes)


def test_what_a_loss_takes_and_is_not_given_is_not_tried(check: Check) -> None:
    text = changed(
        "class Loss:\n", "class Loss:\n    def __init__(self, smoothing=0.0, eps=0.0): 0\n"
    )
    checked = check(text, "Loss", "cross_entropy")
    assert checked.grade == "right as far as tried"
    assert [item.option for item in checked.not_tried] == ["smoothing"]


def test_0_times_the_logarithm_of_0_is_wrong(check: Check) -> None:
    text = UNGUARDED.replace("-np.log(p[self.n, y])", "-(np.eye(p.shape[1])[y] * np.log(p)).sum(1)")
    (first, *others) = [f for f in check(text, "Loss", "cross_entropy").findings if f.wrong]
    assert first.cause is not None
    assert first.cause.code == "zero-times-log"
    assert {f.quantity for f in others} == {"loss"}


LOGS = """
import numpy as np

class LogSoftmax:
    def forward(self, x):
        d = x - x.max(axis=1, keepdims=True)
        self.out = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
        return self.out
    def backward(self, grad):
        return grad - np.exp(self.out) * grad.sum(axis=1, keepdims=True)

class NLL:
    def forward(self, log_p, labels):
        self.own = np.eye(log_p.shape[1])[labels]
        return -np.sum(self.own * log_p) / len(labels)
    def backward(self):
        return -self.own / len(self.own)

class Zeros:
    def forward(self, logits, labels):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p, self.own = e / e.sum(axis=1, keepdims=True), np.eye(e.shape[1])[labels]
        return -np.sum(self.own * np.log(self.p)) / len(labels)
    def backward(self):
        return (self.p - self.own) / len(self.own)
"""


def test_a_log_softmax_is_no_softmax_that_a_gradient_is_handed_past(check: Check) -> None:
    assert check(LOGS, "LogSoftmax+NLL", "cross_entropy").grade == "right"


def test_a_loss_that_is_nan_may_be_so_by_a_logarithm_of_0(check: Check) -> None:
    found = wrong(check(LOGS, "Zeros", "cross_entropy"))
    assert set(found) == {"loss"}
    cause = found["loss"].cause
    assert cause is not None
    assert "0 * log(0) is NaN; or the code takes exp of the logits as they are" in cause.sentence
