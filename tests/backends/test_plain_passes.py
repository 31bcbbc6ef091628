"""How the passes of a plain class are called, and what comes back of them is read."""

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnspec.backends.plain import HintError, PlainClassError, PlainLayer
from cnnspec.spec.layers import ReLU
from tests.backends.test_plain import Habit
from tests.backends.test_plain_habits import FLOAT, assert_linear, linear

Named = namedtuple("Named", "dx dW db")
Pair = namedtuple("Pair", "first rest")
Coursera = namedtuple("Coursera", "dA_prev W b")


class Step(Habit):
    """Updates at once."""

    def step(self, grad: Any, rate: float) -> Any:
        dx = grad @ self.W.T
        self.W = self.W - rate * self.x.T @ grad
        self.b = self.b - rate * grad.sum(axis=0)
        return dx


class EtaIsTheGradient(Step):
    def backward(self, eta: Any, lr: float) -> Any:  # type: ignore[override]
        return self.step(eta, lr)


class AlphaIsTheGradient(Habit):
    def backward(self, alpha: Any) -> Any:
        return super().backward(alpha)


class EtaBesideTheInput(Habit):
    def backward(self, eta: Any, x: Any) -> Any:  # type: ignore[override]
        self.dW, self.db = x.T @ eta, eta.sum(axis=0)
        return eta @ self.W.T


class RateFirst(Step):
    def backward(self, learning_rate: float, upstream: Any) -> Any:  # type: ignore[override]
        return self.step(upstream, learning_rate)


