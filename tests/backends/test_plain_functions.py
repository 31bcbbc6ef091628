"""Pairs of functions, one for each pass, are layers like any other."""

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from cnnspec.backends.loops.batch_norm import BatchNormLoops
from cnnspec.backends.loops.conv import ConvLoops
from cnnspec.backends.loops.pool import PoolLoops
from cnnspec.backends.plain import (
    HintError,
    PlainLayer,
    UnsupportedSettingError,
    backward_of,
    layer_of,
    layer_of_methods,
)
from cnnspec.spec.layers import BatchNorm, Conv, Dropout, Layer, Linear, Pool, ReLU, Sigmoid
from tests.backends.test_plain_habits import FLOAT, assert_linear


def conv_forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    s, p = conv_param["stride"], conv_param["pad"]
    k, xp = w.shape[2], padded(x, p)
    height, width = ((size - k) // s + 1 for size in xp.shape[2:])
    out = np.zeros((len(x), len(w), height, width))
    for i, j in np.ndindex(height, width):
        window = xp[:, :, i * s : i * s + k, j * s : j * s + k]
        out[:, :, i, j] = np.tensordot(window, w, ((1, 2, 3), (1, 2, 3))) + b
    return out, (x, w, b, conv_param)


def padded(x: Any, p: int) -> Any:
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))


def conv_backward(dout: Any, cache: Any) -> Any:
    x, w, _, conv_param = cache
    s, p = conv_param["stride"], conv_param["pad"]
    k, xp = w.shape[2], padded(x, p)
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for i, j in np.ndindex(dout.shape[2:]):
        at = np.s_[:, :, i * s : i * s + k, j * s : j * s + k]
        dw += np.tensordot(dout[:, :, i, j], xp[at], (0, 0))
        dxp[at] += np.tensordot(dout[:, :, i, j], w, (1, 0))
    dx = dxp[:, :, p : xp.shape[2] - p, p : xp.shape[3] - p]
    return dx, (dw, dout.sum(axis=(0, 2, 3)))


def conv2d(inputs: Any, kernel: Any, bias: Any, stride: int = 1, padding: int = 0) -> Any:
    return conv_forward(inputs, kernel, bias, {"stride": stride, "pad": padding})[0]


def conv2d_grad(d: Any, inputs: Any, kernel: Any, bias: Any, stride: int, padding: int = 0) -> Any:
    return conv_backward(d, (inputs, kernel, bias, {"stride": stride, "pad": padding}))


def pool_forward(x: Any, hparameters: Any, mode: str = "max") -> Any:
    (kh, kw), s = (hparameters["pool_height"], hparameters["pool_width"]), hparameters["stride"]
    assert mode in ("max", "average")
    height, width = (x.shape[2] - kh) // s + 1, (x.shape[3] - kw) // s + 1
    out = np.zeros((*x.shape[:2], height, width))
    for i, j in np.ndindex(height, width):
        window = x[:, :, i * s : i * s + kh, j * s : j * s + kw]
        out[:, :, i, j] = (np.max if mode == "max" else np.mean)(window, axis=(2, 3))
    return out, (x, hparameters)


def pool_backward(dout: Any, cache: Any, mode: str = "max") -> Any:
    x, params = cache
    kh, kw, s = params["pool_height"], params["pool_width"], params["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = np.s_[n, c, i * s : i * s + kh, j * s : j * s + kw]
        if mode == "average":
            dx[window] += dout[n, c, i, j] / (kh * kw)
        else:
            dx[window].flat[np.argmax(x[window])] += dout[n, c, i, j]
    return dx


def bn_forward(x: Any, gamma: Any, beta: Any, bn_param: Any) -> Any:
    eps, momentum = bn_param.get("eps", 1.0), bn_param.get("momentum", 0.5)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1]))
    mean, var, n = x.mean(axis=0), x.var(axis=0), len(x)
    if bn_param["mode"] == "train":
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * bn_param["running_var"] + momentum * var * n / (n - 1)
        bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    elif bn_param["mode"] == "test":
        mean, var = running_mean, bn_param["running_var"]
    else:
        raise ValueError(bn_param["mode"])
    std = np.sqrt(var + eps)
    z = (x - mean) / std
    return gamma * z + beta, (gamma, z, std)


def bn_backward(dout: Any, cache: Any) -> Any:
    gamma, z, std = cache
    g = dout * gamma
    dx = (g - g.mean(axis=0) - z * (g * z).mean(axis=0)) / std
    return dx, (dout * z).sum(axis=0), dout.sum(axis=0)


CONV = Conv(out_channels=3, kernel_size=2, stride=2, padding=1)


@pytest.mark.parametrize(
    ("forward", "backward"), [(conv_forward, conv_backward), (conv2d, conv2d_grad)]
)
def test_a_convolution(forward: Any, backward: Any) -> None:
    assert_same(forward, backward, CONV, (2, 4, 5), ConvLoops)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_a_pool(kind: Any) -> None:
    pool = Pool(kernel_size=(2, 3), stride=1, kind=kind)
    assert_same(pool_forward, pool_backward, pool, (2, 4, 5), PoolLoops)


