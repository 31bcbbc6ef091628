"""Plain classes in many habits are the same function as the textbook, and say what they lack."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import parse_spec
from cnnspec.backends.loops.batch_norm import BatchNormLoops
from cnnspec.backends.plain import PlainClassError, PlainLayer, UnsupportedSettingError
from cnnspec.backends.plain.forms import axes_between
from cnnspec.backends.user_file import load_from_file
from cnnspec.compare import BackendChoice, Verdict, compare_backends, plain_network
from cnnspec.spec.layers import BatchNorm, Conv, Linear, Pool, ReLU

CONV = parse_spec("input: [2, 4, 5]\nlayers: [conv: {out_channels: 3, kernel_size: 2}, flatten]")
LINEAR = parse_spec("input: [1, 1, 4]\nlayers: [flatten, linear: {out_features: 4}]")


def compared(spec: Any, layout: str = "nchw", names: Any = None, **layers: type) -> Verdict:
    build = partial(plain_network, layers=layers, layout=layout, names=names)
    return compare_backends(spec, ("loops", BackendChoice.of_builder("student", build)))


class Habit:
    """(in, out) weights, a row of biases, gradients as attributes."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros((1, n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad: Any) -> Any:
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T


class Tuple(Habit):
    """Gradients given back."""

    def backward(self, grad: Any) -> Any:
        return grad @ self.W.T, self.x.T @ grad, grad.sum(axis=0)


class InputLast(Habit):
    """Gradients given back in another order."""

    def backward(self, grad: Any) -> Any:
        return self.x.T @ grad, grad.sum(axis=0), grad @ self.W.T


class DictionaryInTuple(Habit):
    """The gradient of the input, and a dictionary of the others."""

    def backward(self, grad: Any) -> Any:
        return grad @ self.W.T, {"dW": self.x.T @ grad, "db": grad.sum(axis=0)}


class Grads:
    """Gradients in a dictionary of their own, under the names of the parameters."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.params = {"W": np.zeros((n_in, n_out)), "b": np.zeros(n_out)}
        self.grads: dict[str, Any] = {}

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, grad: Any) -> Any:
        self.grads["W"], self.grads["b"] = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.params["W"].T


class Lists:
    """Parameters and gradients in lists."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.params = [np.zeros((n_in, n_out)), np.zeros(n_out)]
        self.grads = [np.zeros_like(array) for array in self.params]

    def forward(self, x: Any) -> Any:
        self.x, (weight, bias) = x, self.params
        return x @ weight + bias

    def backward(self, grad: Any) -> Any:
        self.grads[0][...], self.grads[1][...] = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.params[0].T


class Dictionary:
    """Arrays and gradients in dictionaries; called, not `forward`."""

    def __init__(self, input_size: int, units: int) -> None:
        self.params = {"weights": np.zeros((units, input_size)), "biases": np.zeros(units)}

    def __call__(self, x: Any) -> Any:
        self.x = x
        return x @ self.params["weights"].T + self.params["biases"]

    def backprop(self, grad: Any) -> Any:
        return {
            "dx": grad @ self.params["weights"],
            "d_weights": grad.T @ self.x,
            "d_biases": grad.sum(axis=0),
        }


class OwnWords:
    """Nothing is called as usual."""

    def __init__(self, width: int, n_f: int) -> None:
        self.theta, self.offset = np.zeros((n_f, width)), np.zeros(n_f)

    def run(self, x: Any) -> Any:
        self.seen = x
        return x @ self.theta.T + self.offset

    def undo(self, grad: Any) -> Any:
        self.g_theta, self.g_offset = grad.T @ self.seen, grad.sum(axis=0)
        return grad @ self.theta


