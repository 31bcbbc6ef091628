"""The grade: what counts as right, what as wrong, and under which cause."""

import numpy as np
import pytest

from cnnspec.compare.check import CheckFinding
from cnnspec.spec.layers import Conv, Linear
from tests.compare.check.conftest import Check
from tests.compare.check.test_check import NOTEBOOK, RIGHT, changed, wrong

FLOAT32 = "computes in float32, although it is given float64"
CONV = NOTEBOOK.read_text().split("class ReLU:")[0].split("from cnnspec import")[0] + (
    "class Conv2D" + NOTEBOOK.read_text().split("class Conv2D")[1].split("class ReLU:")[0]
)
POOL = "import numpy as np\n\nclass Pooling" + (
    NOTEBOOK.read_text().split("class Pooling")[1].split("class MaxPool2D(")[0]
    + "\n    def backward(self, grad):\n        return self.x * 0\n"
)
SMALL_CONV = Conv(out_channels=2, kernel_size=2, padding=1)


def in_conv(old: str, new: str) -> str:
    assert old in CONV
    return CONV.replace(old, new)


def sentences(findings: dict[str, CheckFinding]) -> dict[str, str]:
    return {name: f.cause.sentence for name, f in findings.items() if f.cause is not None}


def test_float32_numbers_are_a_note(check: Check) -> None:
    text = changed("return x @ self.W + self.b", "return (x @ self.W + self.b).astype('f4')")
    checked = check(text, "Linear", "linear")
    assert wrong(checked) == {}
    assert checked.notes == (FLOAT32,)


SMALL = {
    "a factor": ("return x @ self.W + self.b", "return (x @ self.W + self.b) * (1 + 1e-7)"),
    "a term": ("self.x.T @ grad,", "self.x.T @ grad + 1e-7 * self.W,"),
}


@pytest.mark.parametrize("what", SMALL)
def test_small_errors_of_float64_are_wrong(what: str, check: Check) -> None:
    checked = check(changed(*SMALL[what]), "Linear", "linear")
    quantity = {"a factor": "output", "a term": "grad_weight"}[what]
    assert list(wrong(checked)) == [quantity]
    assert checked.passed == 22
    assert checked.notes == ()


def test_what_is_right_in_the_first_call_only_is_named(check: Check) -> None:
    text = changed(
        "return x @ self.W + self.b",
        "self.scale = 2 * getattr(self, 'scale', 0.5); return (x @ self.W + self.b) * self.scale",
    )
    found = wrong(check(text, "Linear", "linear"))
    assert found["output"].cause is not None
    assert found["output"].cause.code == "first-call-only"


def test_a_crash_keeps_the_total(check: Check) -> None:
    text = in_conv(
        "k, s, p = self.kernel_size, self.stride, self.padding\n        self.x",
        """\
k, s, p = self.kernel_size, self.stride, self.padding
        if s > 1: raise ValueError
        self.x""",
    )
    checked = check(text, "Conv2D", "conv")
    assert (checked.passed, len(checked.findings)) == (38, 89)
    unreached = [finding for finding in checked.findings if finding.wrong and not finding.reached]
    assert len(unreached) == 14


def test_gradients_that_were_set_before_backward_raised_are_judged(check: Check) -> None:
    text = in_conv("        return dx[", "        raise ValueError('no dx')\n        return dx[")
    checked = check(text, "Conv2D", "conv", like=SMALL_CONV)
    assert list(wrong(checked)) == ["grad_input"]
    right = {finding.quantity for finding in checked.findings if finding.ok}
    assert right == {"output", "grad_weight", "grad_bias", "own input"}


def test_gradients_of_an_earlier_pass_are_not_judged(check: Check) -> None:
    text = in_conv(
        "        self.d_weights, self.d_biases =",
        """\
        if len(grad) == 1: raise ValueError
        self.d_weights, self.d_biases =""",
    )
    checked = check(text, "Conv2D", "conv", like=SMALL_CONV)
    assert list(wrong(checked)) == ["grad_input"]
    unreached = {finding.quantity for finding in checked.findings if not finding.reached}
    assert unreached == {"grad_weight", "grad_bias"}


UNFIT = {
    "np.zeros(x.shape, complex)": "is an array of dtype complex128, wanted real numbers",
    "np.full(x.shape, None)": "is an array of dtype object, wanted real numbers",
    "np.full(x.shape, 'a')": "is an array of dtype <U1, wanted real numbers",
}


