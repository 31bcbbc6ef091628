"""What the names of a constructor's parameters say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.backends.plain.alike import alike, parts_of
from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.names import (
    ARRAYS,
    IMAGE_SIDES,
    INPUT_SHAPE,
    OUTPUT_SHAPE,
    mapped_words,
    options_of,
    sides_of,
    words_for,
)
from cnnspec.backends.plain.neutral import beside
from cnnspec.backends.plain.reading import Given, Handed, Meaning, Option, Reading
from cnnspec.backends.plain.roles import listed_options, roles_of, sizes_of
from cnnspec.backends.plain.signature import REQUIRED, signature_of
from cnnspec.spec.layers import Layer

PREVIOUS = frozenset({"prev", "previous", "parent", "incoming"})
"""What the layer before is called."""


class Names:
    """Reads the names that a constructor has for the options and arrays of a kind of layer."""

    def __init__(self, cls: type, kind: type[Layer], hints: Hints, arrays: list[str]) -> None:
        """`arrays` are the names of those that a constructor may want."""
        self.cls, self.kind, self.hints, self.arrays = cls, kind, hints, arrays
        self.signature = signature_of(cls)
        self.parameters = self.signature.parameters
        self.required = self.signature.required()
        self.sizes = sizes_of(kind)

    def read(self, *, loosely: bool = True, sizes: bool = True, arrays: bool = True) -> Reading:
        """Return what names say: exactly, or without case and `_`; of sizes and of arrays."""
        meanings: dict[str, Meaning] = dict(self.given())
        meanings |= self._of_images(meanings)
        options = [INPUT_SHAPE, OUTPUT_SHAPE, *options_of(self.kind)]
        if not sizes:
            options = [
                option
                for option in options
                if option not in self.sizes or option in self.hints.names
            ]
        for exactly in (True, False) if loosely else (True,):
            for option in options:
                if option not in Reading(meanings).options:
                    meanings |= self._taken(option, meanings, exactly, arrays=arrays)
        if loosely:
            meanings |= self._moves(meanings)
        alone = "weight" in self.arrays and not self._wants_weight(meanings)
        for name in self.arrays if arrays and not alone else ():  # a `b` alone is no bias
            words = ((self.hints.names[name],) if name in self.hints.names else ()) + ARRAYS[name]
            if word := alike(words, [word for word in self.required if word not in meanings]):
                meanings[word] = Handed(name)
        return Reading(meanings)

    def left(self, reading: Reading) -> list[str]:
        """Return the parameters that want a value, where it may be a size."""
        return [word for word in reading.left(self.required) if not beside(word)]

    def refuse_other_layers(self, reading: Reading) -> None:
        """Refuse a constructor that wants the layer before it: a layer is tried alone."""
        for word in self.left(reading):
            *before, last = parts_of(word) or ("",)
            if last == "layer" or (last in PREVIOUS and not before):
                raise HintError(
                    f"{self.cls.__name__} wants `{word}`, the layer before it by its name, and a "
                    "layer is tried alone; write a class beside it whose constructor takes sizes "
                    f"and hands on an object that says them, and check that: class "
                    f"Alone({self.cls.__name__})"
                )

    def given(self) -> Iterator[tuple[str, Meaning]]:
        """Yield what the user gives by --arg, and None for what is called `_`."""
        for word in self.required:
            if not word.strip("_"):
                yield word, Given(None)
        for word, value in self.hints.arguments.items():
            if word in self.signature.keys and isinstance(value, dict):
                yield from ((key, Given(each)) for key, each in value.items())
                continue
            if word not in self.parameters and not self.signature.any_keyword:
                raise HintError(
                    f"{self.cls.__name__} takes no `{word}`; {self.signature.in_words()}"
                )
            yield word, Given(value)

    def _of_images(self, taken: Mapping[str, Meaning]) -> dict[str, Meaning]:
        """Return the parameters that are the height and the width of an image."""
        free = [word for word in self.required if word not in taken]
        for sides in IMAGE_SIDES:
            words = [alike((side,), free) for side in sides]
            if None not in words and len({*words}) == len(words):
                return {str(word): Option(INPUT_SHAPE, at) for at, word in enumerate(words)}
        return {}

    def _moves(self, taken: Mapping[str, Meaning]) -> dict[str, Meaning]:
        """Return the parameters that say a stride or a padding by one word in their names."""
        found: dict[str, Meaning] = {}
        for option, role in listed_options(self.kind).items():
            words = [
                word
                for word, each in self.parameters.items()
                if word not in taken
                and roles_of(word, windows=True) == {role}
                and (each.default is REQUIRED or type(each.default) in (int, tuple))
            ]
            if option not in (*self.sizes, *Reading(taken).options) and len(words) == 1:
                found[words[0]] = Option(option)
        return found

    def _taken(
        self, option: str, taken: Mapping[str, Meaning], exactly: bool, *, arrays: bool
    ) -> dict[str, Meaning]:
        """Return the parameters that are this option; none where none is called so."""
        free = [word for word in self.parameters if word not in taken]
        for sides in sides_of(option, self.kind):
            words = [self._found((side,), free, exactly) for side in sides]
            if None not in words and len({*words}) == len(words):
                return {str(word): Option(option, side) for side, word in enumerate(words)}
        if option == "bias" and arrays and self._wants_weight(taken):
            return {}  # what it calls so is an array, too
        mapped = mapped_words(option, self.kind, self.hints.names)
        # `bias` is the name of an array, too, and may be meant so.
        usual = () if mapped and option != "bias" else words_for(option, self.kind)
        word = self._found((*mapped, *usual), free, exactly)
        if word is None and mapped and option != "bias" and not self.signature.any_keyword:
            names = self.hints.names
            said = next(f"--map {name}={word}" for name, word in names.items() if word in mapped)
            raise HintError(
                f"{self.cls.__name__} takes no `{mapped[0]}`, as {said} says; "
                f"{self.signature.in_words()}"
            )
        return {} if word is None else {word: Option(option)}

    def _found(self, words: tuple[str, ...], free: list[str], exactly: bool) -> str | None:
        if exactly:
            return next((word for word in words if word in free), None)
        return alike(words, free)

    def _wants_weight(self, taken: Mapping[str, Meaning]) -> bool:
        words = {*ARRAYS["weight"], self.hints.names.get("weight")}
        return any(word in words and word not in taken for word in self.required)
