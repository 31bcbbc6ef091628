"""PlainLayer: a plain class behind the face that every layer written by hand has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.backends.plain.backward import GRAD_INPUT, BackwardPass
from cnnspec.backends.plain.building import build
from cnnspec.backends.plain.calls import Calls
from cnnspec.backends.plain.choosing import chosen
from cnnspec.backends.plain.construction import Construction
from cnnspec.backends.plain.errors import PlainClassError, UnsupportedSettingError
from cnnspec.backends.plain.held import Held, refuse_bias_in_weight
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import Arrangement
from cnnspec.backends.plain.names import GRADIENT, options_of, rests_of
from cnnspec.backends.plain.reading import Option
from cnnspec.backends.plain.readings import unknown
from cnnspec.backends.plain.signature import signature_of
from cnnspec.backends.plain.spelling import Spelling, spellings_for
from cnnspec.backends.sharing import with_attributes
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class PlainLayer(Layer):
    """A class with forward and backward, its arrays under the names that people use.

    The class is given the weights before each forward pass. What it makes of them is to be
    seen in `parameters` after a backward pass; its input is handed over as it is, so that a
    change in place is seen, too.
    """

    def __init__(
        self,
        cls: type,
        layer: SpecLayer,
        input: Shape,
        output: Shape,
        dtype: np.dtype,
        *,
        names: Mapping[str, str] | None = None,
        layout: str = "nchw",
        arguments: Mapping[str, Any] | None = None,
        built_in: bool | frozenset[str] = False,
        pairs: frozenset[str] = frozenset(),
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """`names` says what the class calls something, by our name for it.

        `arguments` are given to its constructor, by its own names. With `built_in`, an option
        that the constructor has no parameter for is taken as what the class does anyway: any, or
        one of these. `pairs` are options of windows that are given for each side. `values` are
        those that are known to be built in.

        Raises:
            UnsupportedSettingError: the class cannot express an option.
            HintError: more must be said about the class.
            PlainClassError: the class lacks something that a layer must have.
        """
        super().__init__(layer, input, output, dtype)
        read = getattr(cls, "names_read", ())
        names = {name: word for name, word in (names or {}).items() if name not in read}
        self._hints = Hints(names, arguments or {}, layout, built_in, pairs, values or {})
        self._cls, self._layer, self._input = cls, layer, input
        self._lies = Arrangement(layout, layer, input)
        self._reading = chosen(cls, layer, input, self._hints)
        self._spellings = list(spellings_for(layer))
        self._gradients: dict[str, Array] = {}
        self._of: Array | None = None
        self._make_first()

    def __reduce__(self) -> tuple[Any, ...]:
        return with_attributes, (type(self), vars(self))  # with all that the instance keeps

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted so far."""
        own = getattr(self._cls, "taken_for_granted", ())
        of_output = (self._lies.note,) if self._lies.note else ()
        return (*own, *self._made.notes, *self._held.notes, *self._calls.notes, *of_output)

    @property
    def takes(self) -> tuple[str, ...]:
        """The options that its constructor has a parameter for."""
        return tuple(self._reading.options)

    @property
    def shares(self) -> dict[str, str]:
        """What the class calls options that are shares, by our names for the rest, 1 - each."""
        rests, words = rests_of(type(self._layer)), dict[str, str](getattr(self._cls, "words", {}))
        for word, each in self._reading.meanings.items():
            if isinstance(each, Option):
                words.setdefault(each.name, word)
        return {rest: words[option] for rest, option in rests.items() if option in words}

    @property
    def lacks(self) -> tuple[str, ...]:
        """The options that its constructor has no parameter for."""
        if signature_of(self._cls).any_keyword:
            return ()
        return tuple(option for option in options_of(type(self._layer)) if option not in self.takes)

    def _make_first(self) -> None:
        """Make an instance in the first spelling with which that is possible."""
        first: Exception | None = None
        refused: Exception | None = None
        while self._spellings:
            try:
                self._make(self._spellings.pop(0))
                return
            except PlainClassError as error:
                if first is None:
                    raise
                # What it lacks, it lacks however the rest is spelt.
                if isinstance(error, UnsupportedSettingError) and error.lacks:
                    refused = refused or error
            except Exception as error:  # raised by the class
                first = first or error
        assert first is not None
        raise refused or first

    def _make(self, spelling: Spelling) -> None:
        hints = self._hints
        how = Construction(self._cls, hints, self._reading, spelling)
        self._made = build(how, self._layer, self._input)
        self.instance = self._made.instance
        self._calls = Calls(self.instance, hints.names)
        refuse_bias_in_weight(self._made, self._layer, self._input, hints.names)
        self._held = Held(
            how, self._made, self._layer, self._input, (*self.parameters, *self.buffers)
        )
        self._back = BackwardPass(
            self.instance,
            self._calls,
            self._layer,
            self._held.names,
            {name: self._held.places[name] for name in self.parameters},
            self._held.forms,
        )

    def forward(self, x: Array) -> Array:
        y = self._first_output(x) if self._spellings else self._output(x, training=True)
        self._held.take(self.buffers)
        return y

    def _first_output(self, x: Array) -> Array:
        """Run the first forward pass, in which another spelling of the options may be found."""
        left, self._spellings = self._spellings, []
        try:
            return self._output(x, training=True)
        except PlainClassError:
            raise
        except Exception:  # raised by the class
            made = dict(vars(self))
            for spelling in left:
                try:
                    self._make(spelling)
                    return self._output(x, training=True)
                except Exception:  # not in this spelling, either
                    continue
            vars(self).update(made)
            raise

    def predict(self, x: Array) -> Array:
        return self._output(x, training=False)

    def input_gradient(self, grad_output: Array) -> Array:
        self._backward(grad_output)
        if self._grad_input is None:
            raise PlainClassError(
                f"{self._cls.__name__} gives no gradient of its input: {self.not_tried[GRAD_INPUT]}"
            )
        return self._grad_input

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        self._backward(grad_output)
        return self._gradients

    def gradients(self, grad_output: Array) -> dict[str, Array]:
        """Return those that the class gives: `grad_input`, `grad_weight`, ..."""
        self._backward(grad_output)
        found = {} if self._grad_input is None else {GRAD_INPUT: self._grad_input}
        return found | {f"{GRADIENT}{name}": each for name, each in self._gradients.items()}

    @property
    def not_tried(self) -> Mapping[str, str]:
        """What cannot be judged of the class so far, and why: `grad_input`, `update`, ...

        Parameters of the constructor that no option is called are among it.
        """
        return unknown(self._cls, self._layer, self._reading) | dict(self._back.not_tried)

    @property
    def updated(self) -> Mapping[str, Array]:
        """The parameters as the class left them, if it updates at once by a rate that it takes.

        That rate was far greater than its own; `parameters` are changed by its own.
        """
        return self._back.updated

    @property
    def updated_too_soon(self) -> bool:
        """Whether such an update comes before the gradient of the input is taken."""
        return self._back.updated_too_soon

    @property
    def is_told_of_training(self) -> bool:
        """Whether the class can be told that it is not training."""
        return self._calls.is_told_of_training()

    def held_parameters(self) -> dict[str, Array]:
        """Return copies of the parameters that the instance keeps: before a pass, its own."""
        return self._held.copies(self.parameters)

    def holds(self, name: str) -> bool:
        """Tell whether the class has an array of its own for a parameter or a buffer."""
        return name in self._held.places

    def held_buffers(self) -> dict[str, Array]:
        """Return copies of the buffers that the instance keeps."""
        return self._held.copies(self.buffers)

    def held_gradients(self) -> dict[str, Array]:
        """Return copies of the gradients of parameters that the instance keeps."""
        return self._held.gradients()

    def _output(self, x: Array, training: bool) -> Array:
        self._x, self._of = x, None
        self._give_weights()
        if self._lies.one_by_one:
            return np.stack([self._run_forward(image, training) for image in x])
        return self._run_forward(x, training)

    def _backward(self, grad_output: Array) -> None:
        """Run the backward pass once for each upstream gradient."""
        if self._of is grad_output:
            return
        why = getattr(self._cls, "lacks_backward", "")
        if why and not self._calls.returns_backward:
            self._back.not_tried |= {
                f"{GRADIENT}{name}": why for name in ("input", *self.parameters)
            }
            self._grad_input, self._gradients = None, {}
        elif self._lies.one_by_one:
            self._backward_by_image(grad_output)
        else:
            self._grad_input, self._gradients = self._run_backward(self._x, grad_output)
        self._held.take(self.parameters)
        self._of = grad_output

    def _backward_by_image(self, grad_output: Array) -> None:
        grads, total = [], dict[str, Array]()
        for image, upstream in zip(self._x, grad_output):
            self._give_weights()  # those of the pass, whatever the image before did to them
            self._run_forward(image, training=True)
            grad, gradients = self._run_backward(image, upstream)
            if grad is not None:
                grads.append(grad)
            for name, gradient in gradients.items():
                total[name] = total[name] + gradient if name in total else gradient
        self._grad_input, self._gradients = np.stack(grads) if grads else None, total

    def _run_forward(self, x: Array, training: bool) -> Array:
        return self._lies.output(self._calls.forward(self._lies.to_class(x), training))

    def _run_backward(self, x: Array, grad_output: Array) -> tuple[Array | None, dict[str, Array]]:
        def again() -> None:
            self._give_weights()
            self._run_forward(x, training=True)

        grad_input, gradients = self._back.run(x, self._lies.upstream(grad_output), again)
        if grad_input is not None:
            grad_input = self._lies.grad_input(grad_input)
        return grad_input, gradients

    def _give_weights(self) -> None:
        self._back.updates.settle()
        self._held.give(self.parameters | self.buffers)
        self._held.zero_gradients()