@pytest.mark.parametrize("given", UNFIT)
def test_what_holds_no_real_numbers_is_called_so(given: str, check: Check) -> None:
    text = changed("return np.where(self.on, x, 0)", f"return {given}")
    assert wrong(check(text, "ReLU", "relu"))["output"].message == UNFIT[given]


def test_a_loss_that_returns_nothing(check: Check) -> None:
    text = changed("return np.mean(np.log(", "np.mean(np.log(")
    found = wrong(check(text, "Loss", "cross_entropy"))
    assert list(found) == ["loss"]
    assert found["loss"].message == "is None: is a `return` missing?"


def test_a_cut_that_leaves_nothing_is_called_so(check: Check) -> None:
    text = in_conv("p : dx.shape[2] - p, p : dx.shape[3] - p", "p:-p, p:-p")
    like = SMALL_CONV.model_copy(update={"padding": 0})
    found = wrong(check(text, "Conv2D", "conv", like=like))
    assert "a cut of `p:-p` is empty where p = 0" in sentences(found)["grad_input"]


SHAPES = {
    "+ 1 forgotten": (
        in_conv("// s + 1, (width - k) // s + 1", "// s, (width - k) // s"),
        "the last row and the last column of windows are missing: the + 1",
    ),
    "square": (
        in_conv("(width - k) // s + 1))", "(height - k) // s + 1))"),
        "the last columns of windows are missing: their number may be taken for that of the rows",
    ),
    "batch": (
        in_conv("np.zeros((n, len", "np.zeros((32, len").replace(
            "in np.ndindex(out.shape)", "in np.ndindex(n, *out.shape[1:])"
        ),
        "the batch is 32, whatever is given",
    ),
}


@pytest.mark.parametrize("what", SHAPES)
def test_outputs_of_another_shape(what: str, check: Check) -> None:
    text, words = SHAPES[what]
    found = wrong(check(text, "Conv2D", "conv", like=SMALL_CONV))
    assert words in sentences(found)["output"]


@pytest.mark.slow
def test_a_pool_without_its_last_windows_is_not_put_down_to_the_stride(check: Check) -> None:
    assert "// self.stride + 1" in POOL
    found = check(POOL.replace("// self.stride + 1", "// self.stride"), "Pooling", "pool")
    causes = {f.cause.code for f in found.findings if f.quantity == "output" and f.cause}
    assert causes == {"windows-missing"}


def test_a_factor_has_the_names_that_hold_in_every_setting(check: Check) -> None:
    text = in_conv("        return dx[", "        return 3 * dx[")
    checked = check(text, "Conv2D", "conv")
    causes = {finding.cause for finding in checked.findings if finding.wrong}
    (cause,) = causes
    assert cause is not None
    assert cause.sentence == "every number is 3 times the expected one"


def test_extreme_logits_are_graded_apart(check: Check) -> None:
    text = changed("shifted = logits - logits.max(axis=1, keepdims=True)", "shifted = logits")
    checked = check(text, "Loss", "cross_entropy")
    bad = {finding.setting for finding in checked.findings if finding.wrong}
    assert bad == {"10 classes, extreme logits", "2 classes, extreme logits"}


def test_running_statistics_that_are_not_there(check: Check) -> None:
    text = RIGHT.replace("running_mean", "mine").replace("running_var", "yours")
    for_training = check(text, "BatchNorm", "batch_norm")
    assert for_training.grade == "right"
    lacks = {item.option for item in for_training.not_supported}
    assert lacks == {"running_mean", "running_var", "evaluation", "affine"}
    told = check(text.replace("forward(self, x)", "forward(self, x, train)"), *NORM)
    assert told.grade == "right as far as tried"
    assert {item.option for item in told.not_tried} == lacks - {"affine"}
    assert "--map running_mean=NAME" in told.not_tried[0].why


def test_arrays_are_shown_on_the_probe_that_the_cause_speaks_of(check: Check) -> None:
    text = changed("self.x.T @ grad,", "self.x.T @ grad / len(grad),")
    found = wrong(check(text, "Linear", "linear"))["grad_weight"]
    assert found.example.startswith("batch of 7")
    assert found.shown is not None
    assert found.shown.probe == "batch of 7"
    assert np.allclose(7 * np.array(found.shown.found), found.shown.wanted)
    assert found.cause is not None
    assert "1/7 = 1/batch_size" in found.cause.sentence
    assert found.max_abs is not None
    assert np.isfinite(found.max_abs)


