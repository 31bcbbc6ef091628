"""Where a class keeps its arrays: under which names, in dictionaries and objects, and when."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.plain import (
    HintError,
    PlainClassError,
    PlainLayer,
    UnsupportedSettingError,
)
from cnnspec.backends.plain.alike import alike
from cnnspec.backends.plain.forms import Form
from cnnspec.spec.layers import BatchNorm, LayerNorm, Linear, ReLU
from tests.backends.test_plain import Habit
from tests.backends.test_plain_habits import assert_linear, linear

FLOAT = np.dtype(float)


@pytest.mark.parametrize(
    ("words", "names", "found"),
    [
        (("filter_size", "k"), ["x", "filterSize"], "filterSize"),
        (("num_filters",), ["nb_filters"], "nb_filters"),
        (("filters",), ["nofFilters", "filter"], "nofFilters"),
        (("n_in",), ["nInputs", "nIn"], "nIn"),
        (("n_inputs",), ["NInputs"], "NInputs"),
        (("k", "f"), ["K", "F"], None),
        (("w", "W"), ["W", "w"], "w"),
        (("n_c",), ["c"], None),
        (("filters",), ["nb_filter"], "nb_filter"),
        (("filters",), ["filter"], None),
        (("num_inputs",), ["input_num"], "input_num"),
    ],
)
def test_names_are_compared_without_case_and_what_counts(
    words: Any, names: Any, found: str | None
) -> None:
    assert alike(words, names) == found


class OfDictionaries:
    """Each parameter is a dictionary of its own."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W: Any = {"val": np.zeros((n_in, n_out)), "grad": 0}
        self.b: Any = {"val": np.zeros(n_out), "grad": 0}
        self.x = None

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.W["val"] + self.b["val"]

    def backward(self, grad: Any) -> Any:
        self.W["grad"], self.b["grad"] = self.x.T @ grad, grad.sum(axis=0)  # type: ignore[attr-defined]
        return grad @ self.W["val"].T


class Parameter:
    def __init__(self, value: Any) -> None:
        self.value, self.gradient = value, None


class OfListedObjects:
    """Its parameters are objects in a list."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.params = [Parameter(np.zeros((n_in, n_out))), Parameter(np.zeros(n_out))]

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.params[0].value + self.params[1].value

    def backward(self, grad: Any) -> Any:
        return grad @ self.params[0].value.T, self.x.T @ grad, grad.sum(axis=0)


class CamelCase:
    def __init__(self, n_in: int, n_out: int) -> None:
        self.Weights, self.Bias = np.zeros((n_in, n_out)), np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.cachedInput = x
        return x @ self.Weights + self.Bias

    def backward(self, grad: Any) -> Any:
        self.gradWeights, self.gradBias = self.cachedInput.T @ grad, grad.sum(axis=0)
        return grad @ self.Weights.T


class Mangled(Habit):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.__w, self.__b = np.zeros((n_in, n_out)), np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.__w + self.__b

    def backward(self, grad: Any) -> Any:
        return grad @ self.__w.T, self.x.T @ grad, grad.sum(axis=0)


class ByParts(Habit):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.weightMatrix, self.biasVector = np.zeros((n_in, n_out)), np.zeros(n_out)
        self.weightVelocity = np.zeros((n_in, n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weightMatrix + self.biasVector

    def backward(self, grad: Any) -> Any:
        self.weightGradients, self.biasGradients = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.weightMatrix.T


class Numbered(Habit):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.W1, self.b1 = np.zeros((n_in, n_out)), np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.W1 + self.b1

    def backward(self, grad: Any) -> Any:
        self.dW1, self.db1 = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W1.T


class Inner:
    """Its parameters are dictionaries in a dictionary."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.p: Any = {"weights": {"value": np.zeros((n_in, n_out))}}
        self.p["bias"] = {"value": np.zeros(n_out), "gradient": None}

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.p["weights"]["value"] + self.p["bias"]["value"]

    def backward(self, grad: Any) -> Any:
        self.p["weights"]["gradient"] = self.x.T @ grad
        self.p["bias"]["gradient"] = grad.sum(axis=0)
        return grad @ self.p["weights"]["value"].T


class Records:
    """Plain objects that hold arrays by name."""

    weight: Any
    bias: Any


class OfRecords(Habit):
    def __init__(self, n_in: int, n_out: int) -> None:
        self._params, self._grads = Records(), Records()
        self._params.weight, self._params.bias = np.zeros((n_in, n_out)), np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self._params.weight + self._params.bias

    def backward(self, grad: Any) -> Any:
        self._grads.weight, self._grads.bias = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self._params.weight.T


