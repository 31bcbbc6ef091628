"""What is kept between passes: by one object, and by two of one class; and evaluation."""

from __future__ import annotations

import pytest

from cnnspec.compare.check import Checked, CheckFinding
from cnnspec.spec.layers import BatchNorm, Pool
from tests.compare.check.conftest import Check
from tests.compare.check.test_check import RIGHT, changed

RELU = ("ReLU", "relu")


def by_quantity(checked: Checked) -> dict[str, CheckFinding]:
    return {found.quantity: found for found in reversed(checked.findings) if found.wrong}


SHARED = {
    "in the class": changed("self.on", "ReLU.on"),
    "in a default": changed(
        "class ReLU:\n", "class ReLU:\n    def __init__(self, kept={}):\n        self.kept = kept\n"
    ).replace("self.on", 'self.kept["on"]'),
    "in a global": changed("self.on = x > 0\n", "global on; on = x > 0\n").replace("self.on", "on"),
}


@pytest.mark.parametrize("where", SHARED)
def test_what_two_objects_share_is_named(where: str, check: Check) -> None:
    checked = check(SHARED[where], *RELU)
    found = by_quantity(checked)
    assert list(found) == ["two objects"]
    assert "other" not in found["two objects"].setting


def test_weights_that_two_objects_share(check: Check) -> None:
    text = changed("class Linear:\n", "class Linear:\n    params = {}\n")
    text = text.replace("self.W, self.b = ", 'self.params["W"], self.params["b"] = ')
    text = text.replace("self.W", 'self.params["W"]').replace("self.b\n", 'self.params["b"]\n')
    found = by_quantity(check(text, "Linear", "linear"))
    assert found["two objects"].cause is not None
    assert found["two objects"].cause.code == "shared-state"


def test_a_copy_of_the_first_weights_is_named(check: Check) -> None:
    text = changed("np.zeros((in_features", "np.random.randn(*(in_features").replace(
        "np.zeros((1, out_features))\n", "np.zeros((1, out_features)); self.T = self.W.T.copy()\n"
    )
    text = text.replace("grad @ self.W.T, self.x.T", "grad @ self.T, self.x.T")
    found = by_quantity(check(text, "Linear", "linear"))
    codes = {name: each.cause.code for name, each in found.items() if each.cause}
    assert codes == {"grad_input": "first-weights-used", "two objects": "objects-differ"}


def test_numbers_that_are_drawn_are_named(check: Check) -> None:
    text = changed("x @ self.W + self.b", "x @ self.W + self.b + np.random.randn()")
    found = by_quantity(check(text, "Linear", "linear"))
    codes = {name: each.cause.code for name, each in found.items() if each.cause}
    assert codes == dict.fromkeys(("output", "same-again", "two objects"), "drawn-at-random")


def test_what_one_object_gives_otherwise_each_time_is_not_shared(check: Check) -> None:
    text = changed("class ReLU:\n", "import os\nclass ReLU:\n").replace(
        "np.where(self.on, x, 0)", "np.where(self.on, x, int.from_bytes(os.urandom(6)))"
    )
    found = by_quantity(check(text, *RELU))
    codes = {name: each.cause.code for name, each in found.items() if each.cause}
    assert codes["same-again"] == "not-repeatable"
    assert codes["two objects"] == "objects-differ"


def test_what_the_first_shape_leaves_is_found_by_passes_between(check: Check) -> None:
    text = changed(
        "self.shape = x.shape\n",
        "self.shape = x.shape; self.seen = getattr(self, 'seen', 0) + 1\n",
    ).replace("return grad.reshape(self.shape)", "return grad.reshape(self.shape) * self.scale")
    text = text.replace("self.seen = ", "self.scale = 1 + (x.shape[-1] != 4) * 0; self.seen = ")
    assert check(text, "Flatten", "flatten").ok
    kept = changed(
        "self.on = x > 0\n",
        "self.wide = max(getattr(self, 'wide', 0), x.shape[-1]); self.on = x > 0\n",
    ).replace("np.where(self.on, x, 0)", "np.where(self.on, x, 0) * (x.shape[-1] == self.wide)")
    found = by_quantity(check(kept, *RELU))
    assert list(found) == ["same-again"]
    assert found["same-again"].setting == "images"


def test_an_output_that_is_overwritten_is_a_note(check: Check) -> None:
    text = changed("class ReLU:\n", "class ReLU:\n    held = {}\n").replace(
        "        return np.where(self.on, x, 0)\n",
        "        y = self.__dict__.setdefault(f'y{x.shape}', np.empty(x.shape))\n"
        "        y[...] = np.where(self.on, x, 0)\n        return y\n",
    )
    checked = check(text, *RELU)
    assert checked.grade == "right"
    assert checked.notes == ("a later pass overwrites the output that it gave before",)


NORM = changed(
    "def forward(self, x):\n        self.axes",
    """\
def forward(self, x, training=True):
        self.axes""",
).replace(
    "        mean, var = x.mean(axis=self.axes), x.var(axis=self.axes)\n",
    """\
        if not training:
            z = (x - self.running_mean.reshape(self.shape)) / np.sqrt(
                self.running_var.reshape(self.shape) + self.eps)
            return self.gamma.reshape(self.shape) * z + self.beta.reshape(self.shape)
        mean, var = x.mean(axis=self.axes), x.var(axis=self.axes)
""",
)
LIKE = BatchNorm()
EVALUATION = {
    "batch statistics": (
        "if not training:\n",
        "if not training:\n            return self.forward(x)\n",
        "batch-statistics-in-evaluation",
    ),
    "eps": ("reshape(self.shape) + self.eps)", "reshape(self.shape))", "eps-missing"),
    "updates": (
        "if not training:\n",
        "if not training:\n            self.running_mean = self.running_mean * 1.5\n"
        "            x = x + self.running_mean.reshape(self.shape) / 3\n",
        "updates-in-evaluation",
    ),
    "no scale": (
        "return self.gamma.reshape(self.shape) * z +",
        "return z; (",
        "not-scaled-in-evaluation",
    ),
}