def test_a_height_alone_is_that_of_both_sides() -> None:
    def forward(x: Any, pool_param: Any) -> Any:
        return pool_forward(x, pool_param | {"pool_width": pool_param["pool_height"]})

    def backward(dout: Any, cache: Any) -> Any:
        return pool_backward(dout, cache)

    cls = layer_of(forward, backward, Pool, {})
    layer = PlainLayer(cls, Pool(kernel_size=2, stride=1), (1, 3, 3), (1, 2, 2), FLOAT)
    assert (layer.forward(np.ones((1, 1, 3, 3))) == 1).all()


def test_a_batch_norm_with_its_statistics_in_a_dictionary() -> None:
    norm = BatchNorm(momentum=0.2)
    layer, textbook = assert_same(bn_forward, bn_backward, norm, (3,), BatchNormLoops)
    x = np.random.default_rng(1).normal(size=(4, 3))
    assert layer.is_told_of_training
    for _ in range(2):
        assert np.allclose(layer.forward(x), textbook.forward(x))
    for name, wanted in textbook.buffers.items():
        assert np.allclose(layer.buffers[name], wanted)
    assert np.allclose(layer.predict(x), textbook.predict(x))


def assert_same(
    forward: Any, backward: Any, layer: Layer, shape: Any, textbook: Any
) -> tuple[PlainLayer, Any]:
    """See that a pair is what the textbook has."""
    cls = layer_of(forward, backward, type(layer), {})
    given = layer, shape, layer.output_shape(shape), FLOAT
    own, right = PlainLayer(cls, *given), textbook(*given)
    random = np.random.default_rng(0)
    for name, array in (right.parameters | right.buffers).items():
        array[...] = random.uniform(1, 2, size=array.shape)
        (own.parameters | own.buffers)[name][...] = array
    for n in (3, 2):
        x = random.normal(size=(n, *shape))
        assert np.allclose(own.forward(x), right.forward(x), atol=1e-12)
        grad = random.normal(size=(n, *layer.output_shape(shape)))
        assert np.allclose(own.input_gradient(grad), right.input_gradient(grad), atol=1e-12)
        for name, wanted in right.parameter_gradients(grad).items():
            assert np.allclose(own.parameter_gradients(grad)[name], wanted, atol=1e-12)
    assert own.notes == (f"`{backward.__name__}` is its backward pass",)
    return own, right


def dense(x: Any, theta: Any, offset: Any) -> Any:
    return x @ theta + offset, (x, theta)


def ddense(upstream: Any, x: Any, theta: Any) -> Any:
    return {"dx": upstream @ theta.T, "dW": x.T @ upstream, "db": upstream.sum(axis=0)}


class Static:
    """Two functions in a class."""

    @staticmethod
    def forward(x: Any, w: Any, b: Any) -> Any:
        return x @ w + b, (x, w)

    @staticmethod
    def backward(dout: Any, cache: Any) -> Any:
        x, w = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def row(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b[0, :], (x, w)


def row_backward(dout: Any, cache: Any) -> Any:
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0, keepdims=True)


def test_a_bias_may_be_a_row() -> None:
    assert_linear(layer_of(row, row_backward, Linear, {}))


def test_arrays_under_any_name_and_functions_in_a_class() -> None:
    assert_linear(layer_of(dense, ddense, Linear, {}))
    assert_linear(layer_of_methods(Static, Linear, {}))


def test_an_option_that_no_parameter_is_called_is_not_offered() -> None:
    cls = layer_of(conv_forward, conv_backward, Conv, {})
    dilated = Conv(out_channels=3, kernel_size=2, dilation=2)
    with pytest.raises(UnsupportedSettingError, match="conv_forward takes no `dilation`"):
        PlainLayer(cls, dilated, (2, 5, 5), (3, 3, 3), FLOAT)


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def relu_prime(z: Any) -> Any:
    return z > 0


def sigmoid(x: Any, deriv: bool = False) -> Any:
    y = 1 / (1 + np.exp(-x))
    return y * (1 - y) if deriv else y


class Derivatives:
    of_output: ClassVar[Any] = staticmethod(lambda a: a * (1 - a))
    of_input: ClassVar[Any] = staticmethod(lambda a: sigmoid(a) * (1 - sigmoid(a)))
    with_gradient: ClassVar[Any] = staticmethod(lambda da, cache: da * sigmoid(cache, deriv=True))
    with_output: ClassVar[Any] = staticmethod(lambda d, out: d * out * (1 - out))


@pytest.mark.parametrize("name", ["of_output", "of_input", "with_gradient", "with_output"])
def test_a_derivative_may_be_of_the_input_or_of_the_output(name: str) -> None:
    assert_slope(sigmoid, getattr(Derivatives, name), Sigmoid())