OWN_WORDS = {
    "in_features": "width",
    "out_features": "n_f",
    "weight": "theta",
    "bias": "offset",
    "grad_weight": "g_theta",
    "grad_bias": "g_offset",
    "forward": "run",
    "backward": "undo",
}


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        *((cls, {}) for cls in (Habit, InputLast, Dictionary)),
        *(
            pytest.param(cls, {}, marks=pytest.mark.slow)
            for cls in (Tuple, DictionaryInTuple, Grads, Lists)
        ),
        (OwnWords, OWN_WORDS),
    ],
)
def test_linear_in_many_habits(cls: type, names: dict[str, str]) -> None:
    verdict = compared(LINEAR, names=names, linear=cls)
    assert verdict.findings == ()
    assert verdict.verdict == "same"


class UpdatesAtOnce(Habit):
    """Takes a learning rate, keeps no gradient: it shows in the weights."""

    def backward(self, grad: Any, lr: float) -> Any:
        dx = grad @ self.W.T
        self.W = self.W - lr * (self.x.T @ grad)
        self.b = self.b - lr * grad.sum(axis=0)
        return dx


def test_gradients_that_show_in_an_update_alone_are_recovered() -> None:
    layer = PlainLayer(UpdatesAtOnce, Linear(out_features=2), (3,), (2,), np.dtype(float))
    layer.parameters["weight"][...] = [[1, 2, 3], [4, 5, 6]]
    x, grad = np.array([[1.0, 2.0, 4.0]]), np.array([[1.0, -2.0]])
    assert layer.forward(x).tolist() == [[17, 38]]
    assert layer.input_gradient(grad).tolist() == [[-7, -8, -9]]
    assert layer.parameter_gradients(grad)["weight"].tolist() == [[1, 2, 4], [-2, -4, -8]]
    assert layer.parameters["weight"].tolist() != [[1, 2, 3], [4, 5, 6]], "the update is seen"
    findings = compared(LINEAR, linear=UpdatesAtOnce).findings
    assert [found.quantity for found in findings] == ["own weights"], "the gradients are exact"


class UpdatesByImage:
    """Takes single features, and updates its weights after each."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.w, self.b = np.zeros((n_out, n_in)), np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.x = x
        return self.w @ x + self.b

    def backward(self, grad: Any, eta: float) -> Any:
        dx = grad @ self.w
        self.w -= eta * np.outer(grad, self.x)
        self.b -= eta * grad
        return dx


def test_an_update_after_one_image_does_not_spoil_the_gradients_of_the_next() -> None:
    findings = compared(LINEAR, "chw", linear=UpdatesByImage).findings
    assert [found.quantity for found in findings] == ["own weights"]


class VectorLast:
    """Takes single features; gives the gradient of the input at the end."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.w, self.b = np.zeros((n_out, n_in)), np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.x = x
        return self.w @ x + self.b

    def backward(self, grad: Any) -> Any:
        return np.outer(grad, self.x), grad, grad @ self.w


def test_what_comes_back_for_single_features_is_told_by_its_size() -> None:
    assert compared(LINEAR, "chw", linear=VectorLast).verdict == "same"


class Transposed(Habit):
    def backward(self, grad: Any) -> Any:
        dx = super().backward(grad)
        self.dW = self.dW.T
        return dx


@pytest.mark.parametrize("out_features", [3, 4])
def test_a_gradient_must_lie_as_its_weights_do(out_features: int) -> None:
    text = f"input: [1, 1, 4]\nlayers: [flatten, linear: {{out_features: {out_features}}}]"
    (found,) = compared(parse_spec(text), linear=Transposed).findings
    assert (found.quantity, found.wrong_side) == ("grad_weight", "student")


class ConvByHand:
    def __init__(self, in_channels: int, num_filters: int, filter_size: int) -> None:
        self.filters = np.zeros((num_filters, in_channels, filter_size, filter_size))
        self.biases = np.zeros((num_filters, 1))

    def forward(self, x: Any) -> Any:
        self.x, k = x, self.filters.shape[-1]
        y = np.zeros((len(x), len(self.filters), x.shape[2] - k + 1, x.shape[3] - k + 1))
        for n, o, i, j in np.ndindex(y.shape):
            y[n, o, i, j] = np.sum(x[n, :, i : i + k, j : j + k] * self.filters[o])
        return y + self.biases[:, :, None]

    def backward(self, grad: Any) -> Any:
        k, dx = self.filters.shape[-1], np.zeros_like(self.x)
        self.d_filters = np.zeros_like(self.filters)
        self.d_biases = grad.sum(axis=(0, 2, 3))[:, None]
        for n, o, i, j in np.ndindex(grad.shape):
            at = (n, slice(None), slice(i, i + k), slice(j, j + k))
            self.d_filters[o] += grad[n, o, i, j] * self.x[at]
            dx[at] += grad[n, o, i, j] * self.filters[o]
        return dx


