"""Classes by hand before `cnnspec check`: right ones pass, every fault and misbehaviour is said."""

from pathlib import Path

import pytest

from cnnspec import BackendError
from cnnspec.compare.check import Checked, CheckFinding, check_class
from cnnspec.spec.layers import KINDS as LAYER_KINDS
from cnnspec.spec.layers import Conv
from tests.compare.check.conftest import Check

NOTEBOOK = Path(__file__).parents[3] / "examples" / "notebook_layers.py"

RIGHT = """
import numpy as np

class Linear:
    def __init__(self, in_features, out_features):
        self.W, self.b = np.zeros((in_features, out_features)), np.zeros((1, out_features))
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        return grad @ self.W.T, self.x.T @ grad, grad.sum(axis=0)

class ReLU:
    def forward(self, x):
        self.on = x > 0
        return np.where(self.on, x, 0)
    def backward(self, grad):
        return np.where(self.on, grad, 0)

class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)
    def backward(self, grad):
        return grad.reshape(self.shape)

class AveragePool:
    def __init__(self, kernel_size, stride, kind):
        self.k, self.s, self.kind = kernel_size, stride, kind
    def windows(self, shape):
        for i, j in np.ndindex(shape[2:]):
            top, left = i * self.s, j * self.s
            yield i, j, (..., slice(top, top + self.k), slice(left, left + self.k))
    def forward(self, x):
        self.x = x
        y = np.zeros((*x.shape[:2], *((side - self.k) // self.s + 1 for side in x.shape[2:])))
        for i, j, at in self.windows(y.shape):
            y[:, :, i, j] = x[at].mean(axis=(2, 3))
        return y
    def backward(self, grad):
        dx = np.zeros_like(self.x)
        for i, j, at in self.windows(grad.shape):
            dx[at] += grad[:, :, i, j, None, None] / self.k**2
        return dx

class BatchNorm:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum
    def forward(self, x):
        self.axes = (0, 2, 3) if x.ndim == 4 else (0,)
        self.shape = (1, -1, 1, 1) if x.ndim == 4 else (1, -1)
        self.m = x.size / len(self.gamma)
        mean, var = x.mean(axis=self.axes), x.var(axis=self.axes)
        self.std = np.sqrt(var + self.eps).reshape(self.shape)
        self.hat = (x - mean.reshape(self.shape)) / self.std
        keep = 1 - self.momentum
        self.running_mean = keep * self.running_mean + self.momentum * mean
        self.running_var = keep * self.running_var + self.momentum * var * self.m / (self.m - 1)
        return self.gamma.reshape(self.shape) * self.hat + self.beta.reshape(self.shape)
    def backward(self, grad):
        self.dgamma, self.dbeta = (grad * self.hat).sum(axis=self.axes), grad.sum(axis=self.axes)
        means = self.dbeta.reshape(self.shape) + self.hat * self.dgamma.reshape(self.shape)
        return self.gamma.reshape(self.shape) / self.std * (grad - means / self.m)

class Loss:
    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        n = np.arange(len(labels))
        self.grad = e / e.sum(axis=1, keepdims=True)
        self.grad[n, labels] -= 1
        self.grad /= len(labels)
        return np.mean(np.log(e.sum(axis=1)) - shifted[n, labels])
    def backward(self):
        return self.grad

def loss(logits, labels):
    made = Loss()
    return made.forward(logits, labels), made.backward()
"""


def wrong(checked: Checked) -> dict[str, CheckFinding]:
    """Return the first wrong finding of each quantity."""
    found: dict[str, CheckFinding] = {}
    for finding in checked.findings:
        if finding.reached and finding.wrong:
            found.setdefault(finding.quantity, finding)
    return found