def test_a_function_may_be_asked_for_its_derivative() -> None:
    assert_slope(sigmoid, backward_of(SimpleNamespace(), sigmoid, "sigmoid"), Sigmoid())  # type: ignore[arg-type]
    assert_slope(relu, relu_prime, ReLU())


def assert_slope(forward: Any, backward: Any, layer: Layer) -> None:
    own = PlainLayer(layer_of(forward, backward, type(layer), {}), layer, (3,), (3,), FLOAT)
    x = np.array([[-1.0, 0.5, 2.0]])
    y = own.forward(x)
    slope = y * (1 - y) if isinstance(layer, Sigmoid) else x > 0
    assert np.allclose(own.input_gradient(np.full((1, 3), 2.0)), 2 * slope)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("conv_forward", "conv_backward"),
        ("conv_forward_naive", "conv_backward_naive"),
        ("forward_conv", "backward_conv"),
        ("convForward", "convBackward"),
        ("conv_fwd", "conv_bwd"),
        ("relu", "relu_backward"),
        ("relu", "relu_grad"),
        ("relu", "drelu"),
        ("relu", "dReLU"),
        ("ReLU", "dReLU"),
        ("relu", "relu_prime"),
        ("relu", "relu_derivative"),
        ("relu_forward", "relu_grad"),
        ("linear_forward", "linear_back"),
    ],
)
def test_the_second_function_is_found_by_its_name(name: str, other: str) -> None:
    module: Any = SimpleNamespace(**{name: relu, other: relu_prime})
    assert backward_of(module, relu, name) is relu_prime


def test_a_second_function_that_is_not_found_is_to_be_said() -> None:
    with pytest.raises(HintError, match=r"FILE\.py:relu,NAME"):
        backward_of(SimpleNamespace(relu=relu), relu, "relu")  # type: ignore[arg-type]


def test_running_statistics_may_come_back_with_the_output() -> None:
    def forward(x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any) -> Any:
        table = {"running_mean": running_mean, "running_var": running_var, "mode": "train"}
        out, cache = bn_forward(x, gamma, beta, table | {"eps": 1e-5, "momentum": 0.1})
        statistics = table["running_mean"] + x.mean(axis=0) * 0.1, x.var(axis=0, ddof=1)
        return out, statistics[0] - 0.1 * table["running_mean"], statistics[1], cache

    layer = PlainLayer(
        layer_of(forward, bn_backward, BatchNorm, {}), BatchNorm(), (3,), (3,), FLOAT
    )
    x = np.random.default_rng(0).normal(size=(4, 3))
    layer.forward(x)
    assert np.allclose(layer.buffers["running_mean"], 0.1 * x.mean(axis=0))
    assert np.allclose(layer.buffers["running_var"], x.var(axis=0, ddof=1))
    assert np.shape(layer.input_gradient(x)) == (4, 3)


def test_a_forward_that_wants_what_nobody_has_is_told() -> None:
    def forward(x: Any, keep: Any) -> Any:
        return x

    layer = PlainLayer(layer_of(forward, relu_prime, ReLU, {}), ReLU(), (3,), (3,), FLOAT)
    with pytest.raises(HintError, match="`forward` wants `keep`, and nothing of the layer is"):
        layer.forward(np.ones((1, 3)))


def test_a_backward_that_wants_what_nobody_has_is_told() -> None:
    def backward(dout: Any, this: Any, that: Any) -> Any:
        return dout

    layer = PlainLayer(layer_of(relu, backward, ReLU, {}), ReLU(), (3,), (3,), FLOAT)
    layer.forward(np.ones((1, 3)))
    with pytest.raises(HintError, match="`backward` wants `this`, and `relu` returns 0 things"):
        layer.input_gradient(np.ones((1, 3)))


def test_a_function_may_take_the_share_that_is_kept() -> None:
    def forward(x: Any, keep_prob: float) -> Any:
        return x * keep_prob

    def backward(grad: Any, keep_prob: float) -> Any:
        return grad * keep_prob

    cls = layer_of(forward, backward, Dropout, {})
    layer = PlainLayer(cls, Dropout(p=0.25), (3,), (3,), FLOAT)
    assert layer.forward(np.ones((1, 3))).tolist() == [[0.75, 0.75, 0.75]]


def test_a_function_may_return_its_backward_pass() -> None:
    def forward(x: Any) -> Any:
        return x * (x > 0), lambda grad: grad * (x > 0)

    cls = layer_of(forward, None, ReLU, {}, lacks="none is found")
    layer = PlainLayer(cls, ReLU(), (2,), (2,), FLOAT)
    layer.forward(np.array([[-1.0, 2.0]]))
    assert layer.input_gradient(np.array([[3.0, 4.0]])).tolist() == [[0.0, 4.0]]
    assert not layer.not_tried