class ChannelsLast:
    """Images (n, h, w, c), filters (kh, kw, in, out)."""

    def __init__(self, in_channels: int, filters: int, kernel_size: int) -> None:
        self.inner = ConvByHand(in_channels, filters, kernel_size)
        self.kernel = self.inner.filters.transpose(2, 3, 1, 0).copy()
        self.bias = np.zeros(filters)

    def forward(self, x: Any) -> Any:
        self.inner.filters = self.kernel.transpose(3, 2, 0, 1)
        self.inner.biases = self.bias[:, None]
        return self.inner.forward(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)

    def backward(self, grad: Any) -> Any:
        dx = self.inner.backward(grad.transpose(0, 3, 1, 2))
        self.dkernel = self.inner.d_filters.transpose(2, 3, 1, 0)
        self.dbias = self.inner.d_biases[:, 0]
        return dx.transpose(0, 2, 3, 1)


class OneImage(ConvByHand):
    """Images one by one."""

    def forward(self, x: Any) -> Any:
        return super().forward(x[None])[0]

    def backward(self, grad: Any) -> Any:
        return super().backward(grad[None])[0]


class Columns(ConvByHand):
    """Filters as the rows of a matrix."""

    def __init__(self, in_channels: int, num_filters: int, filter_size: int) -> None:
        super().__init__(in_channels, num_filters, filter_size)
        self.shape = self.filters.shape
        self.W = self.filters.reshape(num_filters, -1)
        del self.filters

    def forward(self, x: Any) -> Any:
        inner = self.inner = ConvByHand(self.shape[1], self.shape[0], self.shape[2])
        inner.filters, inner.biases = self.W.reshape(self.shape), self.biases
        return inner.forward(x)

    def backward(self, grad: Any) -> Any:
        dx = self.inner.backward(grad)
        self.dW, self.d_biases = self.inner.d_filters.reshape(len(self.W), -1), self.inner.d_biases
        return dx


class FiltersAsColumns(Columns):
    """Filters as the columns of a matrix."""

    def __init__(self, in_channels: int, num_filters: int, filter_size: int) -> None:
        super().__init__(in_channels, num_filters, filter_size)
        self.W = self.W.T.copy()

    def forward(self, x: Any) -> Any:
        self.W = self.W.T
        y = super().forward(x)
        self.W = self.W.T
        return y

    def backward(self, grad: Any) -> Any:
        self.W = self.W.T
        dx = super().backward(grad)
        self.W, self.dW = self.W.T, self.dW.T
        return dx


class OneSize(ChannelsLast):
    """Made for one size, so that its axes cannot be seen on another."""

    def __init__(self, in_channels: int, filters: int, kernel_size: int) -> None:
        if kernel_size != 2:
            raise ValueError("only 2 x 2")
        super().__init__(in_channels, filters, kernel_size)


class WholeShape(ChannelsLast):
    """Wants the shape of an image."""

    def __init__(self, input_shape: tuple[int, int, int], filters: int, kernel_size: int) -> None:
        super().__init__(input_shape[2], filters, kernel_size)


@pytest.mark.parametrize(
    ("cls", "layout"),
    [
        *((ConvByHand, "nchw"), (FiltersAsColumns, "nchw"), (WholeShape, "nhwc")),
        *(
            pytest.param(cls, layout, marks=pytest.mark.slow)
            for cls, layout in [
                *((Columns, "nchw"), (ChannelsLast, "nhwc"), (OneSize, "nhwc")),
                (OneImage, "chw"),
            ]
        ),
    ],
)
def test_conv_in_every_layout(cls: type, layout: str) -> None:
    verdict = compared(CONV, layout, conv=cls)
    assert verdict.findings == ()
    assert verdict.verdict == "same"


