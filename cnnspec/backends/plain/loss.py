"""PlainLoss: a plain loss over logits, a class or a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.backends.plain.alike import parts_of, word_set
from cnnspec.backends.plain.arrays import as_array_or_none
from cnnspec.backends.plain.errors import HintError, PlainClassError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.loss_passes import (
    Chain,
    LossFunctions,
    LossPass,
    pass_of,
)
from cnnspec.backends.plain.methods import method_of, parameters_of
from cnnspec.backends.plain.names import LOSS_METHODS, UNNORMALISED
from cnnspec.backends.plain.neutral import is_indifferent
from cnnspec.trace import Array

GUARDS = word_set("eps epsilon tiny clip axis dim")
"""Words for what keeps a logarithm from 0, and for where the classes lie."""

MAPPED = {*LOSS_METHODS, "loss", "grad_input"}
"""What a loss may call otherwise."""


class PlainLoss:
    """A function that returns a loss and its gradient, or a class with forward and backward.

    Labels are numbers of classes, or one-hot where it works with those alone.
    """

    def __init__(self, loss: Any, hints: Hints | None = None) -> None:
        is_function = not isinstance(loss, type | Chain | LossFunctions)
        self._loss = LossFunctions(loss) if is_function else loss
        self._hints = hints or Hints()
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
        loss = run.value()
        if loss is None:
            name = getattr(self._loss, "__name__", type(self._loss).__name__)
            raise PlainClassError(f"`forward` of {name} returns nothing: is a `return` missing?")
        grad = run.gradient()
        array = as_array_or_none(grad)
        if array is None:
            what = "nothing" if grad is None else type(grad).__name__
            raise PlainClassError(f"the gradient of the loss is {what}, wanted an array")
        return loss, array

    @property
    def names_logits(self) -> bool:
        """Whether it has a parameter that is called so that it takes no probabilities."""
        if isinstance(self._loss, Chain):
            return False
        if isinstance(self._loss, LossFunctions):
            run = self._loss.loss
        else:
            run = method_of(self._loss, "forward", self._hints.names, LOSS_METHODS)
        return any(word.lower() in UNNORMALISED for word in parameters_of(run))

    @property
    def untried(self) -> list[str]:
        """The parameters of its constructor that are given no value, and may make it another."""
        parts = [self._loss.loss] if isinstance(self._loss, Chain) else [self._loss]
        return [
            word
            for part in parts
            if isinstance(part, type)
            for word in parameters_of(part)
            if word not in self._hints.arguments
            and not is_indifferent(word)
            and not GUARDS.intersection(parts_of(word))
        ]

    def begin(self, logits: Array, labels: Labels, after: LossPass | None = None) -> LossPass:
        """Return a pass that has yet to run: of a new object, or of that of another pass."""
        if self._one_hot is None:
            self.try_labels()
        if after is not None:
            return after.of_same(logits, self._as_taken(logits, labels, bool(self._one_hot)))
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
        numbers = np.linspace(1, 2, 15).reshape(3, 5)
        logits = numbers / numbers.sum(axis=1, keepdims=True)  # probabilities, too
        run = self._pass(logits, np.array([0, 2, 1]), one_hot)
        stages = {"construct": run.construct, "forward": run.forward, "backward": run.backward}
        if forward_only:
            del stages["backward"]
        try:
            for name, stage in stages.items():
                begins(name)
                returned = stage()
        except HintError:  # all came so far that more must be said
            return True
        except (Exception, SystemExit):  # whatever it is, the first real batch tells it
            return False
        return forward_only or np.shape(returned) == logits.shape

    def _pass(self, logits: Array, labels: Labels, one_hot: bool) -> LossPass:
        given = self._as_taken(logits, labels, one_hot)
        return pass_of(self._loss)(self._loss, self._hints, logits, given)

    @staticmethod
    def _as_taken(logits: Array, labels: Labels, one_hot: bool) -> Array | Labels:
        return np.eye(logits.shape[1])[labels] if one_hot else labels
