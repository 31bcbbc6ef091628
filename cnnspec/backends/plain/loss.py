"""PlainLoss: a plain loss over logits, a class or a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.backends.plain.arrays import as_array_or_none, find_or_none
from cnnspec.backends.plain.calls import method_of, parameters_of
from cnnspec.backends.plain.errors import HintError, PlainClassError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.names import ARRAYS, LABELS, LOGITS, LOSS_METHODS
from cnnspec.trace import Array

MAPPED = {*LOSS_METHODS, "loss", "grad_input"}
"""What a loss may call otherwise."""


class PlainLoss:
    """A function that returns a loss and its gradient, or a class with forward and backward.

    Labels are numbers of classes, or one-hot where it works with those alone.
    """

    def __init__(self, loss: Any, hints: Hints | None = None) -> None:
        self._loss, self._hints = loss, hints or Hints()
        if unknown := self._hints.names.keys() - MAPPED:
            raise HintError(
                f"a loss has nothing called {', '.join(sorted(unknown))} that could be mapped; "
                f"there are: {', '.join(sorted(MAPPED))}"
            )
        self._require_arguments()
        self._one_hot = not self._works(one_hot=False) and self._works(one_hot=True)

    def __call__(self, logits: Array, labels: Labels) -> tuple[Any, Array]:
        """Return the loss and its gradient.

        Raises:
            PlainClassError: it returns something else.
        """
        return self._run(logits, labels, self._one_hot)

    def _require_arguments(self) -> None:
        if not isinstance(self._loss, type):
            return
        for word, parameter in parameters_of(self._loss).items():
            if parameter.default is parameter.empty and word not in self._hints.arguments:
                raise HintError(
                    f"{self._loss.__name__} wants `{word}`; give it a value, as in "
                    f"--arg {word}=VALUE"
                )

    def _works(self, one_hot: bool) -> bool:
        """Try other labels than classes, so that what does not fit raises."""
        logits = np.linspace(-1, 1, 15).reshape(3, 5)
        try:
            _, grad = self._run(logits, np.array([0, 2, 1]), one_hot)
        except Exception:  # whatever it is, the first real batch tells it
            return False
        return grad.shape == logits.shape

    def _run(self, logits: Array, labels: Labels, one_hot: bool) -> tuple[Any, Array]:
        given: Any = np.eye(logits.shape[1])[labels] if one_hot else labels
        if not isinstance(self._loss, type):
            returned = self._loss(logits, given)
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise PlainClassError("the function must return the loss and its gradient")
            return returned[0], self._array(returned[1])
        made = self._loss(**self._hints.arguments)
        names = self._hints.names
        loss = method_of(made, "forward", names, LOSS_METHODS)(logits, given)
        if loss is None:
            loss = _kept(made, (names["loss"],) if "loss" in names else ARRAYS["loss"])
        if loss is None:
            raise PlainClassError(
                f"`forward` of {self._loss.__name__} returns nothing: is a `return` missing?"
            )
        grad = _backward(method_of(made, "backward", names, LOSS_METHODS), logits, given)
        if grad is None and (place := find_or_none(made, "grad_input", names)):
            grad = place.get()
        return loss, self._array(grad)

    def _array(self, value: Any) -> Array:
        array = as_array_or_none(value)
        if array is None:
            what = "nothing" if value is None else type(value).__name__
            raise PlainClassError(f"the gradient of the loss is {what}, wanted an array")
        return array


def _kept(made: Any, words: tuple[str, ...]) -> Any:
    """Return the number that a loss keeps under one of these names; None where it keeps none."""
    kept = (getattr(made, word, None) for word in words)
    return next((each for each in kept if isinstance(each, float | np.generic | np.ndarray)), None)


def _backward(run: Callable[..., Any], logits: Array, labels: Any) -> Any:
    """Call the backward of a loss: with nothing, with the loss's own gradient 1, or anew."""
    wanted = [
        word
        for word, parameter in parameters_of(run).items()
        if parameter.default is parameter.empty
    ]
    given = {word: labels for word in wanted if word in LABELS}
    if len(wanted) == 2 and not given:
        given = {wanted[1]: labels}
    rest = [word for word in wanted if word not in given]
    if given:
        return run(**given, **dict.fromkeys(rest, logits))
    return run(**{word: logits if word in LOGITS else 1.0 for word in rest})