@pytest.mark.parametrize(
    ("ours", "theirs", "layout", "axes"),
    [
        ((3, 3, 3, 3), (3, 3, 3, 3), "nchw", (0, 1, 2, 3)),
        ((3, 3, 3, 3), (3, 3, 3, 3), "nhwc", (2, 3, 1, 0)),
        ((8, 2, 3, 3), (8, 18), "nhwc", (0, 2, 3, 1)),
        ((8, 2, 3, 3), (18, 8), "nhwc", (2, 3, 1, 0)),
        ((8, 2, 3, 3), (3, 8, 3, 2), "nchw", None),
        ((8, 2), (8, 3), "chw", None),
    ],
)
def test_axes_of_weights_are_told_by_their_sizes_and_by_the_layout(
    ours: Any, theirs: Any, layout: str, axes: Any
) -> None:
    assert axes_between(ours, theirs, layout) == axes


class Normalizes:
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        layer, shape = BatchNorm(eps=eps, momentum=momentum), (num_features, 3, 4)
        self.inner = BatchNormLoops(layer, shape, shape, np.dtype(float))
        self.gamma, self.beta = np.ones((1, num_features, 1, 1)), np.zeros((1, num_features, 1, 1))
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)

    def forward(self, x: Any, training: bool) -> Any:
        assert training
        own = {"weight": self.gamma, "bias": self.beta}
        for name, array in own.items():
            self.inner.parameters[name][...] = array.ravel()
        self.inner.buffers["running_mean"][...] = self.running_mean
        self.inner.buffers["running_var"][...] = self.running_var
        y = self.inner.forward(x)
        self.running_mean = self.inner.buffers["running_mean"].copy()
        self.running_var = self.inner.buffers["running_var"].copy()
        return y

    def backward(self, grad: Any) -> Any:
        found = self.inner.parameter_gradients(grad)
        self.dgamma, self.dbeta = found["weight"], found["bias"]
        return self.inner.input_gradient(grad)


def test_batch_norm_with_its_buffers() -> None:
    layer = PlainLayer(Normalizes, BatchNorm(), (2, 3, 4), (2, 3, 4), np.dtype(float))
    textbook = BatchNormLoops(BatchNorm(), (2, 3, 4), (2, 3, 4), np.dtype(float))
    x = np.random.default_rng(0).normal(3, 2, (5, 2, 3, 4))
    for each in (layer, textbook):
        each.parameters["weight"][...] = 2
        each.buffers["running_var"][...] = 1
    assert np.array_equal(layer.forward(x), textbook.forward(x))
    grad = np.random.default_rng(1).normal(size=x.shape)
    assert np.array_equal(layer.input_gradient(grad), textbook.input_gradient(grad))
    for name, wanted in textbook.parameter_gradients(grad).items():
        assert np.array_equal(layer.parameter_gradients(grad)[name], wanted)
    for name, wanted in textbook.buffers.items():
        assert np.array_equal(layer.buffers[name], wanted)


class ByHand:
    """Batch norm in a few lines of arrays; in evaluation unless told otherwise."""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.eps, self.m, shape = eps, momentum, (1, num_features, 1, 1)
        self.gamma, self.beta = np.ones(shape), np.zeros(shape)
        self.moving_mean, self.moving_var = np.zeros(shape), np.ones(shape)

    def forward(self, x: Any, training: bool = False) -> Any:
        mean, var = self.moving_mean, self.moving_var
        if training:
            mean, var = (f(x, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.var))
            count = x.size / x.shape[1]
            self.moving_mean = (1 - self.m) * self.moving_mean + self.m * mean
            self.moving_var = (1 - self.m) * self.moving_var + self.m * var * count / (count - 1)
        self.root = np.sqrt(var + self.eps)
        self.z = (x - mean) / self.root
        return self.gamma * self.z + self.beta

    def backward(self, grad: Any) -> Any:
        axes, g = (0, 2, 3), grad * self.gamma
        self.dgamma, self.dbeta = (grad * self.z).sum(axes), grad.sum(axes)
        of_mean, of_var = (a.mean(axes, keepdims=True) for a in (g, g * self.z))
        return (g - of_mean - self.z * of_var) / self.root


