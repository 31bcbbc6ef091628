"""PlainLoss: a plain loss over logits, a class or a function."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
        self._one_hot: bool | None = None
        if unknown := self._hints.names.keys() - MAPPED:
            raise HintError(
                f"a loss has nothing called {', '.join(sorted(unknown))} that could be mapped; "
                f"there are: {', '.join(sorted(MAPPED))}"
            )
        self._require_arguments()

    def __call__(self, logits: Array, labels: Labels) -> tuple[Any, Array]:
        """Return the loss and its gradient.

        Raises:
            PlainClassError: it returns something else.
        """
        run = self.begin(logits, labels)
        loss = run.forward()
        if loss is None:
            name = getattr(self._loss, "__name__", type(self._loss).__name__)
            raise PlainClassError(f"`forward` of {name} returns nothing: is a `return` missing?")
        grad = run.backward()
        array = as_array_or_none(grad)
        if array is None:
            what = "nothing" if grad is None else type(grad).__name__
            raise PlainClassError(f"the gradient of the loss is {what}, wanted an array")
        return loss, array

    def begin(self, logits: Array, labels: Labels) -> LossPass:
        """Return a pass that has yet to run."""
        if self._one_hot is None:
            self.try_labels()
        return self._pass(logits, labels, bool(self._one_hot))

    def try_labels(
        self, begins: Callable[[str], None] | None = None, *, forward_only: bool = False
    ) -> None:
        """Find out whether it wants its labels one-hot.

        `begins` is told the name of each stage before it runs: it may never end.
        """
        tell = begins or (lambda stage: None)
        self._one_hot = not self._works(tell, forward_only, one_hot=False) and self._works(
            tell, forward_only, one_hot=True
        )

    def _require_arguments(self) -> None:
        if not isinstance(self._loss, type):
            return
        for word, parameter in parameters_of(self._loss).items():
            if parameter.default is parameter.empty and word not in self._hints.arguments:
                raise HintError(
                    f"{self._loss.__name__} wants `{word}`; give it a value, as in "
                    f"--arg {word}=VALUE"
                )

    def _works(self, begins: Callable[[str], None], forward_only: bool, *, one_hot: bool) -> bool:
        """Try other labels than classes, so that what does not fit raises."""
        logits = np.linspace(-1, 1, 15).reshape(3, 5)
        run = self._pass(logits, np.array([0, 2, 1]), one_hot)
        stages = {"construct": run.construct, "forward": run.forward, "backward": run.backward}
        if forward_only:
            del stages["backward"]
        try:
            for name, stage in stages.items():
                begins(name)
                returned = stage()
        except (Exception, SystemExit):  # whatever it is, the first real batch tells it
            return False
        return forward_only or np.shape(returned) == logits.shape

    def _pass(self, logits: Array, labels: Labels, one_hot: bool) -> LossPass:
        given = np.eye(logits.shape[1])[labels] if one_hot else labels
        kind = _PassOfClass if isinstance(self._loss, type) else _PassOfFunction
        return kind(self._loss, self._hints, logits, given)


class LossPass(ABC):
    """One pass of a loss, stage by stage; what comes back may be no numbers."""

    def __init__(self, loss: Any, hints: Hints, logits: Array, labels: Any) -> None:
        self._loss, self._hints, self._logits, self._labels = loss, hints, logits, labels

    @abstractmethod
    def construct(self) -> None:
        """Make an instance."""

    @abstractmethod
    def forward(self) -> Any:
        """Return the loss; None where there is none."""

    @abstractmethod
    def backward(self) -> Any:
        """Return the gradient of the logits; None where there is none."""


class _PassOfFunction(LossPass):
    def construct(self) -> None:
        pass  # nothing is made

    def forward(self) -> Any:
        returned = self._loss(self._logits, self._labels)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise PlainClassError("the function must return the loss and its gradient")
        self._grad = returned[1]
        return returned[0]

    def backward(self) -> Any:
        return self._grad


class _PassOfClass(LossPass):
    def construct(self) -> None:
        self._made = self._loss(**self._hints.arguments)

    def forward(self) -> Any:
        names = self._hints.names
        if not hasattr(self, "_made"):
            self.construct()
        run = method_of(self._made, "forward", names, LOSS_METHODS)
        loss = run(self._logits, self._labels)
        if loss is None:
            loss = _kept(self._made, (names["loss"],) if "loss" in names else ARRAYS["loss"])
        return loss

    def backward(self) -> Any:
        names = self._hints.names
        run = method_of(self._made, "backward", names, LOSS_METHODS)
        grad = _backward(run, self._logits, self._labels)
        if grad is None and (place := find_or_none(self._made, "grad_input", names)):
            grad = place.get()
        return grad


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