class Adding(Habit):
    """Adds up until the update."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.clear()

    def clear(self) -> None:
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def add(self, eta: Any) -> Any:
        self.dW += self.x.T @ eta
        self.db += eta.sum(axis=0)
        return eta @ self.W.T

    def learn(self, rate: float) -> None:
        self.W, self.b = self.W - rate * self.dW, self.b - rate * self.db
        self.clear()


class GradientThenUpdate(Adding):
    def gradient(self, eta: Any) -> Any:
        return self.add(eta)

    def backward(self, alpha: float = 0.1) -> None:
        self.learn(alpha)


class UpdateWithDecay(Adding):
    def gradient(self, eta: Any) -> Any:
        return self.add(eta)

    def backward(self, alpha: float = 0.1, weight_decay: float = 0.1) -> None:
        self.W = self.W * (1 - weight_decay)
        self.learn(alpha)


class EtaThenAlpha(Adding):
    def gradient(self, eta: Any) -> Any:
        return self.add(eta)

    def backward(self, alpha: float) -> None:
        self.learn(alpha)


class BackwardThenUpdate(Adding):
    def backward(self, grad: Any) -> Any:
        return self.add(grad)

    def update(self, lr: float) -> None:
        self.learn(lr)


class Flushed(Adding):
    """What sets gradients to zero forgets the inputs, too."""

    def flush_gradients(self) -> None:
        self.clear()
        del self.x

    def backward(self, grad: Any) -> Any:
        return self.add(grad)


class GradientsInTheUpdate(Habit):
    """Keeps the upstream gradient, and takes those of the weights when it updates."""

    def backward(self, grad: Any) -> Any:
        self.delta = grad
        return grad @ self.W.T

    def update_weights(self, rate: float) -> None:
        self.W = self.W - rate * self.x.T @ self.delta
        self.b = self.b - rate * self.delta.sum(axis=0)


class RateOfItsOwn(Step):
    def __init__(self, n_in: int, n_out: int, lr: float) -> None:
        super().__init__(n_in, n_out)
        self.lr = lr

    def backward(self, grad: Any) -> Any:
        return self.step(grad, self.lr)


class RateByDefault(Step):
    def __init__(self, n_in: int, n_out: int, learning_rate: float = 0.01) -> None:
        super().__init__(n_in, n_out)
        self.learning_rate = learning_rate

    def backward(self, grad: Any) -> Any:
        return self.step(grad, self.learning_rate)


STYLES = {
    EtaIsTheGradient: "updates at once by `lr`",
    RateFirst: "updates at once by `learning_rate`",
    RateOfItsOwn: "updates at once by `lr`",
    RateByDefault: "updates at once by `learning_rate`",
    GradientsInTheUpdate: "its gradients are read off its update",
    AlphaIsTheGradient: "",
    EtaBesideTheInput: "",
    GradientThenUpdate: "",
    UpdateWithDecay: "",
    EtaThenAlpha: "",
    BackwardThenUpdate: "",
    Flushed: "",
}


@pytest.mark.parametrize("cls", STYLES)
def test_gradients_and_rates_in_many_styles(cls: type) -> None:
    arguments = {"lr": 0.1} if cls is RateOfItsOwn else {}
    layer = assert_linear(cls, arguments=arguments)
    assert "".join(layer.notes) == STYLES[cls]


def test_a_backward_that_takes_no_gradient_is_no_backward() -> None:
    class Update(Adding):
        def backward(self, lr: float) -> None:
            self.learn(lr)

        def upstream(self, grad: Any) -> Any:
            return self.add(grad)

    with pytest.raises(HintError, match="`backward` of Update takes no gradient; if another"):
        assert_linear(Update)
    assert_linear(Update, names={"backward": "upstream"})


def test_an_update_by_nobodys_rate_is_seen() -> None:
    class Hidden(Step):
        eta_of_another = 0.1

        def backward(self, grad: Any) -> Any:
            return (*[self.step(grad, 0.1)], self.x.T @ grad, grad.sum(axis=0))

    layer = linear(Hidden)
    layer.forward(np.ones((2, 3)))
    layer.gradients(np.ones((2, 4)))
    assert not layer.updated
    assert layer.parameters["weight"].any(), "it was 0"


def test_a_rate_that_the_update_does_not_take_tells_nothing() -> None:
    class Other(Step):
        alpha = 0.3

        def backward(self, grad: Any) -> Any:
            return self.step(grad, 0.1)

    layer = linear(Other)
    layer.forward(np.ones((2, 3)))
    assert set(layer.gradients(np.ones((2, 4)))) == {"grad_input"}
    assert not layer.updated


def test_a_step_the_wrong_way_is_judged_though_a_gradient_is_kept() -> None:
    class Up(Habit):
        def backward(self, grad: Any, lr: float) -> Any:  # type: ignore[override]
            dx = super().backward(grad)
            self.W, self.b = self.W + lr * self.dW, self.b - lr * self.db
            return dx

    layer = linear(Up)
    layer.forward(np.ones((2, 3)))
    found = layer.gradients(np.ones((2, 4)))
    assert (found["grad_weight"] == -2).all()
    assert (found["grad_bias"] == 2).all()


class Momentum(Habit):
    """Updates at once, but not by rate times gradient alone."""

    def __init__(self, n_in: int, n_out: int, momentum: float = 0.9) -> None:
        super().__init__(n_in, n_out)
        self.momentum = momentum
        self.v, self.c = np.zeros_like(self.W), np.zeros_like(self.b)

    def backward(self, grad: Any, lr: float) -> Any:  # type: ignore[override]
        dx = grad @ self.W.T
        self.v = self.momentum * self.v + self.x.T @ grad
        self.c = self.momentum * self.c + grad.sum(axis=0)
        self.W, self.b = self.W - lr * self.v, self.b - lr * self.c
        return dx


class KeepsThem(Momentum):
    def backward(self, grad: Any, lr: float) -> Any:
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return super().backward(grad, lr)


def test_a_rule_of_its_own_is_not_tried() -> None:
    layer = linear(Momentum)
    for _ in range(2):
        layer.forward(np.ones((2, 3)))
        assert set(layer.gradients(np.ones((2, 4)))) == {"grad_input"}
    why = "it keeps no gradient, and updates by a rule of its own (`momentum`)"
    assert layer.not_tried == {"grad_weight": why, "grad_bias": why}
    assert set(assert_linear(KeepsThem).not_tried) == {"update"}


def returning(text: str) -> type:
    class Returns(Habit):
        def backward(self, grad: Any) -> Any:
            given = {
                "grad": grad,
                "dx": grad @ self.W.T,
                "dw": self.x.T @ grad,
                "db": grad.sum(axis=0),
            }
            scope = {
                "np": np,
                "Coursera": Coursera,
                "Named": Named,
                "Pair": Pair,
                "Space": SimpleNamespace,
                "self": self,
            }
            return eval(text, scope | given)

    return Returns


@pytest.mark.parametrize(
    "text",
    [
        "(dx, [dw, db])",
        "[[dw, db], dx]",
        "(dx, (dw, db))",
        "dx, {'W': dw, 'b': db}",
        "{'dx': dx, 'grads': {'W': dw, 'b': db}}",
        "{'dx': dx, 'grads': [dw, db]}",
        "Named(dx, dw, db)",
        "Pair(dx, [dw, db])",
        "Coursera(dx, dw, db)",
        "{'gradInput': dx, 'gradWeights': dw, 'gradBias': db}",
        "Space(dx=dx, dW=dw, db=db)",
        "(dx.tolist(), dw.tolist(), db.tolist())",
        "setattr(self, 'dx', dx) or [dw, db]",
        "(dx, {'W': {'grad': dw}, 'b': {'grad': db}})",
        "(dx, [(self.W, dw), (self.b, db[None])])",
        "(dx, np.array([dw, db], dtype=object))",
        "setattr(self, 'dx', dx) or (db, dw)",
    ],
)
def test_what_comes_back_may_be_nested_in_any_way(text: str) -> None:
    assert_linear(returning(text))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("(grad, dw, dx, db)", r"a tuple of an array of shape \[5, 4\], an array of shape"),
        ("(dx, 'done')", r"a tuple of an array of shape \[5, 3\], str; wanted the gradient of"),
        ("[dx, [dw, object]]", "a list of an array of shape .*, list; wanted the gradient of the "),
        ("(x := []) or x.append(x) or x", "a list of list; wanted the gradient of the input, "),
        ("{'foo': dx}", "a dictionary of 'foo'; wanted the gradient of the input, alone or with"),
    ],
)
def test_what_comes_back_and_is_no_gradient_is_named(text: str, what: str) -> None:
    with pytest.raises(HintError, match=f"`backward` of Returns returns {what}"):
        assert_linear(returning(text))


@pytest.mark.parametrize("text", ["[dw, db]", "(None, dw, db)", "{'dW': dw, 'db': db}"])
def test_a_first_layer_need_not_give_the_gradient_of_its_input(text: str) -> None:
    layer = linear(returning(text))
    x, grad = np.ones((2, 3)), np.ones((2, 4))
    layer.forward(x)
    assert set(layer.gradients(grad)) == {"grad_weight", "grad_bias"}
    assert layer.not_tried == {
        "grad_input": "`backward` gives none, as the first layer of a network may"
    }
    with pytest.raises(PlainClassError, match="Returns gives no gradient of its input: `backward`"):
        layer.input_gradient(grad)


def test_a_forgotten_return_is_asked_about() -> None:
    class Forgets(Habit):
        def backward(self, grad: Any) -> Any:
            self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
            dx = grad @ self.W.T  # noqa: F841

    class Nothing:
        def forward(self, x: Any) -> Any:
            return np.maximum(x, 0)

        def backward(self, grad: Any) -> None:
            pass

    for layer in (linear(Forgets), PlainLayer(Nothing, ReLU(), (3,), (4,), FLOAT)):
        layer.forward(np.ones((2, 3)))
        with pytest.raises(PlainClassError, match="returns nothing: is a `return` missing"):
            layer.gradients(np.ones((2, 4)))


class Hooked(Habit):
    """What backward needs is kept by `__call__`."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.hooks = [lambda module, x: setattr(module, "seen", x)]

    def __call__(self, *inputs: Any) -> Any:
        for hook in self.hooks:
            hook(self, *inputs)
        return self.forward(*inputs)

    def backward(self, grad: Any) -> Any:
        self.dW, self.db = self.seen.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class Prepared(Hooked):
    """What forward needs is made by `__call__`."""

    def __call__(self, x: Any) -> Any:
        self.shifted = x
        return super().__call__(x)

    def forward(self, x: Any) -> Any:
        return self.shifted @ self.W + self.b