class WithMode(ByHand):
    """Told by an attribute."""

    training = False

    def forward(self, x: Any) -> Any:  # type: ignore[override]
        return super().forward(x, self.training)


@pytest.mark.parametrize("cls", [ByHand, WithMode])
def test_training_and_evaluation_are_told_to_the_class(cls: type) -> None:
    spec = parse_spec("input: [2, 3, 4]\nlayers: [batch_norm, flatten]")
    verdict = compared(spec, batch_norm=cls)
    assert verdict.findings == ()
    assert verdict.verdict == "same", "predictions, too"


@pytest.mark.parametrize("layout", ["nchw", "nhwc", "chw"])
def test_a_change_of_the_input_in_place_is_seen(layout: str) -> None:
    class InPlace:
        def forward(self, x: Any) -> Any:
            np.maximum(x, 0, out=x)
            return x

    layer = PlainLayer(InPlace, ReLU(), (1, 2, 2), (1, 2, 2), np.dtype(float), layout=layout)
    x = np.array([[[[-1.0, 2.0], [3.0, -4.0]]]])
    layer.forward(x)
    assert x.ravel().tolist() == [0, 2, 3, 0]


def test_bias_may_be_mapped_though_it_is_an_option_too() -> None:
    class Choice(Habit):
        def __init__(self, n_in: int, n_out: int, use_bias: bool = True) -> None:
            super().__init__(n_in, n_out)
            self.offset, self.use_bias = np.ones((1, n_out)), use_bias

        def forward(self, x: Any) -> Any:
            return x @ self.W + self.use_bias * self.offset

    for bias, wanted in ((True, 5.0), (False, 0.0)):
        layer = Linear(out_features=2, bias=bias)
        made = PlainLayer(Choice, layer, (3,), (2,), np.dtype(float), names={"bias": "offset"})
        if bias:
            made.parameters["bias"][...] = 5
        assert made.forward(np.ones((1, 3))).tolist() == [[wanted, wanted]]


def test_only_what_a_layer_has_can_be_mapped() -> None:
    with pytest.raises(PlainClassError, match="nothing called weigth that could be mapped; there"):
        pass_through(Habit, {"weigth": "W"})


class ForwardAlone(Habit):
    backward = None  # type: ignore[assignment]


class Nested(ForwardAlone):
    def forward(self, x: Any) -> Any:  # noqa: RET503
        return super().forward(x)

        def backward(grad: Any) -> Any:
            return grad


class OfNested(Nested):
    pass


class NoReturn(Habit):
    def forward(self, x: Any) -> Any:
        self.scores = x @ self.W


class Ragged(Habit):
    def forward(self, x: Any) -> Any:
        return [[1.0], [1.0, 2.0]]


class Words(Habit):
    def forward(self, x: Any) -> Any:
        return "done"


class Nameless:
    def __init__(self, n_in: int, n_out: int) -> None:
        self.theta = np.zeros((n_out, n_in))


class Demanding(Habit):
    def __init__(self, n_in: int, n_out: int, mystery: float) -> None:
        super().__init__(n_in, n_out)


