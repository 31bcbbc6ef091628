"""What people and other tools call a kind and its options: each kind's room holds its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cnnspec.spec.field_words import Word, plain


class Besides(NamedTuple):
    """What is to be known of a synonym: its options, or their defaults, say something else."""

    told: str
    unless: str = ""
    """The option with which, where it is written, nothing differs."""


@dataclass(frozen=True)
class Words:
    """Words for one kind. A text holds several, with spaces between them."""

    synonyms: str = ""
    """Names that torch, Keras, Caffe, darknet and people give the kind."""
    variants: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Names of the kind with one option set: {("kind", "avg"): "avg_pool ..."}."""
    besides: Mapping[str, Besides] = field(default_factory=dict)
    """What is to be known of a synonym."""
    answers: Mapping[str, Word] = field(default_factory=dict)
    """What is no name of the kind, but can be written with it, or is no function of its own."""
    unwritten: Mapping[str, str] = field(default_factory=dict)
    """What is not written at all since this kind is there, and what to do instead."""
    options: Mapping[str, str] = field(default_factory=dict)
    """By option: its names in calls and files of other tools, which mean just the same."""
    guesses: Mapping[str, str] = field(default_factory=dict)
    """By option: other words by which people probably mean it."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """By option: what else the constructors of classes call it that people write by hand."""
    complements: Mapping[str, str] = field(default_factory=dict)
    """By option that is a share: what they call the rest, 1 - it. A word that is its own, too,
    means the rest where the default is more than a half."""
    sides: Mapping[str, str] = field(default_factory=dict)
    """By option: what such constructors call it for the height and for the width, `kh,kw`."""
    arrays: Mapping[str, str] = field(default_factory=dict)
    """By array that the kind alone has: what else such classes call it."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By option: other words for its values, in small letters, and what is written here."""
    ways_out: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    """What to do about a wrong value; nothing where the value tells nothing.

    The key is an option, or a word that is none. `paths[]` is what stands in the list of an
    option. The name of a call in `calls_at_times` is for its arguments.
    """
    calls: Mapping[str, str] = field(default_factory=dict)
    """By name of a module of torch or a layer of Keras: its arguments in order, by our names."""
    calls_at_times: Mapping[str, str] = field(default_factory=dict)
    """By name of a module that stands for the kind with some arguments alone: these in order."""
    examples: Mapping[str, str] = field(default_factory=dict)
    """By option: what it might say, where it is missing."""
    in_short: str = ""
    """How a list of what is here tells of the kind; by default as the word alone."""

    def stand_for(self, word: str) -> dict[str, str] | None:
        """Return the options that a name of the kind implies; None where it is no name of it."""
        asked = plain(word)
        if asked in map(plain, self.synonyms.split()):
            return {}
        for (option, value), names in self.variants.items():
            if asked in map(plain, names.split()):
                return {option: value}
        return None

    def way_out(self, word: str, found: Any) -> str:
        """Say what to do about a value below a word, or about arguments; or nothing."""
        way = self.ways_out.get(word)
        return way(found) if way else ""

    def named_options(self) -> Iterator[tuple[str, str]]:
        """Yield each word for an option, and the option."""
        for table in (self.options, self.guesses):
            for option, names in table.items():
                yield from ((name, option) for name in names.split())
