"""What a user may say about a class, and what `cnnspec check` finds out by itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cnnspec import BackendError
from cnnspec.compare.check import Checked, check_class
from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.kinds import LAYERS
from cnnspec.spec.layers import KINDS, BatchNorm, Linear, Pool

TEXT = """
import numpy as np

class Fixed:
    def forward(self, x):
        n, c, h, w = self.shape = x.shape
        whole = x[:, :, : h // 2 * 2, : w // 2 * 2]
        return whole.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))
    def backward(self, grad):
        n, c, h, w = self.shape
        dx = np.zeros(self.shape)
        dx[:, :, : h // 2 * 2, : w // 2 * 2] = grad.repeat(2, axis=2).repeat(2, axis=3) / 4
        return dx

class NoBias:
    def __init__(self, n_in, n_out):
        self.W = np.zeros((n_in, n_out))
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, grad):
        return grad @ self.W.T, self.x.T @ grad

class Norm:
    axes, shape = (0, 2, 3), (1, -1, 1, 1)
    def __init__(self, num_features, eps=1e-5):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps = eps
    def forward(self, x):
        assert x.ndim == len(self.shape), "of another shape"
        self.m = x.size / x.shape[1]
        mean, var = x.mean(axis=self.axes), x.var(axis=self.axes)
        self.std = np.sqrt(var + self.eps).reshape(self.shape)
        self.hat = (x - mean.reshape(self.shape)) / self.std
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.running_var = 0.9 * self.running_var + 0.1 * var * self.m / (self.m - 1)
        return self.gamma.reshape(self.shape) * self.hat + self.beta.reshape(self.shape)
    def backward(self, grad):
        self.dgamma, self.dbeta = (grad * self.hat).sum(axis=self.axes), grad.sum(axis=self.axes)
        means = self.dbeta.reshape(self.shape) + self.hat * self.dgamma.reshape(self.shape)
        return self.gamma.reshape(self.shape) / self.std * (grad - means / self.m)

class RowNorm(Norm):
    # Gives another shape for features, where Norm raises.
    def __init__(self, num_features):
        super().__init__(num_features)
        for name in ("gamma", "beta"):
            setattr(self, name, getattr(self, name).reshape(1, -1, 1, 1))
    def forward(self, x):
        if x.ndim == 2:
            return self.gamma * x
        return super().forward(x)

class DenseNorm(Norm):
    axes, shape = (0,), (1, -1)

class ImagesReLU:
    def forward(self, x):
        n, c, h, w = x.shape
        self.on = x > 0
        return x * self.on
    def backward(self, grad):
        return grad * self.on

class BadNorm(Norm):
    def forward(self, x):
        return super().forward(x) + 1

class Columns:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros((n_out, 1))
    def forward(self, x):
        self.x = x
        return self.W @ x + self.b
    def backward(self, grad):
        self.dW, self.db = grad @ self.x.T, grad.sum(axis=1, keepdims=True)
        return self.W.T @ grad

class MeanOfColumns(Columns):
    def backward(self, grad):
        dx = super().backward(grad)
        self.db = self.db / grad.shape[1]
        return dx

class OneVector:
    # Its forward pass takes a batch as well.
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        return self.W @ grad, np.outer(self.x, grad), grad

class Choice(NoBias):
    def __init__(self, n_in, n_out, activation):
        assert activation is None
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)
    def forward(self, x):
        return super().forward(x) + self.b
    def backward(self, grad):
        return *super().backward(grad), grad.sum(axis=0)

class Scaled(NoBias):
    def __init__(self, n_in, n_out, scale):
        super().__init__(n_in, n_out)

def linear_forward(x, w, b):
    return x @ w.T + b, (x, w)