def pass_through(cls: type, names: Any = None) -> None:
    layer = PlainLayer(cls, Linear(out_features=2), (3,), (2,), np.dtype(float), names=names)
    layer.forward(np.ones((1, 3)))
    layer.input_gradient(np.ones((1, 2)))


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ForwardAlone, "ForwardAlone has no method `backward` (nor any called `backward_pass`, "),
        (Nested, "Nested has no method `backward`; one is defined inside `forward` (line "),
        (OfNested, "OfNested has no method `backward`; one is defined inside `forward` (line "),
        (NoReturn, "`forward` of NoReturn returns nothing: is a `return` missing?"),
        (Ragged, "`forward` of Ragged returns a list that is no array of numbers: its rows have"),
        (Words, "`forward` of Words returns str, wanted an array"),
        (Nameless, "has no attribute for `weight` (its arrays are theta); say which it is, as in"),
        (Demanding, "Demanding wants `mystery`, which no option of `linear` is called"),
    ],
)
def test_what_a_class_lacks_is_said(cls: type, message: str) -> None:
    with pytest.raises(PlainClassError) as caught:
        pass_through(cls)
    assert message in str(caught.value)


def test_options_that_a_class_cannot_express_are_refused() -> None:
    dtype = np.dtype(float)
    for option, value in {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}.items():
        layer = Conv(out_channels=4, kernel_size=2, **{option: value})
        with pytest.raises(UnsupportedSettingError, match=f"ConvByHand takes no `{option}`"):
            PlainLayer(ConvByHand, layer, (2, 5, 5), layer.output_shape((2, 5, 5)), dtype)
    uneven = Conv(out_channels=1, kernel_size=2, padding="same")
    with pytest.raises(UnsupportedSettingError, match="pads one side more"):
        PlainLayer(ConvByHand, uneven, (2, 5, 5), (1, 5, 5), dtype)


def test_a_pool_without_a_stride_has_windows_side_by_side() -> None:
    class MaxPool:
        def __init__(self, pool_size: int) -> None:
            self.pool_size = pool_size

    dtype = np.dtype(float)
    PlainLayer(MaxPool, Pool(kernel_size=2), (1, 4, 4), (1, 2, 2), dtype)
    PlainLayer(MaxPool, Pool(kernel_size=2, stride=2), (1, 4, 4), (1, 2, 2), dtype)
    with pytest.raises(UnsupportedSettingError, match="MaxPool takes no `stride`"):
        PlainLayer(MaxPool, Pool(kernel_size=2, stride=1), (1, 4, 4), (1, 3, 3), dtype)
    with pytest.raises(UnsupportedSettingError, match="MaxPool takes no `kind`"):
        PlainLayer(MaxPool, Pool(kernel_size=2, kind="avg"), (1, 4, 4), (1, 2, 2), dtype)


NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook_layers.py"
LAYERS = parse_spec("""
input: [1, 6, 7]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - relu
  - pool: {kernel_size: 3, stride: 2}
  - flatten
  - linear: {out_features: 4}
""")


def of_notebook(name: str) -> tuple[Verdict, set[tuple[str, str, str]]]:
    """Compare a network of the notebook's layers; return where it is wrong, and why."""
    choice = BackendChoice.of_builder("notebook", load_from_file(f"{NOTEBOOK}:{name}"))
    verdict = compare_backends(LAYERS, ("loops", choice))
    assert {found.wrong_side for found in verdict.findings} == {"notebook"}
    return verdict, {
        (found.layer, found.quantity, found.cause.code if found.cause else "")
        for found in verdict.findings
    }


OF_LINEAR = {
    ("linear1", "grad_weight", "scale"),
    ("linear1", "own weights", "updates-own-weights"),
}
"""Faults 1 and 5."""


@pytest.mark.parametrize(
    ("name", "of_pool"),
    [
        ("Network", set()),
        ("NetworkTies", {("pool1", "grad_input", "ties-to-all")}),
        ("NetworkSharedMask", {("pool1", "grad_input", "shared-mask")}),
    ],
)
def test_every_fault_of_the_notebook_is_found_and_nothing_else(
    name: str, of_pool: set[tuple[str, str, str]]
) -> None:
    assert of_notebook(name)[1] == OF_LINEAR | of_pool


def test_a_method_that_is_indented_too_deep_is_not_compared_and_says_so() -> None:
    verdict, _ = of_notebook("Network")
    why = {item.layer: item.why for item in verdict.coverage.not_compared}
    assert "MaxPool2D has no method `backward`; one is defined inside `forward`" in why["pool1"]
    assert not verdict.coverage.complete
