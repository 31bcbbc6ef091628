"""Habits of courses and books: each class here is right, and is understood without a word."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.loops.conv import ConvLoops
from cnnspec.backends.plain import (
    HintError,
    PlainClassError,
    PlainLayer,
    UnsupportedSettingError,
)
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers import (
    BatchNorm,
    Conv,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    Pool,
    ReLU,
)
from cnnspec.spec.sizes import Shape
from tests.backends.test_plain import LINEAR, ConvByHand, Habit, compared

FLOAT = np.dtype(float)


def linear(cls: type, n_in: int = 3, n_out: int = 4, **hints: Any) -> PlainLayer:
    return PlainLayer(cls, Linear(out_features=n_out), (n_in,), (n_out,), FLOAT, **hints)


def assert_linear(cls: type, n_in: int = 3, n_out: int = 4, **hints: Any) -> PlainLayer:
    """See that a class is a linear layer, for batches of several sizes."""
    layer = linear(cls, n_in, n_out, **hints)
    random = np.random.default_rng(0)
    for n in (5, 1, 3):
        x, grad = random.normal(size=(n, n_in)), random.normal(size=(n, n_out))
        weight, bias = random.normal(size=(n_out, n_in)), random.normal(size=n_out)
        layer.parameters["weight"][...], layer.parameters["bias"][...] = weight, bias
        assert np.allclose(layer.forward(x), x @ weight.T + bias, atol=1e-12)
        assert np.allclose(layer.input_gradient(grad), grad @ weight, atol=1e-12)
        found = layer.parameter_gradients(grad)
        assert set(found) == {"weight", "bias"}
        assert np.allclose(found["weight"], grad.T @ x, atol=1e-12)
        assert np.allclose(found["bias"], grad.sum(axis=0), atol=1e-12)
    return layer


class KeptInSelf(Habit):
    """Neither pass returns anything."""

    def forward(self, x: Any) -> None:
        self.output = super().forward(x)

    def backward(self, grad: Any) -> None:
        self.dinputs = super().backward(grad)


def test_output_and_gradient_may_be_kept_in_self() -> None:
    layer = assert_linear(KeptInSelf)
    assert layer.notes == ("`forward` returns nothing; its output is taken from `output`",)


class Handed(Habit):
    """Its weights are handed to it, as (in, out)."""

    def __init__(self, W: Any, b: Any) -> None:  # noqa: N803
        self.W, self.b = W, b


class HandedRows(Habit):
    """Its weights are handed to it, as (out, in)."""

    def __init__(self, weights: Any, bias: Any) -> None:
        self.weights, self.bias = weights, bias

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weights.T + self.bias

    def backward(self, grad: Any) -> Any:
        return grad @ self.weights, grad.T @ self.x, grad.sum(axis=0)


@pytest.mark.parametrize("cls", [Handed, HandedRows])
@pytest.mark.parametrize("n_out", [3, 4])
def test_weights_may_be_handed_to_the_constructor(cls: type, n_out: int) -> None:
    assert_linear(cls, 3, n_out)


def test_gamma_and_beta_may_be_handed_to_the_constructor() -> None:
    class Norm:
        def __init__(self, gamma: Any, beta: Any) -> None:
            self.gamma, self.beta = gamma, beta

    layer = PlainLayer(Norm, BatchNorm(), (2, 3, 3), (2, 3, 3), FLOAT)
    assert layer.instance.gamma.tolist() == [1, 1]
    assert layer.instance.beta.tolist() == [0, 0]


class ConvHanded(ConvByHand):
    def __init__(self, W: Any, b: Any) -> None:  # noqa: N803
        self.filters, self.biases = W, b.reshape(-1, 1)


class WithCache(Habit):
    """Hands what it keeps to its backward."""

    def forward(self, x: Any) -> Any:
        return super().forward(x), {"x": x}

    def backward(self, dout: Any, cache: Any) -> Any:
        return dout @ self.W.T, cache["x"].T @ dout, dout.sum(axis=0)


class WithTwo(Habit):
    """Hands two things to its backward."""

    def forward(self, x: Any) -> Any:
        return super().forward(x), x, self.W

    def backward(self, dout: Any, before: Any, weights: Any) -> Any:
        return dout @ weights.T, before.T @ dout, dout.sum(axis=0)


class SeveralInOne(WithTwo):
    """Hands two things to its backward, which takes them as one."""

    def backward(self, dout: Any, kept: Any) -> Any:  # type: ignore[override]
        return super().backward(dout, *kept)


class InputAgain(Habit):
    """Is given its input again, before the gradient."""

    def backward(self, x: Any, dout: Any) -> Any:
        return dout @ self.W.T, x.T @ dout, dout.sum(axis=0)


class BuiltInForward(Habit):
    def __init__(self, units: int) -> None:
        self.units, self.W = units, None

    def forward(self, x: Any) -> Any:
        if self.W is None:
            self.W, self.b = np.zeros((x.shape[1], self.units)), np.zeros(self.units)
        return super().forward(x)


class BuiltFromShape(Habit):
    def __init__(self, units: int) -> None:
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.W, self.b = np.zeros((input_shape[-1], self.units)), np.zeros(self.units)


class BuiltFromBatch(BuiltFromShape):
    def build(self, input_shape: Any) -> None:
        _, width = input_shape
        super().build([width])


class BuiltFromWidth(BuiltFromShape):
    def build(self, width: int) -> None:  # type: ignore[override]
        self.W, self.b = np.zeros((width, self.units)), np.zeros(self.units)


class Parameter:
    def __init__(self, data: Any) -> None:
        self.data, self.grad = data, None


class OfObjects:
    """Parameters are objects with data and grad."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.weight = Parameter(np.zeros((n_out, n_in)))
        self.bias = Parameter(np.zeros(n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, grad: Any) -> Any:
        self.weight.grad, self.bias.grad = grad.T @ self.x, grad.sum(axis=0)
        return grad @ self.weight.data


class OfLists:
    """No array anywhere."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = [[0.0] * n_out for _ in range(n_in)], [0.0] * n_out

    def forward(self, x: Any) -> Any:
        assert isinstance(self.W, list)
        self.x = x.tolist()
        columns = list(zip(*self.W))
        rows = [[sum(map(float.__mul__, row, column)) for column in columns] for row in self.x]
        return [[a + b for a, b in zip(row, self.b)] for row in rows]

    def backward(self, grad: Any) -> Any:
        self.dW = (np.array(self.x).T @ grad).tolist()
        self.db = grad.sum(axis=0).tolist()
        return (grad @ np.array(self.W).T).tolist()


class ReadOnly(Habit):
    """Its arrays are properties."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.__theta, self.__offset = np.zeros((n_in, n_out)), np.zeros(n_out)

    W = property(lambda self: self.__theta)
    b = property(lambda self: self.__offset)


class TwoNames(Habit):
    """Uses its arrays by other names than those that it is given them by."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.own = (self.W, self.b)

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.own[0] + self.own[1]


class Accumulates(Habit):
    """Adds gradients up until it is told to begin anew."""

    def zero_grad(self) -> None:
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def backward(self, grad: Any) -> Any:
        self.dW += self.x.T @ grad
        self.db += grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T


class BiasFirst(Habit):
    """Gradients in an order that sizes alone do not tell for every batch."""

    def backward(self, grad: Any) -> Any:
        return grad.sum(axis=0), self.x.T @ grad, grad @ self.W.T


class Positional(Habit):
    def __init__(self, first: int, second: int, /) -> None:
        super().__init__(first, second)


class AnyKeyword(Habit):
    def __init__(self, **sizes: int) -> None:
        super().__init__(sizes["in_features"], sizes["out_features"])


class AnyNumber(Habit):
    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)


class Private(Habit):
    def __init__(self, n_in: int, n_out: int) -> None:
        self._W, self._b = np.zeros((n_in, n_out)), np.zeros((1, n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self._W + self._b

    def backward(self, grad: Any) -> Any:
        self._dW, self._db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self._W.T


@pytest.mark.parametrize(
    "cls",
    [
        *(
            WithCache,
            WithTwo,
            SeveralInOne,
            InputAgain,
            BuiltInForward,
            BuiltFromShape,
            BuiltFromBatch,
            BuiltFromWidth,
        ),
        *(OfObjects, OfLists, ReadOnly, TwoNames, Accumulates, BiasFirst),
        *(Positional, AnyKeyword, AnyNumber, Private),
    ],
)
def test_linear_in_more_habits(cls: type) -> None:
    assert_linear(cls)


def test_the_order_of_gradients_is_told_once() -> None:
    layer = linear(BiasFirst, 3, 1)
    x = np.arange(9.0).reshape(3, 3)
    for batch in (x, x[:1]):  # of one image, weight and input are alike in size
        layer.parameters["weight"][...] = 1
        layer.forward(batch)
        assert np.array_equal(layer.input_gradient(np.ones((len(batch), 1))), np.ones_like(batch))


@pytest.mark.parametrize(
    "sizes",
    [
        *("nin, nout", "num_input, num_output", "input_neurons, output_neurons", "n, m"),
        *("input_len, nodes", "input, output", "in_, out", "rows_in, units"),
    ],
)
def test_sizes_under_other_names(sizes: str) -> None:
    first, second = sizes.split(", ")
    scope: dict[str, Any] = {"Habit": Habit}
    exec(
        f"class Own(Habit):\n    def __init__(self, {sizes}):\n"
        f"        super().__init__({first}, {second})",
        scope,
    )
    assert_linear(scope["Own"])


def test_sizes_that_are_taken_in_order_are_noted() -> None:
    class Own(Habit):
        def __init__(self, n: int, m: int) -> None:
            super().__init__(n, m)

    (note,) = linear(Own).notes
    assert note == (
        "taken in order: `n` for in_features, `m` for out_features; --map says otherwise"
    )


@pytest.mark.parametrize(
    ("layer", "parameter", "wanted"),
    [
        (LeakyReLU(negative_slope=0.25), "slope", 0.25),
        (LayerNorm(), "num_features", 3),
        (LayerNorm(), "channels", 3),
        (BatchNorm(), "dim", 3),
    ],
    ids=["slope", "num_features", "channels", "dim"],
)
def test_a_kind_knows_what_its_options_are_called(
    layer: Layer, parameter: str, wanted: float
) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(
        f"class Own:\n    def __init__(self, {parameter}):\n        self.found = {parameter}\n"
        "        self.gamma, self.beta = np.ones(3), np.zeros(3)\n",
        scope,
    )
    made = PlainLayer(scope["Own"], layer, (3, 2, 2), (3, 2, 2), FLOAT)
    assert made.instance.found == wanted
    assert made.notes == ()


class StepByDefault(Habit):
    """Its learning rate has a default, and its gradients show in the step alone."""

    def backward(self, grad: Any, learn_rate: float = 0.01) -> Any:
        dx = grad @ self.W.T
        self.W = self.W - learn_rate * (self.x.T @ grad)
        self.b = self.b - learn_rate * grad.sum(axis=0)
        return dx


class StepAtRate(StepByDefault):
    def backward(self, grad: Any, learn_rate: float) -> Any:  # type: ignore[override]
        return super().backward(grad, learn_rate)


@pytest.mark.parametrize("cls", [StepByDefault, StepAtRate])
def test_gradients_show_in_a_step(cls: type) -> None:
    findings = compared(LINEAR, linear=cls).findings
    assert [found.quantity for found in findings] == ["own weights"], "the gradients are exact"


def test_a_default_rate_is_left_alone_where_gradients_are_kept() -> None:
    class Kept(Habit):
        def backward(self, grad: Any, lr: float | None = None) -> Any:
            assert lr is None
            return super().backward(grad)

    assert_linear(Kept)


class OfColumns(Habit):
    """Features are (features, n)."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros((n_out, 1))

    def forward(self, x: Any) -> Any:
        self.x = x
        return self.W @ x + self.b

    def backward(self, grad: Any) -> Any:
        self.dW, self.db = grad @ self.x.T, grad.sum(axis=1, keepdims=True)
        return self.W.T @ grad


def test_features_may_be_columns() -> None:
    assert_linear(OfColumns, layout="columns")


class Pairs(ConvByHand):
    """Wants (height, width), as seen nowhere before it raises."""

    def __init__(self, in_channels: int, filters: int, kernel_size: Any, stride: Any = 1) -> None:
        height, _ = kernel_size
        self.stride = stride
        super().__init__(in_channels, filters, height)


class PairsInForward(ConvByHand):
    def __init__(self, in_channels: int, filters: int, kernel_size: Any) -> None:
        self.size = kernel_size
        width = kernel_size if isinstance(kernel_size, int) else kernel_size[1]
        super().__init__(in_channels, filters, width)

    def forward(self, x: Any) -> Any:
        height, width = self.size
        assert height == width
        return super().forward(x)


class PaddedByWord(ConvByHand):
    def __init__(self, in_channels: int, filters: int, kernel_size: int, padding: Any) -> None:
        if padding not in ("valid", "same"):
            raise ValueError(padding)
        self.padding = padding
        super().__init__(in_channels, filters, kernel_size)


class Sides(ConvByHand):
    def __init__(self, filters: int, n_C_prev: int, filter_h: int, filter_w: int) -> None:  # noqa: N803
        super().__init__(n_C_prev, filters, filter_h)
        self.shape = (filter_h, filter_w)


class DepthOfOutput(ConvByHand):
    def __init__(self, input_shape: Any, kernel_size: int, depth: int) -> None:
        super().__init__(input_shape[0], depth, kernel_size)


class LastOneByOne(ConvByHand):
    """Takes one image (h, w, c)."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)

    def backward(self, grad: Any) -> Any:
        return super().backward(grad.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)


@pytest.mark.parametrize(
    ("cls", "layout"),
    [
        *((cls, "nchw") for cls in (ConvHanded, Pairs, PairsInForward, PaddedByWord)),
        *((cls, "nchw") for cls in (Sides, DepthOfOutput)),
        (LastOneByOne, "hwc"),
    ],
)
def test_conv_in_more_habits(cls: type, layout: str) -> None:
    spec, shape, out = Conv(out_channels=3, kernel_size=2), (2, 4, 5), (3, 3, 4)
    layer = PlainLayer(cls, spec, shape, out, FLOAT, layout=layout)
    textbook = ConvLoops(spec, shape, out, FLOAT)
    random = np.random.default_rng(0)
    for each in (layer, textbook):
        each.parameters["weight"][...] = np.arange(24.0).reshape(3, 2, 2, 2)
        each.parameters["bias"][...] = [1, 2, 3]
    x, grad = random.normal(size=(2, *shape)), random.normal(size=(2, *out))
    assert np.allclose(layer.forward(x), textbook.forward(x))
    assert np.allclose(layer.input_gradient(grad), textbook.input_gradient(grad))
    for name, wanted in textbook.parameter_gradients(grad).items():
        assert np.allclose(layer.parameter_gradients(grad)[name], wanted)


def padded(**options: Any) -> PlainLayer:
    layer = Conv(out_channels=1, kernel_size=3, **options)
    shape = (1, 7, 7)
    return PlainLayer(PaddedByWord, layer, shape, layer.output_shape(shape), FLOAT)


def test_padding_by_a_word() -> None:
    assert padded().instance.padding == "valid"
    assert padded(padding=1).instance.padding == "same"
    with pytest.raises(ValueError, match="2"):
        padded(padding=2)


def test_the_default_of_a_parameter_tells_how_it_is_spelt() -> None:
    class Told:
        def __init__(self, kernel_size: Any = (3, 3), padding: str = "VALID") -> None:
            self.given = kernel_size, padding

    layer = PlainLayer(Told, Pool(kernel_size=2), (1, 4, 4), (1, 2, 2), FLOAT)
    assert layer.instance.given == ((2, 2), "VALID")
    with pytest.raises(UnsupportedSettingError, match="its padding is a word, and neither"):
        PlainLayer(Told, Pool(kernel_size=3, stride=3, padding=1), (1, 4, 4), (1, 2, 2), FLOAT)


class WithChoice(Habit):
    def __init__(self, n_in: int, n_out: int, activation: Any, batch_size: int = 1) -> None:
        super().__init__(n_in, n_out)
        self.activation, self.batch_size = activation, batch_size


def test_arguments_of_the_constructor() -> None:
    layer = assert_linear(WithChoice, arguments={"activation": None, "batch_size": 3})
    assert (layer.instance.activation, layer.instance.batch_size) == (None, 3)
    assert linear(WithChoice).notes == ("given: activation=None; --arg says otherwise",)
    with pytest.raises(HintError, match="takes no `act`; its parameters are n_in, n_out, activ"):
        linear(WithChoice, arguments={"act": None})


def test_what_is_built_in() -> None:
    class Fixed:
        size = 2

    pool = Pool(kernel_size=2, kind="avg")
    layer = PlainLayer(Fixed, pool, (1, 4, 4), (1, 2, 2), FLOAT, built_in=True)
    assert layer.notes == (
        "Fixed takes no `kind`: kind avg is taken as built in",
        "Fixed takes no `kernel_size`: kernel_size 2 is taken as built in",
    )


@pytest.mark.parametrize(
    ("layer", "input", "like"),
    [
        (Pool(kernel_size=2), (1, 4, 4), "{kernel_size: 2}"),
        (Conv(out_channels=2, kernel_size=2), (1, 4, 4), "{out_channels: 3, kernel_size: 3}"),
        (Linear(out_features=2), (4,), "{out_features: 3}"),
    ],
)
def test_what_is_built_in_is_to_be_said(layer: Layer, input: Shape, like: str) -> None:
    class Fixed:
        pass

    with pytest.raises(HintError) as raised:
        PlainLayer(Fixed, layer, input, layer.output_shape(input), FLOAT)
    assert str(raised.value).endswith(
        f"it has no parameters; if it is built in, say what it is, as in --like '{like}'"
    )


def test_an_option_that_has_no_usual_name() -> None:
    class Leaky(ReLU):
        words = Words(options={"slope": "steepness"})
        slope: float = 0.01

    class OfAnySlope:
        def __init__(self, slope: float) -> None:
            self.slope = slope

    class OfAnySteepness(OfAnySlope):
        def __init__(self, steepness: float) -> None:
            super().__init__(steepness)

    def made(cls: type, slope: float) -> Any:
        return PlainLayer(cls, Leaky(slope=slope), (3,), (3,), FLOAT).instance

    assert made(OfAnySlope, 0.2).slope == made(OfAnySteepness, 0.2).slope == 0.2
    made(object, 0.01)  # as a spec has it that does not say it
    with pytest.raises(UnsupportedSettingError, match="object takes no `slope`"):
        made(object, 0.2)


def test_names_lead_along_dots() -> None:
    class Nested(Habit):
        def __init__(self, n_in: int, n_out: int) -> None:
            self.held = {"all": [np.zeros((n_in, n_out)), np.zeros(n_out)]}

        W = property(lambda self: None)
        b = property(lambda self: None)

        def forward(self, x: Any) -> Any:
            self.x = x
            return x @ self.held["all"][0] + self.held["all"][1]

        def backward(self, grad: Any) -> Any:
            return grad @ self.held["all"][0].T, self.x.T @ grad, grad.sum(axis=0)

    assert_linear(Nested, names={"weight": "held.all.0", "bias": "held.all.1"})


class OnlyWeight(Habit):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.W = np.zeros((n_in, n_out))

    def forward(self, x: Any) -> Any:
        return x @ self.W


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"weight": "nope"}, "has no array `nope`, as --map weight=nope says (its arrays are W, b"),
        ({"forward": "nope"}, "Habit has no method `nope`, as --map forward=nope says"),
        ({"grad_weight": "nope"}, "has no array `nope` after `backward`, and returns none under"),
        ({"out_features": "nope"}, "takes no `nope`, as --map out_features=nope says; its param"),
    ],
)
def test_a_name_that_leads_nowhere_is_the_users_slip(names: Any, message: str) -> None:
    with pytest.raises(HintError) as caught:
        assert_linear(Habit, names=names)
    assert message in str(caught.value)


class Three(Habit):
    def __init__(self, n_in: int, other: int, another: int) -> None:
        super().__init__(n_in, other)


class WantsMore(Habit):
    def backward(self, grad: Any, mystery: Any) -> Any:
        return grad


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Three, "takes no `out_features`; its parameters are n_in, other, another; say which it"),
        (OnlyWeight, "OnlyWeight has no attribute for `bias` (its arrays are W)"),
        (WantsMore, "`backward` of WantsMore wants `mystery`, beside the upstream gradient"),
    ],
)
def test_what_must_be_said_is_said(cls: type, message: str) -> None:
    with pytest.raises(PlainClassError) as caught:
        assert_linear(cls)
    assert message in str(caught.value)


def test_the_array_of_a_wrong_shape_is_named() -> None:
    class ForEachPlace(ConvByHand):
        def __init__(self, in_channels: int, filters: int, kernel_size: int) -> None:
            super().__init__(in_channels, filters, kernel_size)
            self.biases = np.zeros((filters, 3, 4))

    conv = Conv(out_channels=3, kernel_size=2)
    layer = PlainLayer(ForEachPlace, conv, (2, 4, 5), (3, 3, 4), FLOAT)
    with pytest.raises(PlainClassError) as caught:
        layer.forward(np.zeros((1, 2, 4, 5)))
    assert str(caught.value) == (
        "`biases` of ForEachPlace has the shape 3 x 3 x 4, wanted 3 for `bias`: one number for "
        "each channel, not for each place of the output"
    )


def test_a_constructor_that_hands_on_all_it_is_given() -> None:
    class Base:
        def __init__(self, n_in: int, n_out: int) -> None:
            self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)

        def forward(self, x: Any) -> Any:
            return x @ self.W + self.b

    class Derived(Base):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)

    layer = PlainLayer(Derived, Linear(out_features=3), (2,), (3,), FLOAT)
    assert layer.instance.W.shape == (2, 3)


def test_a_class_that_raises_in_every_spelling_raises_as_in_the_first() -> None:
    class Raises:
        def __init__(self, kernel_size: Any) -> None:
            self.size = kernel_size

        def forward(self, x: Any) -> Any:
            raise ValueError(self.size)

    layer = PlainLayer(Raises, Pool(kernel_size=2), (1, 4, 4), (1, 2, 2), FLOAT)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^2$"):
            layer.forward(np.zeros((1, 1, 4, 4)))