NORM = ("BatchNorm", "batch_norm")
UPDATES = (
    "return grad @ self.W.T, self.x.T @ grad, grad.sum(axis=0)",
    """\
self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        self.W = self.W - 0.1 * self.dW
        return grad @ self.W.T""",
)


def test_a_gradient_of_the_updated_weights_is_named(check: Check) -> None:
    found = wrong(check(changed(*UPDATES), "Linear", "linear"))
    assert set(found) == {"grad_input", "own weights"}
    assert found["grad_input"].cause is not None
    assert found["grad_input"].cause.code == "updated-weights-used"
    other = changed(UPDATES[0], UPDATES[1].replace("grad @ self.W.T", "grad @ (2 + self.W.T)"))
    assert wrong(check(other, "Linear", "linear"))["grad_input"].cause is None


CUT = {
    "relu": (
        changed("return np.where(self.on, x, 0)", "return np.where(self.on, x, 0).astype(int)"),
        "ReLU",
    ),
    "linear": (
        changed("return x @ self.W + self.b", "return (x @ self.W + self.b).astype(int)"),
        "Linear",
    ),
}


@pytest.mark.parametrize("kind", CUT)
def test_integers_are_named(kind: str, check: Check) -> None:
    text, name = CUT[kind]
    found = wrong(check(text, name, kind))["output"]
    assert found.cause is not None
    assert found.cause.code == "truncated"
    rounded = text.replace(".astype(int)", ".round()")
    found = wrong(check(rounded, name, kind))["output"]
    assert found.cause is None or found.cause.code != "truncated"


def test_no_number_where_x_is_0_is_named(check: Check) -> None:
    text = changed(
        "return np.where(self.on, grad, 0)", "return grad * (np.maximum(self.x, 0) / self.x)"
    )
    text = text.replace("self.on = x > 0", "self.x = x; self.on = x > 0")
    found = wrong(check(text, "ReLU", "relu"))["grad_input"]
    assert found.cause is not None
    assert found.cause.code == "divided-by-zero"


def test_a_cut_at_the_wrong_corner_is_asked_about(check: Check) -> None:
    cut = "p : dx.shape[2] - p, p : dx.shape[3] - p"
    text = in_conv(cut, ": dx.shape[2] - 2 * p, : dx.shape[3] - 2 * p")
    found = wrong(check(text, "Conv2D", "conv", like=SMALL_CONV))
    assert "it may be cut off at the bottom and the right alone" in sentences(found)["grad_input"]


def test_the_bias_of_a_linear_layer_has_features(check: Check) -> None:
    text = changed("self.x.T @ grad, grad.sum(axis=0)", "self.x.T @ grad, grad.sum(axis=1)")
    said = sentences(wrong(check(text, "Linear", "linear")))["grad_bias"]
    assert said == "the sum runs over features; it belongs over all axes but the features"


def test_gradients_that_are_half_made_where_backward_raises_are_not_accused(check: Check) -> None:
    text = changed(
        "return grad @ self.W.T, self.x.T @ grad, grad.sum(axis=0)",
        "self.dW = 0 * self.W; self.db = grad.sum(axis=0); raise ValueError('no')",
    )
    checked = check(text, "Linear", "linear", like=Linear(out_features=3))
    assert list(wrong(checked)) == ["grad_input"]
    unreached = {finding.quantity for finding in checked.findings if not finding.reached}
    assert "grad_weight" in unreached
    assert "grad_bias" not in unreached


def test_what_is_cut_off_far_out_is_named(check: Check) -> None:
    text = changed(
        "        return np.where(self.on, x, 0)\n", "        return np.minimum(self.on * x, 20)\n"
    ).replace("np.where(self.on, grad, 0)", "np.clip(self.on * grad, -10, 10)")
    found = wrong(check(text, "ReLU", "relu"))
    assert found["output"].setting == "large numbers"
    assert {name: f.cause.code for name, f in found.items() if f.cause} == {
        "output": "clipped",
        "grad_input": "clipped",
    }


def test_backward_is_not_blamed_for_an_output_of_the_wrong_shape(check: Check) -> None:
    text = """
class ReLU:
    def forward(self, x):
        self.mask = x[:, 1:] > 0
        return x[:, 1:] * self.mask

    def backward(self, grad):
        return grad * self.mask
"""
    found = [each for each in check(text, "ReLU", "relu").findings if each.setting == "features"]
    backward = {each.quantity: each for each in found}["grad_input"]
    assert "mend the output first" in backward.message
    assert "line" not in backward.message
