"""What torch, Keras and people call a kind and its options, as the kind's room has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnspec.spec.field import OTHERS, answer_to
from cnnspec.spec.field_words import plain
from cnnspec.spec.section import Kind, Section


def names(kind: type[Kind]) -> Iterator[str]:
    """Yield what is said of other names of a kind, and of what can be written with it."""
    words = kind.words
    if others := _distinct(kind, {}, words.synonyms):
        yield f"Elsewhere it is called {listed(others)}."
    for (option, value), variants in words.variants.items():
        others = _distinct(kind, {option: value}, variants)
        yield f"With `{option}: {value}`, it is called {listed(others)} elsewhere."
    yield from (f"Of `{word}`: {differs.told}." for word, differs in words.besides.items())
    answers = {word: answer.answer for word, answer in words.answers.items()} | words.unwritten
    by_answer: dict[str, list[str]] = {}
    for word, told in answers.items():
        if told in {answer_to(word, noun) for noun in OTHERS}:  # no other kind has the word now
            by_answer.setdefault(told, []).append(word)
    if by_answer:
        yield "\n".join(f"- {listed(asked)}: {told}" for told, asked in by_answer.items())


def _distinct(kind: type[Kind], options: dict[str, str], others: str) -> list[str]:
    """Return names with these options: those of calls, and others but for case and `_`."""
    calls = [word for word in kind.words.calls if kind.words.stand_for(word) == options]
    known = {plain(kind.keyword), *map(plain, calls)}
    by_letters = {plain(word): word for word in others.split() if plain(word) not in known}
    return [*calls, *by_letters.values()]


def option_names(section: type[Section]) -> dict[str, list[str]]:
    """Return other words for options."""
    found: dict[str, list[str]] = {}
    if issubclass(section, Kind):
        for words in section.vocabulary():
            for word, option in words.named_options():
                found.setdefault(option, []).append(word)
    return found


def listed(words: Iterable[str]) -> str:
    """Join words of the dialect, or of another one."""
    return joined([f"`{word}`" for word in words])


def joined(words: Sequence[str]) -> str:
    """Join words: a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
