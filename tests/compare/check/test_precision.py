"""Classes that compute in fewer bits: float32 is a style, where the files of a class name it."""

import textwrap
from pathlib import Path

import pytest

from cnnspec.compare.check.trial.precision import precisions_named
from tests.compare.check.conftest import Check
from tests.compare.check.test_check import wrong

LINEAR = """
import numpy as np

class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return {output} + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T
"""
CAST = "x.astype(np.{0}) @ self.W.astype(np.{0})"
LOSS = """
import numpy as np

class Loss:
    def forward(self, z, y):
        z, self.y = z.astype(np.float32), y
        d = z - z.max(axis=1, keepdims=True)
        total = np.exp(d).sum(axis=1, keepdims=True)
        self.p = np.exp(d) / total
        return float(np.mean(np.log(total) - d[np.arange(len(y)), y][:, None]))

    def backward(self):
        grad = self.p.astype(float)
        grad[np.arange(len(grad)), self.y] -= 1
        return grad / len(grad)
"""


def test_a_part_in_float32_is_a_note_where_the_file_names_it(check: Check) -> None:
    checked = check(LINEAR.format(output=CAST.format("float32")), "Linear", "linear")
    assert wrong(checked) == {}
    assert any("a part of it in float32, which its files name" in note for note in checked.notes)


def test_what_is_only_so_near_is_wrong(check: Check) -> None:
    text = LINEAR.format(output="x @ self.W + 1e-9 * x[:, :1] ** 2")
    found = wrong(check(text, "Linear", "linear"))["output"]
    assert found.cause is None
    assert "a term so small?" in found.message


def test_a_fault_on_the_list_is_no_rounding(check: Check) -> None:
    text = LINEAR.format(output="x @ self.W").replace("T @ grad,", "T @ grad + 1e-9 * self.W,")
    found = wrong(check(text.replace("= x\n", "= x; np.float32\n"), "Linear", "linear"))
    assert found["grad_weight"].cause is not None
    assert found["grad_weight"].cause.code == "penalty-in-gradient"


def test_a_fault_of_a_class_in_float32_has_its_cause(check: Check) -> None:
    text = LINEAR.format(output=CAST.format("float32")).replace(
        "self.x.T @ grad,", "self.x.astype('f4').T @ grad.astype('f4') / len(grad) + 0 * self.W,"
    )
    found = wrong(check(text, "Linear", "linear"))
    assert list(found) == ["grad_weight"]
    assert found["grad_weight"].cause is not None
    assert "1/batch_size" in found["grad_weight"].cause.sentence


def test_a_part_in_float16_is_wrong_and_asked_for(check: Check) -> None:
    found = wrong(check(LINEAR.format(output=CAST.format("float16")), "Linear", "linear"))["output"]
    assert "than rounding to float16 explains" in found.message


def test_what_is_off_to_one_side_is_no_rounding(check: Check) -> None:
    text = LINEAR.format(output="x @ self.W + 1e-4 * abs(x @ self.W)").replace(
        "= x\n", "= x; np.float16\n"
    )
    found = wrong(check(text, "Linear", "linear"))["output"]
    assert found.cause is None
    assert "float16" not in found.message


def test_a_loss_in_float32_is_right(check: Check) -> None:
    checked = check(LOSS, "Loss", "cross_entropy")
    assert wrong(checked) == {}
    assert any("float32" in note for note in checked.notes)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = y.astype(np.float32)", ["float32"]),
        ("x = np.zeros(3, dtype='f4')", ["float32"]),
        ("import torch.nn as nn", ["float32"]),
        ("from numpy import half", ["float16"]),
        ("for single in x: half = len(single) // 2", []),
        ("# in float32\nx = np.zeros(3)", []),
        ("x = np.zeros(3, np.single)", ["float32"]),
        ("half = k // 2\nfor single in x: self.half = single", []),
        ("def x(:", []),
    ],
)
def test_precisions_are_read_off_the_code(text: str, named: list[str], tmp_path: Path) -> None:
    file = tmp_path / "layers.py"
    file.write_text(textwrap.dedent(text))
    assert precisions_named(file) == named
