"""A backward pass, and its gradients: as they come back, are kept, or show in an update."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from cnnspec.backends.plain.arrays import Place, arrays_of, find_or_none
from cnnspec.backends.plain.calls import Calls
from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.forms import Form, squeezed
from cnnspec.backends.plain.names import GRADIENT
from cnnspec.backends.plain.returned import ReturnedGradients, in_words
from cnnspec.backends.plain.updates import GROWS, RATE, Updates, agree, steps
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

GRAD_INPUT = f"{GRADIENT}input"

STEP = 2.0**-7
"""The learning rate that a class is taken to have been given."""

HUGE = 2.0**16
"""More than an input gradient is, beside the numbers that it is made of."""

OF_INPUT = re.compile(r"(d|d_|grad_?|delta_?)(x|X|inputs?|Inputs?|A_prev|a_prev)(_grad)?$|dprev")
"""Variables of a `backward` that computes the gradient of its input."""


class BackwardPass:
    """The backward pass of an instance; all gradients are laid out as the class has them."""

    def __init__(
        self,
        instance: Any,
        calls: Calls,
        layer: SpecLayer,
        names: Mapping[str, str],
        places: Mapping[str, Place],
        forms: Mapping[str, Form],
    ) -> None:
        """`places` and `forms` are those of the parameters."""
        self._instance, self._calls, self._names = instance, calls, names
        self._places, self._forms = places, forms
        self._cls = type(instance).__name__
        self._returned = ReturnedGradients(self._cls, names)
        self.updates = Updates(instance, calls, layer)
        self._defaults_given = False
        self._attributes: tuple[str, ...] | None = None
        """Attributes that are its rate; None until it is known."""
        self.updated: dict[str, Array] = {}
        """The weights as an update left them by a rate that it was given, in our form."""
        self.updated_too_soon = False
        """Whether an input gradient was one of the weights after such an update."""
        self.not_tried: dict[str, str] = {}
        """What cannot be judged, and why."""

    def run(
        self, x: Array, grad_output: Array, again: Callable[[], Any]
    ) -> tuple[Array | None, dict[str, Array]]:
        """Return the gradient of the input, None where there is none, and those of parameters.

        `again` puts the weights back and runs the forward pass once more.

        Raises:
            HintError: what comes back is no gradient.
        """
        self.updates.begin()
        before = self._weights()
        others = {name: array.copy() for name, array in arrays_of(self._instance).items()}
        with self.updates.at(self._attributes or ()):
            returned = self._calls.backward(grad_output, RATE, self._defaults_given)
        after = self._weights()
        self.updates.owe()
        found = self._found(returned, x.size)
        missing = self._places.keys() - found.keys()
        changed = any(not np.array_equal(was, after[name]) for name, was in before.items())
        rates = self._calls.rates()
        given = [word for word in rates if self._defaults_given or not rates[word]]
        shown: dict[str, Array] = {}
        if given or self._attributes:
            shown = self._shown(before, after, given or self._attributes or ())
        elif rates and (missing or changed):  # the length of the step is a default
            self._defaults_given = True
            again()
            return self.run(x, grad_output, again)
        elif changed and self._attributes is None:
            self._find_attributes(before, after, grad_output, again)
            again()
            return self.run(x, grad_output, again)
        elif missing and self.updates.update(RATE):
            after = self._weights()
            shown = self._shown(before, after, ())
        gradients = {
            name: self._forms[name].from_class(self._calls.array(found[name], "backward"))
            for name in self._places
            if name in found
        }
        gradients |= self._believed(shown, gradients)
        self._ask_for({*missing} - gradients.keys(), others)
        if returned is None and "input" not in found:
            self._ask_for_input(others, x.shape, gradients)
        grad_input = self._input(found, returned, gradients)
        if self.updated and grad_input is not None and _is_huge(grad_input, grad_output, before):
            self.updated_too_soon = True
            again()
            returned = self._calls.backward(grad_output, STEP, self._defaults_given)
            self.updated = self._in_our_form(self._weights())
            grad_input = self._input(self._found(returned, x.size), returned, gradients)
        return grad_input, gradients

    def _in_our_form(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        return {name: self._forms[name].from_class(array) for name, array in weights.items()}

    def _weights(self) -> dict[str, Array]:
        return {name: np.array(place.array()) for name, place in self._places.items()}

    def _found(self, returned: Any, size: int) -> dict[str, Any]:
        """Return the gradients that came back or are kept, by our names."""
        sizes = {"input": size} | {
            name: math.prod(form.ours) for name, form in self._forms.items() if name in self._places
        }
        kept = {
            name: place
            for name in sizes
            if (place := find_or_none(self._instance, f"{GRADIENT}{name}", self._names)) is not None
        }
        found = self._returned.by_name(returned, sizes, kept)
        for name in sizes:
            if name in kept and name not in found:
                found[name] = kept[name].array()
            elif name not in kept:
                self._check_name(f"{GRADIENT}{name}", returned)
        return found

    def _check_name(self, name: str, returned: Any) -> None:
        """Refuse a name of a gradient that the user gave and that is nowhere."""
        own = self._names.get(name)
        parts = returned if isinstance(returned, tuple | list) else (returned,)
        if own is not None and not any(isinstance(part, dict) and own in part for part in parts):
            raise HintError(
                f"{self._cls} has no array `{own}` after `backward`, and returns none "
                f"under that key, as --map {name}={own} says"
            )

    def _ask_for(self, missing: Collection[str], before: Mapping[str, Array]) -> None:
        """Ask which array is a gradient, where a backward pass writes into one that may be it."""
        for name in missing:
            if f"{GRADIENT}{name}" in self.not_tried:
                continue
            for key in self._written(before, self._forms[name].theirs):
                raise HintError(
                    f"no array of {self._cls} is called as the gradient of "
                    f"`{self._places[name].key}` is; `backward` writes `{key}`, which has its "
                    f"sizes: if it is that, say so by --map {GRADIENT}{name}={key}"
                )

    def _ask_for_input(
        self, before: Mapping[str, Array], like: Shape, gradients: Mapping[str, Array]
    ) -> None:
        """Ask which array is the gradient of the input, where nothing comes back."""
        if self._places and gradients.keys() == self._places.keys():
            return  # the first layer of a network may give none
        for key in self._written(before, like):
            raise HintError(
                f"`backward` of {self._cls} returns nothing, and writes `{key}`, which has the "
                f"shape of the input: if it is its gradient, say so by --map {GRAD_INPUT}={key}"
            )

    def _written(self, before: Mapping[str, Array], like: Shape) -> Iterator[str]:
        """Yield the arrays of these sizes, in any order, that a backward pass wrote."""
        known = {str(place.key) for place in self._places.values()}
        for key, array in arrays_of(self._instance).items():
            is_new = key not in before or not np.array_equal(array, before[key])
            fits = sorted(squeezed(array.shape)) == sorted(squeezed(like))
            if is_new and fits and key not in known and array.dtype.kind == "f":
                yield key

    def _find_attributes(
        self,
        before: Mapping[str, Array],
        after: Mapping[str, Array],
        grad_output: Array,
        again: Callable[[], Any],
    ) -> None:
        """Find the attributes that are the rate of an update: with them, the step grows."""
        self._attributes = ()
        attributes = self.updates.attributes()
        if not attributes:
            return
        held = max(float(getattr(self._instance, word)) for word in attributes)
        again()
        with self.updates.at(attributes):
            self._calls.backward(grad_output, RATE, self._defaults_given)
        wanted = GROWS * RATE / held * _length(before, after)
        if _length(before, self._weights()) >= wanted:
            self._attributes = attributes

    def _shown(
        self, before: Mapping[str, Array], after: Mapping[str, Array], words: Any
    ) -> dict[str, Array]:
        """Return the gradients that the step of an update shows."""
        changed = {
            name: was for name, was in before.items() if not np.array_equal(was, after[name])
        }
        if not changed:
            return {}
        said = " and ".join(f"`{word}`" for word in words)
        note = f"updates at once by {said}" if words else "its gradients are read off its update"
        self._calls.notes[note] = None
        if words:
            self.updated = self._in_our_form(after)
        own = max((float(getattr(self._instance, word, STEP)) for word in words), default=0.0)
        gradients = steps(before, after)
        for name, was in before.items():
            self._places[name].set(was - own * gradients[name])
        return self._in_our_form(gradients)

    def _believed(self, shown: Mapping[str, Array], kept: Mapping[str, Array]) -> dict[str, Array]:
        """Return those of the gradients that an update shows that are to be judged."""
        rule = self.updates.own_rule() if shown else ""
        believed = {}
        for name, gradient in shown.items():
            if name in kept and agree(gradient, kept[name]):
                continue
            if not rule:
                believed[name] = gradient
            elif name in kept:
                self.not_tried["update"] = f"its update is by a rule of its own (`{rule}`)"
            else:
                self.not_tried[f"{GRADIENT}{name}"] = (
                    f"it keeps no gradient, and updates by a rule of its own (`{rule}`)"
                )
        return believed

    def _input(
        self, found: Mapping[str, Any], returned: Any, gradients: Mapping[str, Array]
    ) -> Array | None:
        if "input" in found:
            return self._calls.array(found["input"], "backward")
        run = self._calls.backward_method()
        code = getattr(getattr(run, "__func__", run), "__code__", None)
        forgotten = code is not None and any(map(OF_INPUT.match, code.co_varnames))
        all_others = all(
            name in gradients or f"{GRADIENT}{name}" in self.not_tried for name in self._places
        )
        if self._places and all_others and not forgotten:
            self.not_tried[GRAD_INPUT] = (
                f"`{run.__name__}` gives none, as the first layer of a network may"
            )
            return None
        if isinstance(returned, dict):
            raise HintError(
                f"`{run.__name__}` of {self._cls} returns {in_words(returned)}; wanted the "
                "gradient of the input among them, as `dx`"
            )
        return self._calls.array(None, "backward")


def _length(before: Mapping[str, Array], after: Mapping[str, Array]) -> float:
    """Return the longest way that a number has gone."""
    return max(
        (float(np.max(np.abs(after[name] - was), initial=0.0)) for name, was in before.items()),
        default=0.0,
    )


def _is_huge(grad_input: Array, grad_output: Array, weights: Mapping[str, Array]) -> bool:
    """Tell the gradient of weights that were updated at the large rate before it was taken."""
    largest = max(float(np.max(np.abs(each), initial=0.0)) for each in weights.values())
    usual = (1 + largest) * float(np.max(np.abs(grad_output), initial=0.0))
    return bool(np.max(np.abs(grad_input), initial=0.0) > HUGE * usual)