class OneHot:
    def __init__(self, classes=0):
        self.classes = classes
    def forward(self, z, y):
        shifted = z - z.max(axis=1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.grad = (np.exp(log) - y) / len(z)
        return -(y * log).sum() / len(z)
    def backward(self):
        return self.grad
"""

Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(name: str, kind: str, **options: object) -> Checked:
        path = tmp_path / "layers.py"
        path.write_text(TEXT)
        return check_class(f"{path}:{name}", kind, **options)  # type: ignore[arg-type]

    return run


def test_what_is_built_in_is_taken_as_said(check: Check) -> None:
    checked = check("Fixed", "pool", like=Pool(kernel_size=2, kind="avg"))
    assert checked.ok
    assert "Fixed takes no `kind`: kind avg is taken as built in" in checked.notes
    as_maximum = check("Fixed", "pool", like=Pool(kernel_size=2))
    assert not as_maximum.ok, "what is said is what is judged"
    assert check("NoBias", "linear", like=Linear(out_features=4, bias=False)).ok


def test_a_batch_norm_may_be_made_for_one_kind_of_input(check: Check) -> None:
    for name in ("Norm", "RowNorm"):
        images = check(name, "batch_norm")
        assert images.ok
        assert ("features", "made for images alone") in [
            (item.setting, item.why) for item in images.not_supported
        ]
    dense = check("DenseNorm", "batch_norm")
    assert dense.ok
    assert [
        (each.setting, each.why) for each in dense.not_supported if each.option == "images"
    ] == [("images", "made for features alone")]
    assert not check("BadNorm", "batch_norm").ok
    assert check("DenseNorm", "batch_norm", like=BatchNorm(num_features=4)).ok


def test_only_a_batch_norm_may_be_made_for_one_kind_of_input(check: Check) -> None:
    checked = check("ImagesReLU", "relu")
    assert not checked.ok
    assert checked.not_supported == ()


def test_the_layout_that_works_is_taken(check: Check) -> None:
    checked = check("Columns", "linear")
    assert checked.ok
    assert checked.notes == ("taken for --layout columns",)
    other = check("Columns", "linear", layout="vector")
    assert not other.ok, "what is said is what is judged"
    assert "with --layout columns, its forward pass is right (plain)" in other.notes
    assert check("Fixed", "relu").notes == (), "no layout makes it one"


def test_a_layout_is_taken_by_both_passes(check: Check) -> None:
    checked = check("OneVector", "linear")
    assert checked.ok
    assert checked.notes == (
        "taken for --layout vector: one image at a time; --layout nchw judges it on batches",
    )
    # One column alone is right, and a batch of columns has all shapes: it is judged as a batch.
    mean = check("MeanOfColumns", "linear")
    assert not mean.ok
    assert mean.notes == ("taken for --layout columns",)


def test_arguments(check: Check) -> None:
    assert check("Choice", "linear", arguments={"activation": None}).ok
    assert check("Choice", "linear").notes == ("given: activation=None; --arg says otherwise",)
    checked = check("Scaled", "linear")
    assert checked.grade is None
    assert "Scaled wants `scale`, " in checked.error
    assert "--arg scale=VALUE" in checked.error
    assert check("OneHot", "cross_entropy", arguments={"classes": 3}).ok


@pytest.mark.parametrize("layout", ["columns", "nchw"])
def test_a_loss_has_no_layout(layout: str, check: Check) -> None:
    with pytest.raises(BackendError, match=f"--layout {layout}: only layers have one"):
        check("OneHot", "cross_entropy", layout=layout)


def test_labels_may_be_one_hot(check: Check) -> None:
    assert check("OneHot", "cross_entropy").ok


@pytest.mark.parametrize(
    ("name", "kind", "names", "message"),
    [
        ("NoBias", "linear", {"foo": "W"}, "nothing called foo that could be mapped"),
        ("NoBias", "linear", {"out_channels": "n_out"}, "a linear has no such option; it has bias"),
        ("NoBias", "linear", {"weight": "V"}, "has no array `V`, as --map weight=V says"),
        ("OneHot", "cross_entropy", {"weight": "W"}, "a loss has nothing called weight"),
        (
            "Columns",
            "pool",
            {},
            "takes no `kernel_size`; its parameters are n_in, n_out; say which",
        ),
    ],
)
def test_slips_of_the_user_are_no_findings(
    name: str, kind: str, names: dict[str, str], message: str, check: Check
) -> None:
    try:
        said = check(name, kind, names=names).error
    except BackendError as error:
        said = str(error)
    assert message in said


def test_a_function_alone_asks_for_that_of_the_other_pass(check: Check) -> None:
    checked = check("linear_forward", "linear")
    assert checked.grade == "right as far as tried"
    assert [item.option for item in checked.not_tried] == ["grad_input", "grad_weight", "grad_bias"]
    assert "is found, such as `linear_backward`" in checked.not_tried[0].why


def test_what_a_class_has_not_anywhere_is_not_offered(check: Check) -> None:
    checked = check("NoBias", "linear")
    assert checked.ok
    lost = {found.quantity for found in checked.findings if not found.offered}
    assert "grad_bias" in lost
    assert "output" not in lost
    assert {why.option for why in checked.not_supported} == {"bias"}
    settings = LAYERS["linear"].tried(KINDS["linear"])
    every = {(each.name, f.quantity) for each in settings for f in grader_of(each).unreached()}
    assert {(found.setting, found.quantity) for found in checked.findings} == every


GRAY = """
import numpy as np

class Conv3x3:
    def __init__(self, num_filters):
        self.filters = np.zeros((num_filters, 3, 3))
    def forward(self, image):
        h, w = image.shape
        self.image = image
        y = np.zeros((h - 2, w - 2, len(self.filters)))
        for i, j in np.ndindex(h - 2, w - 2):
            y[i, j] = (image[i : i + 3, j : j + 3] * self.filters).sum(axis=(1, 2))
        return y
    def backprop(self, d_L_d_out, learn_rate):
        gradient = np.zeros_like(self.filters)
        for i, j in np.ndindex(*d_L_d_out.shape[:2]):
            gradient += d_L_d_out[i, j][:, None, None] * self.image[i : i + 3, j : j + 3]
        self.filters -= learn_rate * gradient
"""


@pytest.mark.slow
def test_gray_images_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "gray.py"
    path.write_text(GRAY)
    checked = check_class(f"{path}:Conv3x3", "conv")
    assert checked.ok
    assert any(note.startswith("taken for --layout hw:") for note in checked.notes)
    assert {why.option for why in checked.not_supported} >= {"bias", "kernel_size"}
    assert [item.option for item in checked.not_tried] == ["grad_input"]


def test_a_map_the_wrong_way_round_is_turned_round(check: Check) -> None:
    with pytest.raises(BackendError, match="nothing called theta; write weight=theta"):
        check("NoBias", "linear", names={"theta": "weight"})
