"""Two functions are checked as a layer: both named, or the second found by its name."""

from tests.compare.check.conftest import Check

TEXT = """
def relu(x):
    return x * (x > 0)

def other(g, x):
    return g * (x > 0)
"""


def test_the_second_function_may_have_to_be_named(check: Check) -> None:
    alone = check(TEXT, "relu", "relu")
    assert alone.grade == "right as far as tried"
    (not_tried,) = alone.not_tried
    assert not_tried.option == "grad_input"
    assert "such as `relu_backward`; say which it is: FILE.py:relu,NAME" in not_tried.why
    assert check(TEXT.replace("x * (x > 0)", "x * 2", 1), "relu", "relu").grade == "wrong"
    assert check(TEXT, "relu,other", "relu").ok
    assert check(TEXT, "relu", "relu", names={"backward": "other"}).ok
    assert "there is no `nope` in it" in check(TEXT, "relu,nope", "relu").error


CONV = """
import numpy as np

def conv_forward(x, w, b):
    f, c, k, _ = w.shape
    n, _, height, width = x.shape
    out = np.zeros((n, f, height - k + 1, width - k + 1))
    for i, j in np.ndindex(out.shape[2:]):
        out[:, :, i, j] = np.tensordot(x[:, :, i : i + k, j : j + k], w, ((1, 2, 3),) * 2)
    return out + b[:, None, None], (x, w, k)

def conv_backward(dout, cache):
    x, w, k = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, j in np.ndindex(dout.shape[2:]):
        at = np.s_[:, :, i : i + k, j : j + k]
        dw += np.tensordot(dout[:, :, i, j], x[at], (0, 0))
        dx[at] += np.tensordot(dout[:, :, i, j], w, (1, 0))
    return dx, dw, dout.sum(axis=(0, 2, 3))
"""


def test_what_arrays_say_may_not_be_offered(check: Check) -> None:
    checked = check(CONV, "conv_forward", "conv")
    assert checked.grade == "right"
    left_out = {item.option: item.why for item in checked.not_supported}
    assert left_out["sides"] == "conv_forward works where both sides are equal alone"
    assert left_out["bias"] == "conv_forward takes no `bias`: it wants `b`"
    assert left_out["stride"] == "conv_forward takes no `stride`"


def test_it_is_found_by_its_name_and_noted(check: Check) -> None:
    checked = check(TEXT.replace("other", "relu_backward"), "relu", "relu")
    assert checked.ok
    assert checked.notes == ("`relu_backward` is its backward pass",)
