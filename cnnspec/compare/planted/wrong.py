"""A layer of the engine that is wrong in one quantity alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.trace import Array

Wrong = Callable[[Any, Array, Array], Array]
"""What a faulty layer gives for a quantity, from itself, what it is given, and what is right.

For the output it is given x, and for each gradient the gradient of the output. Its docstring
says what is wrong.
"""


def received(layer: Layer) -> Array:
    """Return the x of the last pass of a spoilt layer."""
    x: Array = vars(layer)["received"]
    return x


def spoilt(engine: type[Layer], quantity: str, wrong: Wrong) -> type[Layer]:
    """Return a layer of the engine that gives something else for one quantity."""

    def forward(self: Any, x: Array, **drawn: Array) -> Array:
        self.received = x.copy()  # the engine may write over x
        y = engine.forward(self, x, **drawn)
        return wrong(self, self.received, y) if quantity == "output" else y

    def predict(self: Any, x: Array) -> Array:
        if engine.predict is Layer.predict:
            return forward(self, x)
        return wrong(self, x.copy(), engine.predict(self, x))

    def input_gradient(self: Any, grad_output: Array) -> Array:
        given = grad_output.copy()  # the engine may write over it, too
        return wrong(self, given, engine.input_gradient(self, grad_output))

    def parameter_gradients(self: Any, grad_output: Array) -> dict[str, Array]:
        parameter = quantity.removeprefix("grad_")
        found = engine.parameter_gradients(self, grad_output)
        return found | {parameter: wrong(self, grad_output, found[parameter])}

    methods: dict[str, dict[str, Any]] = {
        "output": {"predict": predict},
        "grad_input": {"input_gradient": input_gradient},
    }
    own = methods.get(quantity, {"parameter_gradients": parameter_gradients})
    return type(wrong.__name__, (engine,), {"__doc__": wrong.__doc__, "forward": forward} | own)


def stale(engine: type[Layer], method: str) -> type[Layer]:
    """Return a layer of which one method gives the gradient for the batch before.

    Where that was of another size, its numbers are repeated.
    """

    def begin(self: Any, *given: Any) -> None:
        engine.__init__(self, *given)
        self.before = engine(*given)
        self.before.parameters = self.parameters
        self.last = None

    def forward(self: Any, x: Array, **drawn: Array) -> Array:
        before, drawn_before = self.last or (x, drawn)
        masks = {name: np.resize(drawn_before[name], mask.shape) for name, mask in drawn.items()}
        self.before.forward(np.resize(before, x.shape), **masks)
        self.last = x.copy(), drawn
        return engine.forward(self, x, **drawn)

    def backward(self: Any, grad_output: Array) -> Any:
        return getattr(self.before, method)(grad_output)

    words = "The gradient is that of the batch before."
    own = {"__doc__": words, "__init__": begin, "forward": forward, method: backward}
    return type("Stale", (engine,), own)
