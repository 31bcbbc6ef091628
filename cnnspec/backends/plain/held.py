"""The arrays that an instance holds: given ours before a pass, and read back after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from cnnspec.backends.plain.arrays import Place, find, find_or_none
from cnnspec.backends.plain.building import weight_axes
from cnnspec.backends.plain.by_role import names_by_role
from cnnspec.backends.plain.construction import Construction, Made
from cnnspec.backends.plain.errors import HintError, PlainClassError
from cnnspec.backends.plain.forms import Form
from cnnspec.backends.plain.names import GRADIENT
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape, show
from cnnspec.trace import Array


class Held:
    """Where an instance has the parameters and buffers of a layer, and how they lie there."""

    def __init__(
        self, how: Construction, made: Made, layer: SpecLayer, input: Shape, arrays: Iterable[str]
    ) -> None:
        """`arrays` are the names of the parameters and the buffers.

        Raises:
            UnsupportedSettingError: it has no array that may be a parameter.
            HintError: more must be said about its arrays.
        """
        self._cls, self._instance = how.cls.__name__, made.instance
        self._over_images = len(input) == 3
        self._parameters = {*layer.parameters(input)}
        by_role = names_by_role(how, made, layer, input)
        self._taken = tuple(f"taken for the {name}: `{own}`" for name, own in by_role.items())
        self._zeroed: dict[str, Array] = {}
        self._added: set[str] = set()
        self.names: Mapping[str, str] = {**by_role, **how.hints.names}
        """What it calls something, by our name, as far as that is no usual name."""
        self.places: dict[str, Place] = {}
        for name in arrays:
            if name in self._parameters:
                option = name if name in type(layer).model_fields else ""
                self.places[name] = find(self._instance, name, self.names, made.held, option=option)
            elif place := find_or_none(self._instance, name, self.names):
                self.places[name] = place
        own = {name: np.shape(place.get()) for name, place in self.places.items()}
        shapes = layer.parameters(input) | layer.buffers(input)
        named = replace(how, hints=replace(how.hints, names=self.names))
        axes = weight_axes(named, layer, own["weight"], input) if "weight" in own else None
        self.forms = {
            name: Form(shapes[name], shape, axes if name == "weight" else None)
            for name, shape in own.items()
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted so far."""
        if not self._added:
            return self._taken
        kept = " and ".join(sorted(self._added))
        said = f"the gradient of {kept} lies beside it and may add up: it is set to 0 before a pass"
        return (*self._taken, said)

    def zero_gradients(self) -> None:
        """Set gradients to 0 that lie with their parameter in one object, as in PyTorch.

        There, passes may add them up: it is for the training to zero them.
        """
        for name in self._parameters & self.places.keys():
            own, place = self.places[name], self._gradient(name)
            if place is None or not self._is_beside(own, place):
                continue
            held = place.get()
            if isinstance(held, np.ndarray) and held.flags.writeable:
                if self._zeroed.get(name) is held and held.any():
                    self._added.add(name)
                held[...] = 0
                self._zeroed[name] = held

    def _is_beside(self, own: Place, gradient: Place) -> bool:
        if gradient.holder is own.get():
            return True
        holders = [each.holder for each in self.places.values()]
        alone = sum(holder is own.holder for holder in holders) == 1
        return gradient.holder is own.holder is not self._instance and alone

    def give(self, arrays: Mapping[str, Array]) -> None:
        """Put our arrays into the instance.

        Raises:
            PlainClassError: one of its arrays has another shape.
        """
        for name, array in arrays.items():
            if name not in self.places:
                continue
            own = self.forms[name].to_class(array)
            if own is None:
                raise PlainClassError(self._wrong_shape(name))
            self.places[name].set(own)

    def take(self, arrays: Mapping[str, Array]) -> None:
        """Read our arrays back from the instance."""
        for name, array in arrays.items():
            if name in self.places:
                held = self._array(name, self.places[name])
                if held.shape == array.shape:
                    array[...] = held

    def copies(self, names: Iterable[str]) -> dict[str, Array]:
        """Return copies of the arrays of these names that the instance has."""
        return {name: self._array(name, self.places[name]) for name in names if name in self.places}

    def gradients(self) -> dict[str, Array]:
        """Return copies of the gradients of parameters that the instance keeps."""
        found = {}
        for name in self._parameters & self.forms.keys():
            if (place := self._gradient(name)) is not None:
                found[name] = self._array(name, place)
        return found

    def _gradient(self, name: str) -> Place | None:
        return find_or_none(self._instance, f"{GRADIENT}{name}", self.names)

    def _array(self, name: str, place: Place) -> Array:
        return self.forms[name].from_class(place.array())

    def _wrong_shape(self, name: str) -> str:
        form, key = self.forms[name], self.places[name].key
        said = (
            f"`{key}` of {self._cls} has the shape {show(form.theirs)}, "
            f"wanted {show(form.ours)} for `{name}`"
        )
        if name == "bias" and len(form.theirs) == 3 and self._over_images:
            return f"{said}: one number for each channel, not for each place of the output"
        return said


def refuse_bias_in_weight(
    made: Made, layer: SpecLayer, input: Shape, names: Mapping[str, str]
) -> None:
    """Refuse a weight that has the bias in it, as one row more: it is no weight of another.

    Raises:
        HintError: it has.
    """
    place = find_or_none(made.instance, "weight", names)
    ours = layer.parameters(input).get("weight", ())
    if place is None or len(ours) != 2:
        return
    out, width = ours
    theirs = np.shape(place.get())
    if theirs in ((width + 1, out), (out, width + 1)) and not find_or_none(
        made.instance, "bias", names
    ):
        raise HintError(
            f"`{place.key}` of {type(made.instance).__name__} has the shape {show(theirs)}, wanted "
            f"{show(ours)}: it seems to have the bias in it, which is not understood; "
            "keep the bias in an array of its own"
        )