class Initialized(Habit):
    """It is told the shape of its input, and then to make its weights."""

    def __init__(self, n_units: int, input_shape: Any = None) -> None:
        self.n_units, self.input_shape = n_units, None

    def set_input_shape(self, shape: Any) -> None:
        self.input_shape = shape

    def initialize(self, optimizer: Any) -> None:
        self.W, self.w0 = np.zeros((self.input_shape[0], self.n_units)), np.zeros(self.n_units)

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.W + self.w0

    def backward(self, grad: Any) -> Any:
        self.grad_w, self.grad_w0 = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


@pytest.mark.parametrize(
    "cls",
    [
        *(OfDictionaries, OfListedObjects, CamelCase, Mangled),
        *(ByParts, Numbered, Inner, OfRecords, Initialized),
    ],
)
def test_linear_wherever_its_arrays_are(cls: type) -> None:
    assert_linear(cls)


class OfOtherDictionaries(OfDictionaries):
    """Nothing tells which is which, and its input is kept in an array as well."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.theta, self.delta = {"val": np.zeros((n_in, n_out)), "grad": 0}, np.zeros(n_out)

    def forward(self, x: Any) -> Any:
        self.cache = x
        return x @ self.theta["val"] + self.delta


class MadeInForward(OfOtherDictionaries):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.theta, self.n_in, self.n_out = {}, n_in, n_out

    def forward(self, x: Any) -> Any:
        if not self.theta:
            super().__init__(self.n_in, self.n_out)
        return super().forward(x)


@pytest.mark.parametrize("cls", [OfOtherDictionaries, MadeInForward])
def test_what_a_pass_leaves_is_not_offered(cls: type) -> None:
    with pytest.raises(PlainClassError) as caught:
        linear(cls)
    assert str(caught.value) == (
        f"{cls.__name__} has no attribute for `weight` (its arrays are theta.val, delta); say "
        "which it is, as in --map weight=theta.val"
    )


class UnderLetters(Habit):
    """The largest array is the weight, the smallest the bias."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.c, self.d, self.A = np.zeros(n_out), np.ones(n_out), np.zeros((n_in, n_out))


def test_the_array_of_the_right_size_is_offered() -> None:
    with pytest.raises(PlainClassError, match="as in --map weight=A"):
        linear(UnderLetters)
    with pytest.raises(HintError, match="as in --map bias=c"):
        linear(UnderLetters, names={"weight": "A"})


class OwnNames:
    """Names that nobody else has: the only matrix is the weight, the only row the bias."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.theta, self.omega = np.eye(n_in, n_out), np.zeros(n_out)
        self.theta_grad = np.ones((n_in, n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.theta + self.omega

    def backward(self, grad: Any) -> Any:
        self.theta_grad, self.domega = self.x.T @ grad, grad.sum(0)
        return grad @ self.theta.T


class WithMoments(OwnNames):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.moments = np.ones((n_in, n_out))


class OtherGradient(OwnNames):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        del self.theta_grad

    def backward(self, grad: Any) -> Any:
        self.towards, self.domega = self.x.T @ grad, grad.sum(0)
        return grad @ self.theta.T


@pytest.mark.parametrize("names", [{}, {"weight": "theta"}, {"weight": "theta", "bias": "omega"}])
def test_arrays_without_a_usual_name_are_told_by_shape(names: dict[str, str]) -> None:
    assert_linear(OwnNames, names=names)


def test_of_two_arrays_of_one_shape_none_is_taken() -> None:
    with pytest.raises(HintError, match="as in --map weight=theta"):
        linear(WithMoments)
    assert_linear(WithMoments, names={"weight": "theta"})


def test_a_gradient_under_another_name_is_asked_for() -> None:
    layer = linear(OtherGradient)
    layer.forward(np.ones((2, 3)))
    with pytest.raises(HintError, match=r"gradient of `theta`.*--map grad_weight=towards"):
        layer.gradients(np.ones((2, 4)))


def test_an_array_that_is_mapped_is_not_taken_for_another() -> None:
    class NoBias(OwnNames):
        def __init__(self, n_in: int, n_out: int) -> None:
            self.theta = np.eye(n_in, n_out)

    with pytest.raises(UnsupportedSettingError, match="no attribute for `bias`"):
        linear(NoBias, names={"weight": "theta", "grad_weight": "theta_grad"})


def test_a_bias_under_its_own_name_that_nothing_turns_off_is_there() -> None:
    layer = Linear(out_features=4, bias=False)
    with pytest.raises(UnsupportedSettingError, match="takes no `bias`, and has `omega`") as caught:
        PlainLayer(OwnNames, layer, (3,), (4,), FLOAT)
    assert caught.value.lacks == "bias"


def test_the_scale_of_a_norm_begins_at_one() -> None:
    class Norm:
        def __init__(self, n: int) -> None:
            self.b, self.a = np.zeros(n), np.ones(n)

        def forward(self, x: Any) -> Any:
            return x * self.a + self.b

        def backward(self, grad: Any) -> Any:
            return grad * self.a

    layer = PlainLayer(Norm, LayerNorm(), (3,), (3,), FLOAT)
    assert "taken for the weight: `a`" in layer.notes
    layer.parameters["weight"][...] = [1, 2, 3]
    assert layer.forward(np.ones((1, 3))).tolist() == [[1, 2, 3]]


class Late:
    """Its statistics are there after the first pass alone, as rows."""

    def __init__(self, num_features: int) -> None:
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean = self.running_var = None

    def forward(self, x: Any) -> Any:
        mean, var = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
        unbiased = var * len(x) / (len(x) - 1)
        if self.running_mean is None:
            self.running_mean, self.running_var = mean, unbiased
        else:
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.running_var = 0.9 * self.running_var + 0.1 * unbiased
        return self.gamma * (x - mean) / np.sqrt(var + 1e-5) + self.beta


def test_statistics_may_be_none_until_the_first_pass() -> None:
    layer = PlainLayer(Late, BatchNorm(), (3,), (3,), FLOAT)
    layer.buffers["running_mean"][...] = 10
    x = np.arange(12.0).reshape(4, 3)
    layer.forward(x)
    assert np.allclose(layer.buffers["running_mean"], 9 + 0.1 * x.mean(axis=0))


class BiasInWeight:
    """The last row of its weights is the bias."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W = np.zeros((n_in + 1, n_out))

    def forward(self, x: Any) -> Any:
        return np.hstack([x, np.ones((len(x), 1))]) @ self.W