def test_a_right_evaluation_is_right(check: Check) -> None:
    checked = check(NORM, "BatchNorm", "batch_norm", like=LIKE)
    assert checked.ok
    assert sum(found.quantity == "evaluation" and found.ok for found in checked.findings) == 3


@pytest.mark.parametrize("fault", EVALUATION)
def test_evaluation_that_is_wrong_is_named(fault: str, check: Check) -> None:
    old, new, code = EVALUATION[fault]
    assert old in NORM
    text = NORM.replace(old, new).replace("z; ( self.beta.reshape(self.shape)", "z")
    found = by_quantity(check(text, "BatchNorm", "batch_norm", like=LIKE))
    assert list(found) == ["evaluation"]
    assert found["evaluation"].cause is not None
    assert found["evaluation"].cause.code == code


def test_evaluation_may_be_required(check: Check) -> None:
    found = by_quantity(check(RIGHT, "BatchNorm", "batch_norm", like=LIKE, require=["evaluation"]))
    assert list(found) == ["evaluation"]
    assert found["evaluation"].message.startswith("`evaluation` is required: it cannot be told")


def test_other_kinds_are_the_same_in_evaluation(check: Check) -> None:
    text = changed(
        "def forward(self, x):\n        self.on",
        """\
def forward(self, x, training=True):
        if not training:
            return x
        self.on""",
    )
    found = by_quantity(check(text, *RELU))
    assert list(found) == ["output"]
    assert found["output"].cause is not None
    assert found["output"].cause.code == "other-in-evaluation"
    assert check(
        text.replace("return x\n        self", "return np.maximum(x, 0)\n        self"), *RELU
    ).ok


def test_an_evaluation_that_does_not_end_costs_nothing_else(check: Check) -> None:
    text = changed(
        "def forward(self, x):\n        self.x = x\n        y =",
        "def forward(self, x, training=True):\n        while not training: pass\n"
        "        self.x = x\n        y =",
    )
    like = Pool(kernel_size=2, stride=2, kind="avg")
    found = by_quantity(check(text, "AveragePool", "pool", like=like, time_limit=0.2))
    assert list(found) == ["output"]
    assert found["output"].stage == "evaluate"


def test_labels_belong_to_the_caller(check: Check) -> None:
    text = changed(
        "        return np.mean(np.log(e.sum(axis=1)) - shifted[n, labels])",
        """\
        loss = np.mean(np.log(e.sum(axis=1)) - shifted[n, labels])
        labels -= labels.min()
        return loss""",
    )
    found = by_quantity(check(text, "Loss", "cross_entropy"))
    assert found["own labels"].cause is not None
    assert found["own labels"].cause.code == "changes-input"
    assert found["own labels"].setting == "10 classes, ordinary logits"


def test_a_momentum_of_more_than_a_half_is_the_share_of_the_old(check: Check) -> None:
    """So Keras has it, and most that is written by hand; a default below says the share of new."""
    text = NORM.replace("momentum=0.1", "momentum=0.9").replace(
        "keep = 1 - self.momentum", "keep, self.momentum = self.momentum, 1 - self.momentum"
    )
    text = text.replace(
        "        return self.gamma.reshape(self.shape) * self.hat",
        "        self.momentum = keep\n        return self.gamma.reshape(self.shape) * self.hat",
    )
    checked = check(text, "BatchNorm", "batch_norm", like=LIKE)
    assert checked.ok
    assert checked.notes == ("`momentum` is taken for 1 - momentum",)


LOSS = ("Loss", "cross_entropy")


@pytest.mark.slow
def test_a_loss_that_keeps_what_it_saw_first_is_named(check: Check) -> None:
    """One object sees batches of several sizes, as it does in a training."""
    text = changed(
        "        self.grad = e / ",
        "        e = self.__dict__.setdefault(f'e{e.shape}', e)\n        self.grad = e / ",
    )
    checked = check(text, *LOSS)
    found = by_quantity(checked)
    assert len(checked.findings) == len(check(RIGHT, *LOSS).findings)
    assert found["grad_logits"].cause is not None
    assert found["grad_logits"].cause.code == "first-call-only"
    failing = by_quantity(check(text.replace("f'e{e.shape}'", "'e'"), *LOSS))
    assert failing["loss"].message.endswith("something is kept between calls")


def test_a_loss_that_adds_up_is_not_the_same_again(check: Check) -> None:
    text = changed(
        "        self.grad = e / ",
        "        self.n = getattr(self, 'n', 0) + (logits[0, 0] < 0)\n        self.grad = e / ",
    ).replace("return self.grad\n\ndef", "return self.grad * (1 + (self.n > 3))\n\ndef")
    found = by_quantity(check(text, *LOSS))
    assert found["same-again"].cause is not None


def test_losses_that_share_what_they_keep_are_named(check: Check) -> None:
    found = by_quantity(check(changed("self.grad", "Loss.grad"), *LOSS))
    assert list(found) == ["two objects"]
    assert found["two objects"].cause is not None
    assert found["two objects"].cause.code == "shared-state"
    assert check(RIGHT, *LOSS).grade == "right"
