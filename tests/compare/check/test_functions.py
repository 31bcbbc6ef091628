"""Two functions are checked as a layer: both named, or the second found by its name."""

from cnnspec.spec.layers import Dropout
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


NORM = """
import numpy as np

def norm_forward(x, gamma, beta, bn_param):
    share, eps = bn_param.get("momentum", 0.9), bn_param.get("eps", 1e-5)
    mean, var = bn_param.get("running_mean", 0), bn_param.get("running_var", 0)
    if bn_param["mode"] == "train":
        mean_now, var_now, n = x.mean(0), x.var(0), len(x)
        bn_param["running_mean"] = share * mean + (1 - share) * mean_now
        bn_param["running_var"] = share * var + (1 - share) * var_now * n / (n - 1)
        mean, var = mean_now, var_now
    root = np.sqrt(var + eps)
    hat = (x - mean) / root
    return gamma * hat + beta, (hat, gamma, root)

def norm_backward(dout, cache):
    hat, gamma, root = cache
    d = dout * gamma
    dx = (d - d.mean(0) - hat * (d * hat).mean(0)) / root
    return dx, (dout * hat).sum(0), dout.sum(0)
"""


def test_a_default_within_the_code_tells_which_share_is_meant(check: Check) -> None:
    checked = check(NORM, "norm_forward", "batch_norm")
    assert checked.grade == "right"
    assert "`momentum` is taken for 1 - momentum" in checked.notes


DROPOUT = """
import numpy as np

def drop_forward(x, dropout_param):
    p, mask = dropout_param["p"], 1.0
    if dropout_param["mode"] == "train":
        mask = (np.random.rand(*x.shape) < p) / p
    return x * mask, mask

def drop_backward(dout, cache):
    return dout * cache
"""


def test_a_share_may_be_said_to_be_the_rest(check: Check) -> None:
    like = Dropout(p=0.25)
    checked = check(DROPOUT, "drop_forward", "dropout", like=like, names={"keep_prob": "p"})
    assert checked.grade == "right"
    offered = check(DROPOUT, "drop_forward", "dropout", like=like)
    assert offered.grade == "wrong"
    says = "all is right if `p` is meant as keep_prob: --map keep_prob=p says so"
    assert says in offered.notes
    slip = check(DROPOUT, "drop_forward", "dropout", like=like, names={"keep_prob": "q"})
    assert "takes no `q`, as --map keep_prob=q says" in slip.error


IN_TRAINING = """
import numpy as np
def dropout_forward(x, p):
    mask = (np.random.rand(*x.shape) >= p) / max(1 - p, 1e-9)
    return x * mask, mask
def dropout_backward(dout, mask):
    return dout * mask
"""


def test_a_function_that_knows_of_no_evaluation_does_not_offer_it(check: Check) -> None:
    checked = check(IN_TRAINING, "dropout_forward", "dropout", like=Dropout(p=0.25))
    assert checked.grade == "right"
    assert {item.option for item in checked.not_supported} == {"evaluation"}