def test_a_bias_in_the_weight_is_no_wrong_weight() -> None:
    with pytest.raises(HintError, match=r"has the shape 4 x 4, wanted 4 x 3: it seems to"):
        linear(BiasInWeight)


def test_an_array_of_another_size_is_read_as_it_is() -> None:
    assert Form((3,), (5,), None).from_class(np.zeros(5)).shape == (5,)


def test_arrays_may_be_in_a_dictionary_of_weights() -> None:
    class Keeps(Habit):
        def __init__(self, units: int, width: int) -> None:
            self._weights = {"kernel": np.zeros((width, units)), "bias": np.zeros(units)}
            self._grads: dict[str, Any] = {}

        def forward(self, x: Any) -> Any:
            self.x = x
            return x @ self._weights["kernel"] + self._weights["bias"]

        def backward(self, grad: Any) -> Any:
            self._grads |= {"kernel": self.x.T @ grad, "bias": grad.sum(0)}
            return grad @ self._weights["kernel"].T

    assert_linear(Keeps)


def test_gradients_of_nested_lists_may_be_first_made_in_backward() -> None:
    class Lists:
        def __init__(self, n_in: int, n_out: int) -> None:
            self.W, self.b = [[0.0] * n_out for _ in range(n_in)], [0.0] * n_out

        def forward(self, x: Any) -> Any:
            self.x = x
            return x @ np.array(self.W) + self.b

        def backward(self, grad: Any) -> Any:
            self.dW, self.db = (self.x.T @ grad).tolist(), grad.sum(axis=0).tolist()
            return grad @ np.transpose(self.W)

    assert not linear(Lists).held_gradients()
    assert_linear(Lists)


class Kept(np.ndarray):
    """An array with its gradient beside it."""

    grad: Any = None


def test_an_array_may_have_its_gradient_beside_it() -> None:
    class Beside(Habit):
        def __init__(self, n_in: int, n_out: int) -> None:
            self.W, self.b = np.zeros((n_in, n_out)).view(Kept), np.zeros(n_out).view(Kept)

        def backward(self, grad: Any) -> Any:
            self.W.grad, self.b.grad = self.x.T @ grad, grad.sum(axis=0)
            return grad @ np.asarray(self.W).T

    assert_linear(Beside)


@pytest.mark.parametrize(("word", "asked"), [("inp_g", False), ("xbar", True)])
def test_an_input_gradient_that_is_kept_is_found_or_asked_for(word: str, asked: bool) -> None:
    class Keeps:
        def forward(self, x: Any) -> Any:
            self.on = x > 0
            return x * self.on

        def backward(self, grad: Any) -> None:
            setattr(self, word, grad * self.on)

    layer = PlainLayer(Keeps, ReLU(), (2,), (2,), FLOAT)
    layer.forward(np.array([[-1.0, 2.0]]))
    grad = np.array([[3.0, 4.0]])
    if asked:
        with pytest.raises(HintError, match="say so by --map grad_input=xbar"):
            layer.input_gradient(grad)
    else:
        assert layer.input_gradient(grad).tolist() == [[0.0, 4.0]]


def test_a_gradient_that_lies_otherwise_is_asked_for() -> None:
    class Turned(Habit):
        def backward(self, grad: Any) -> Any:
            self.change, self.db = grad.T @ self.x, grad.sum(axis=0)
            return grad @ self.W.T

    layer = linear(Turned)
    layer.forward(np.ones((2, 3)))
    with pytest.raises(HintError, match="say so by --map grad_weight=change"):
        layer.gradients(np.ones((2, 4)))