@pytest.mark.parametrize(
    ("name", "kind", "count", "not_offered"),
    [
        ("Linear", "linear", 26, ["bias"]),
        ("ReLU", "relu", 18, []),
        ("Flatten", "flatten", 10, []),
        ("BatchNorm", "batch_norm", 40, ["evaluation", "affine"]),
        ("Loss", "cross_entropy", 24, []),
        ("loss", "cross_entropy", 24, []),
    ],
)
def test_right_classes_pass(
    name: str, kind: str, count: int, not_offered: list[str], check: Check
) -> None:
    checked = check(RIGHT, name, kind)
    assert wrong(checked) == {}
    assert checked.grade == "right"
    assert (checked.passed, len(checked.findings) - checked.not_offered) == (count, count)
    assert [*dict.fromkeys(item.option for item in checked.not_supported)] == not_offered


def test_a_right_average_pool_passes_as_given(check: Check) -> None:
    from cnnspec.spec.layers import Pool

    checked = check(RIGHT, "AveragePool", "pool", like=Pool(kind="avg", kernel_size=3, stride=2))
    assert wrong(checked) == {}


def test_a_right_conv_passes_in_every_setting_it_is_made_for() -> None:
    checked = check_class(f"{NOTEBOOK}:Conv2D", "conv")
    assert wrong(checked) == {}
    assert (checked.passed, len(checked.findings)) == (55, 89)
    assert {item.option for item in checked.not_supported} == {
        *("bias", "dilation", "groups", "sides")
    }
    like = check_class(f"{NOTEBOOK}:Conv2D", "conv", like=Conv(out_channels=8, kernel_size=3))
    assert wrong(like) == {}
    assert {finding.setting for finding in like.findings} == {"as given"}


@pytest.mark.parametrize(
    ("name", "kind", "quantity", "words"),
    [
        ("Linear", "linear", "grad_weight", "it may be divided by the batch size twice"),
        ("MaxPool2D", "pool", "grad_input", "one is defined inside `forward` (line "),
        ("MaxPool2DTies", "pool", "grad_input", "to every cell that equals the maximum"),
        ("MaxPool2DSharedMask", "pool", "grad_input", "overlapping windows share one mask"),
    ],
)
def test_the_notebooks_faults_are_found_with_their_cause(
    name: str, kind: str, quantity: str, words: str
) -> None:
    found = wrong(check_class(f"{NOTEBOOK}:{name}", kind))
    said = found[quantity].message + (
        found[quantity].cause.sentence if found[quantity].cause else ""
    )
    assert words in said
    assert set(found) <= {"grad_weight", "own weights", "grad_input"}


def test_the_shared_mask_is_right_where_windows_do_not_overlap() -> None:
    checked = check_class(f"{NOTEBOOK}:MaxPool2DSharedMask", "pool")
    settings = {finding.setting for finding in checked.findings if finding.wrong}
    assert settings == {
        *("overlapping windows", "overlapping windows, stride 1", "kernel 4, stride 3"),
    }


def changed(old: str, new: str) -> str:
    assert old in RIGHT
    return RIGHT.replace(old, new)