@pytest.mark.parametrize("cls", [Hooked, Prepared])
def test_an_instance_is_called_where_forward_alone_does_not_work(cls: type) -> None:
    assert_linear(cls)


def test_a_class_that_fails_called_or_not_fails_as_it_does_in_forward() -> None:
    class Fails(Hooked):
        def forward(self, x: Any) -> Any:
            raise ValueError("of forward")

    with pytest.raises(ValueError, match="of forward"):
        linear(Fails).forward(np.ones((2, 3)))


@pytest.mark.parametrize(
    "gathered",
    [
        lambda dx, dw, db: (dx, dw, db),
        lambda dx, dw, db: {"dx": dx, "dW": dw, "db": db},
    ],
)
def test_the_backward_pass_may_come_back_behind_the_output(gathered: Any) -> None:
    class Returns:
        def __init__(self, n_in: int, n_out: int) -> None:
            self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)

        def forward(self, x: Any) -> Any:
            def backward(grad: Any) -> Any:
                return gathered(grad @ self.W.T, x.T @ grad, grad.sum(axis=0))

            return x @ self.W + self.b, backward

    assert "`forward` returns its backward pass" in assert_linear(Returns).notes


def test_a_function_behind_the_output_is_no_backward_pass_beside_one() -> None:
    class Both(Habit):
        def forward(self, x: Any) -> Any:
            return super().forward(x), lambda grad: grad * np.nan

    assert_linear(Both)


class Tensor:
    def __init__(self, data: Any, back: Any = None) -> None:
        self.data, self.grad, self.back = data, np.zeros_like(data), back

    def backward(self, gradient: Any) -> None:
        self.back(gradient)


class OfTensors:
    """Its gradients are added up in its tensors."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = Tensor(np.zeros((n_in, n_out))), Tensor(np.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        def back(grad: Any) -> None:
            x.grad += grad @ self.W.data.T
            self.W.grad += x.data.T @ grad
            self.b.grad += grad.sum(axis=0)

        return Tensor(x.data @ self.W.data + self.b.data, back)


def test_a_layer_may_take_and_give_the_tensors_of_its_file() -> None:
    assert "its arrays are handed over as `Tensor`" in assert_linear(OfTensors).notes