FAULTS = {
    "input changed": (changed("self.on = x > 0", "self.on = x > 0; x *= 0"), "ReLU", "own input"),
    "gradient changed": (
        changed("return np.where(self.on, grad, 0)", "grad *= self.on; return grad"),
        "ReLU",
        "own grad_output",
    ),
    "wrong shape": (changed("return x.reshape(len(x), -1)", "return x"), "Flatten", "output"),
    "wrong order": (
        changed(
            "return x.reshape(len(x), -1)", "return x.transpose(0, 2, 3, 1).reshape(len(x), -1)"
        ),
        "Flatten",
        "output",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_other_faults_are_found_with_their_cause(fault: str, check: Check) -> None:
    text, name, quantity = FAULTS[fault]
    finding = wrong(check(text, name, name.lower()))[quantity]
    assert finding.cause is not None


def test_gradients_that_add_up_over_calls(check: Check) -> None:
    text = """
import numpy as np
class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.dW = np.zeros((n_out, n_in)), np.zeros((n_out, n_in))
        self.b, self.db = np.zeros(n_out), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b
    def backward(self, grad):
        self.dW += grad.T @ self.x
        self.db = self.db + grad.sum(axis=0)
        return grad @ self.W
"""
    found = wrong(check(text, "Linear", "linear"))
    assert set(found) == {"grad_weight", "grad_bias", "same-again"}
    assert found["same-again"].message == "differs in grad_weight, grad_bias"
    assert found["grad_weight"].cause is not None


def test_gradients_beside_their_parameters_may_add_up(check: Check) -> None:
    text = """
import numpy as np
class Parameter:
    def __init__(self, value):
        self.value, self.grad = value, np.zeros_like(value)
class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.b = Parameter(np.zeros((n_out, n_in))), Parameter(np.zeros(n_out))
    def forward(self, x):
        self.x = x
        return x @ self.W.value.T + self.b.value
    def backward(self, grad):
        self.W.grad += grad.T @ self.x
        self.b.grad = grad.sum(axis=0)
        return grad @ self.W.value
"""
    checked = check(text, "Linear", "linear")
    assert checked.grade == "right"
    assert checked.notes == (
        "the gradient of weight lies beside it and may add up: it is set to 0 before a pass",
    )
    twice = text.replace("+= grad.T @ self.x", "+= 2 * grad.T @ self.x")
    assert wrong(check(twice, "Linear", "linear")).keys() == {"grad_weight"}


def test_a_stale_batch_size_is_found(check: Check) -> None:
    text = changed(
        "self.x = x\n        return x @ self.W + self.b",
        """\
self.n = getattr(self, "n", len(x))
        self.x = x[: self.n]
        return x @ self.W + self.b""",
    )
    found = wrong(check(text, "Linear", "linear"))
    assert set(found) == {"grad_input"}
    assert found["grad_input"].stage == "backward"
    assert found["grad_input"].message.endswith("something is kept between calls")


def test_settings_a_class_is_not_made_for_are_listed(check: Check) -> None:
    text = (
        NOTEBOOK.read_text()
        .replace("stride=1, padding=0", "stride=1")
        .replace("stride, padding\n", "stride, 0\n")
    )
    checked = check(text, "Conv2D", "conv")
    assert wrong(checked) == {}
    listed = [item.setting for item in checked.not_supported if item.option == "padding"]
    assert listed == [
        *("padding 1 and stride 2", "padding 2", "dilation 3 and padding 2", "padding 1 x 0"),
        "all at once",
    ]
    assert "Conv2D takes no `padding`" in {item.why for item in checked.not_supported}


MISBEHAVIOUR = {
    "raises": ("raise ValueError('no idea')", "ValueError: no idea (line 6)"),
    "returns nothing": ("pass", "`forward` of Bad returns nothing: is a `return` missing?"),
    "returns a word": ("return 'y'", "`forward` of Bad returns str, wanted an array"),
    "exits": ("import sys; sys.exit(3)", "calls sys.exit(3) (line 6: import sys; sys.exit(3))"),
    "exits at once": ("import os; os._exit(3)", "the process ended with code 3"),
    "dies": (
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "the process died: SIGSEGV",
    ),
    "never ends": ("while True: pass", "does not end within 0."),
    "takes all memory": ("return np.ones((10**6, 10**6))", "MemoryError"),
    "recurses": ("return self.forward(x)", "RecursionError"),
}


@pytest.mark.parametrize("what", MISBEHAVIOUR)
def test_misbehaviour_is_a_finding(what: str, check: Check) -> None:
    code, words = MISBEHAVIOUR[what]
    text = f"""
import numpy as np

class Bad:
    def forward(self, x):
        {code}
    def backward(self, grad):
        return grad
"""
    limit = 0.3 if what == "never ends" else 10.0
    checked = check(text, "Bad", "relu", time_limit=limit)
    assert (checked.passed, len(checked.findings)) == (0, 18)
    found = [finding for finding in checked.findings if finding.reached]
    assert {finding.setting for finding in found} == {
        *("images", "features", "large numbers", "one row of one channel", "one feature")
    }, "it went on"
    for finding in found:
        assert (finding.quantity, finding.stage) == ("output", "forward")
        assert words in finding.message


def test_prints_break_nothing_and_their_end_is_kept(check: Check) -> None:
    text = RIGHT.replace("self.on = x > 0", "print('x' * 10**6); print('seen'); self.on = x > 0")
    checked = check(text, "ReLU", "relu")
    assert wrong(checked) == {}
    assert checked.output.endswith("seen\n")
    assert len(checked.output) <= 2_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (line 1: 1 / 0)"),
        ("def (", "SyntaxError"),
        ("class ReLu: pass", "there is no `ReLU` in it; it has ReLu"),
        ("while True: pass", "does not end within 0.3 s"),
        ("import os; print('hm'); os._exit(1)", "the process ended with code 1"),
        (
            "import nothing_of_the_kind",
            "ModuleNotFoundError: No module named 'nothing_of_the_kind'",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded_passes_nothing(text: str, message: str, check: Check) -> None:
    checked = check(text, "ReLU", "relu", import_limit=0.3 if "while" in text else 60.0)
    assert message in checked.error
    assert (checked.loaded, checked.ok) == (False, False)
    assert (checked.passed, len(checked.findings)) == (0, 18)


def test_no_file_and_no_setting(check: Check) -> None:
    with pytest.raises(BackendError, match=r"there is no file `nowhere\.py`"):
        check_class("nowhere.py:ReLU", "relu")
    with pytest.raises(BackendError, match="without a class"):
        check_class(f"{NOTEBOOK}:", "relu")
    uneven = Conv(out_channels=3, kernel_size=2, padding="same")
    checked = check_class(f"{NOTEBOOK}:Conv2D", "conv", like=uneven)
    assert checked.loaded
    assert checked.error.startswith("is made for no setting of `conv`: `padding: same` pads one")
    assert (checked.passed, len(checked.findings), checked.ok) == (0, 9, False)
    assert [item.why.split(":")[0] for item in checked.not_supported] == ["`padding"]


def test_every_kind_has_settings() -> None:
    from cnnspec.compare.kinds import LAYERS

    assert all(LAYERS[kind].tried(layer) for kind, layer in LAYER_KINDS.items())


LOOKED_UP_ONCE = """
import numpy as np
class Loss:
    one_hot = None
    def forward(self, z, y):
        self.z = z - z.max(1, keepdims=True)
        self.z -= np.log(np.exp(self.z).sum(1, keepdims=True))
        if self.one_hot is None or self.one_hot.shape != z.shape:
            self.one_hot = np.eye(z.shape[1])[y]
        return -(self.z * self.one_hot).sum() / len(z)
    def backward(self):
        return (np.exp(self.z) - self.one_hot) / len(self.z)
"""
KEPT = {
    "the mask, for a shape": (
        changed("self.on = x > 0", "self.on = vars(self).setdefault(str(x.shape), x > 0)"),
        "ReLU",
        "relu",
        {"grad_input": "first-call-only"},
    ),
    "the mask, as long as the shape stays": (
        changed(
            "self.on = x > 0",
            "self.on = self.on if getattr(self, 'on', x[:0]).shape == x.shape else x > 0",
        ),
        "ReLU",
        "relu",
        {"output": "first-call-only", "same-again": "not-repeatable"},
    ),
    "the size of the first image": (
        changed("self.shape = x.shape", "self.shape = getattr(self, 'shape', (-1, *x.shape[1:]))"),
        "Flatten",
        "flatten",
        {"same-again": "kept-size"},
    ),
    "the labels, as long as the shape stays": (
        LOOKED_UP_ONCE,
        "Loss",
        "cross_entropy",
        {"same-again": "not-repeatable"},
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_is_looked_up_once_is_stale_later(what: str, check: Check) -> None:
    text, name, kind, expected = KEPT[what]
    found = wrong(check(text, name, kind))
    assert expected.items() <= {q: f.cause and f.cause.code for q, f in found.items()}.items()


def test_images_of_one_size_may_be_wanted_from_the_first(check: Check) -> None:
    text = changed("self.shape = x.shape", "self.shape = (len(x), 2, 4, 5)")
    assert "same-again" not in wrong(check(text, "Flatten", "flatten"))


CUT_OFF = {
    "output": ("np.where(self.on, x, 0)", "np.clip(x, 0, 6)"),
    "grad_input": ("np.where(self.on, grad, 0)", "np.where(self.on, grad, 0).clip(-5, 5)"),
}


@pytest.mark.parametrize("quantity", CUT_OFF)
def test_numbers_that_are_cut_off_are_seen(quantity: str, check: Check) -> None:
    found = wrong(check(changed(*CUT_OFF[quantity]), "ReLU", "relu"))
    cause = found[quantity].cause
    assert cause is not None
    assert cause.code == "clipped"


ONE_BY_ONE = """
import numpy as np
class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(-1)
    def backward(self, grad):
        return grad.reshape(self.shape)
class Softmax:
    def forward(self, z):
        e = np.exp(z - np.max(z))
        self.a = e / e.sum()
        return self.a
    def backward(self, grad):
        return (np.diag(self.a) - np.outer(self.a, self.a)) @ grad
"""


def test_a_layout_that_is_said_holds(check: Check) -> None:
    assert check(ONE_BY_ONE, "Flatten", "flatten").grade == "right"
    assert check(ONE_BY_ONE, "Flatten", "flatten", layout="nchw").grade == "wrong"


def test_of_layouts_in_which_the_output_is_right_the_gradient_tells(check: Check) -> None:
    checked = check(ONE_BY_ONE, "Softmax", "softmax")
    assert checked.grade == "right"
    assert checked.notes[0].startswith("taken for --layout vector")


def test_an_output_that_backward_overwrites_is_told(check: Check) -> None:
    text = """
import numpy as np
class Sigmoid:
    def forward(self, x):
        self.a = 1 / (1 + np.exp(-x))
        return self.a
    def backward(self, grad):
        self.a *= 1 - self.a
        return grad * self.a
"""
    checked = check(text, "Sigmoid", "sigmoid")
    assert checked.grade == "right"
    assert checked.notes == ("its backward pass overwrites the output that forward gave",)


NORM_OF_COLUMNS = """
import numpy as np

class BatchNorm:
    def __init__(self, n, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones((n, 1)), np.zeros((n, 1)), eps
    def forward(self, z):
        mean = lambda each: each.mean(1, keepdims=True)
        self.inv = 1 / np.sqrt(z.var(1, keepdims=True) + self.eps)
        self.zn = (z - mean(z)) * self.inv
        return self.gamma * self.zn + self.beta
    def backward(self, d):
        mean = lambda each: each.mean(1, keepdims=True)
        self.dgamma = (d * self.zn).sum(1, keepdims=True)
        self.dbeta = d.sum(1, keepdims=True)
        return (d - mean(d) - self.zn * mean(d * self.zn)) * self.gamma * self.inv
"""


@pytest.mark.slow
def test_features_are_columns_where_images_fail(check: Check) -> None:
    checked = check(NORM_OF_COLUMNS, "BatchNorm", "batch_norm")
    assert checked.grade == "right"
    assert "taken for --layout columns" in checked.notes


def test_a_flatten_of_channels_last_takes_images_of_any_size(check: Check) -> None:
    checked = check(RIGHT, "Flatten", "flatten", layout="nhwc")
    assert checked.grade == "right"
