"""Words: what a value is, and which word was meant."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, get_args

from cnnspec.spec.diagnostics import Diagnostic, Location, Path, brief
from cnnspec.spec.dialects import in_this_dialect, options_written
from cnnspec.spec.field import answer_to, besides, same_word, synonyms_of
from cnnspec.spec.lookalikes import ascii_of, in_words, narrowed, strangers
from cnnspec.spec.model import kinds_at
from cnnspec.spec.scalars import core_scalar
from cnnspec.spec.section import Kind
from cnnspec.spec.source import UNREAD


def meant(word: str, known: Iterable[str], noun: str = "option") -> str | None:
    """Return the known word that was probably meant: another name for it, or a slip in it.

    A word of the field that stands for something else was not misspelt.
    """
    known = list(known)
    word = ascii_of(word)
    same = same_word(word, known)
    if same is not None:
        return same
    for synonym in synonyms_of(word):
        if synonym.partition(":")[0] in known:
            return synonym
    if answer_to(word, noun):
        return None
    asked = word.lower()[:LONGEST]
    found = [(slips(asked, each.lower()), each) for each in known]
    least, near = min(found, default=(LONGEST, ""))
    return near if least <= max(1, min(len(asked), len(near)) // 4) else None


LONGEST = 40
"""Letters of a word that is held against the known ones."""


def slips(word: str, known: str) -> int:
    """Return how many letters are missing, too many, wrong or swapped with their neighbour.

    The optimal string alignment distance (Boytsov, 2011, section 2.2).
    """
    before, last = list(range(len(known) + 1)), [0] * (len(known) + 1)
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, other in enumerate(known, 1):
            least = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and (letter, word[i - 2]) == (known[j - 2], other):
                least = min(least, last[j - 2] + 1)
            row.append(least)
        last, before = before, row
    return before[-1]


def did_you_mean(
    word: str, known: Iterable[str], noun: str = "option", written: Container[str] = ()
) -> str:
    """Offer the known word that was meant, say what another one is, or list all that are known.

    Options that are `written` with the word may leave nothing to be said beside it.
    """
    known = list(known)
    word_meant = meant(word, known, noun)
    if strange := strangers(word):
        plain = ascii_of(word) if ":" in ascii_of(word) else word_meant
        way_out = f": write `{brief(plain)}`" if plain else ""
        return f"{in_words(strange[0])}{way_out}"
    if word_meant is not None:
        differs = besides(word, written)
        return f"did you mean `{word_meant}`?{' ' + differs if differs else ''}"
    if answer := answer_to(word, noun):
        return answer
    return f"known are {', '.join(known)}" if known else "it has no options"


def noun_of(path: Path) -> str:
    """Name what stands at a path: `layers[2]` is a layer."""
    if path[:1] == ("layers",) and len(path) > 1:
        return "layer"
    words = [step for step in path if isinstance(step, str)]
    word = words[-1] if words else "spec"
    return word.removesuffix("s") if path and isinstance(path[-1], int) else word


def unknown_kind(path: Path, word: str, at: Location, options: Any = None) -> Diagnostic:
    """Say that there is no such kind; `options` are what stands below it."""
    noun, kinds = noun_of(path), kinds_at(path)
    message = f"there is no kind of {noun} called `{brief(word)}`"
    called, bracket, _ = word.partition("(")
    way_out = in_this_dialect(word, kinds) or (bracket and answer_to(called, noun))
    written = options_written(word, options, kinds)
    way_out = way_out or did_you_mean(word, kinds, noun, written)
    if noun == "data" and word.endswith(".npz"):
        way_out = f"write `data: {{npz: {{path: {brief(word)}}}}}`"
    return Diagnostic("unknown-kind", message, path, narrowed(at, word), way_out)


def describe(value: Any) -> str:
    """Say what a value of a YAML file is: `"3"` (text)."""
    if value is None:
        return "nothing"
    if value is UNREAD:
        return "what cannot be read"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        shown = value if len(value) <= 40 else value[:40] + "..."
        return f'"{shown}" (text)'
    if isinstance(value, int | float):
        return f"`{value}`"
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if not isinstance(value, list | tuple) or len(value) > 4:
        return f"a {type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else "that"
    return "[" + ", ".join(describe(item).strip("`") for item in value) + "]"


def nearest_legal(path: Path, wanted: str, found: Any, written: str) -> str:
    """Offer the nearest value that is allowed, where one is near; `written` is the source."""
    if path[-1] == "input":
        return _input(found)
    if own := own_way_out(path, found):
        return own
    if isinstance(found, str):
        return _look_alike(found) or _legal_for_text(path, wanted, found)
    if "`true` or `false`" in wanted and found in (0, 1):
        return f"write `{str(bool(found)).lower()}`"
    if found is None or isinstance(found, bool):
        word = _values_of(path).get(str(found).lower())
        return f"write `{word}`" if word else ""
    if "a whole number" in wanted and isinstance(found, float) and found.is_integer():
        return f"write `{found:.0f}`" if 1 <= found < 1e15 else ""
    if wanted == "wanted text" and isinstance(found, int | float):
        is_name = path == ("name",) and re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", written)
        return f'write `"{written}"`, in quotes' if is_name or path[-1] == "path" else ""
    if path[-2:-1] == ("normalize",) and isinstance(found, int | float) and found > 0:
        return f"write `[{found}]`, with a number for each channel"
    return ""


def _input(found: Any) -> str:
    """Offer images of the size that was meant."""
    sizes = found if isinstance(found, list | tuple) else [found]
    known = [size for size in sizes if isinstance(size, int) and not isinstance(size, bool)]
    if len(known) == len(sizes) and all(size > 0 for size in known):
        if len(known) == 1:
            return _of_pixels(known[0])
        if len(known) == 2:
            return f"write `[1, {known[0]}, {known[1]}]` for images of one channel"
        if len(known) == 4:
            return f"leave the batch out: `{known[1:]}`"
    return "write `[channels, height, width]`, as in `[1, 28, 28]`"


def _of_pixels(count: int) -> str:
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side > 1 and channels * side * side == count:
            return f"write `[{channels}, {side}, {side}]` for images of {side} x {side}"
    return f"write `[1, 1, {count}]`: {count} numbers in a row"


def _look_alike(found: str) -> str:
    """Say which sign of a text only looks like one that would be read."""
    strange = strangers(found)
    return in_words(strange[0]) if strange else ""


def _legal_for_text(path: Path, wanted: str, found: str) -> str:
    if "`true` or `false`" in wanted:
        words = {"yes": "true", "on": "true", "true": "true"}
        words |= {"no": "false", "off": "false", "false": "false"}
        word = words.get(found.strip().lower())
        return f"write `{word}`" if word else ""
    if values := _values_of(path):
        word = values.get(found.strip().lower())
        return f"write `{word}`" if word else ""
    if "or `same`" in wanted and same_word(found, ["valid", "none"]):
        return "write `0`: no padding"
    if "`float32`" in wanted:
        return _precision(found)
    if "or `same`" in wanted and meant(found, ["same"]):
        return "write `same`"
    if "letters, digits" in wanted:
        return _legal_name(wanted, found)
    if found.lower() in ("none", "null", "nil"):
        return "leave it out to have the default"
    number = _number(found)
    if "number" in wanted and number > 0 and math.isfinite(number):
        if "whole" not in wanted or isinstance(number, int):
            return f"write `{found.strip()}` without quotes"
        return ""
    if "whole" in wanted and re.fullmatch("[0-9]{1,3}([_ ][0-9]{3})+", found):
        return f"write `{re.sub('[_ ]', '', found)}`"
    sizes = re.fullmatch(r"\(?([1-9][0-9]*)(?: ?[x,] ?([1-9][0-9]*)\)?)?", found[:20])
    if "[height, width]" in wanted and sizes:
        return f"write `[{sizes[1]}, {sizes[2] or sizes[1]}]`"
    return ""


def own_way_out(path: Path, found: Any) -> str:
    """Say what a kind knows about a wrong value of its option."""
    kind, option = _option_at(path)
    return kind.words.way_out(option, found) if kind else ""


def _values_of(path: Path) -> Mapping[str, str]:
    """Return words for the values of an option of a kind, in small letters, and what they are."""
    kind, option = _option_at(path)
    if kind is None or option not in kind.model_fields:
        return {}
    own = get_args(kind.model_fields[option].annotation)
    own_words = {word.lower(): word for word in own if isinstance(word, str)}
    return {**own_words, **kind.words.values.get(option, {})}


def _option_at(path: Path) -> tuple[type[Kind] | None, str]:
    """Return the kind whose option stands at a path, if it is one's, and the option."""
    *place, word, option = path if len(path) > 1 else ("", "")
    if isinstance(option, int):
        kind, option = _option_at((*place, word))
        return kind, f"{option}[]"
    return kinds_at(tuple(place)).get(str(word)), str(option)


def _precision(found: str) -> str:
    names = {"float": "float32", "single": "float32", "fp32": "float32", "f32": "float32"}
    names |= {"double": "float64", "fp64": "float64", "f64": "float64"}
    plain = found.lower().rpartition(".")[2]
    if plain in ("half", "float16", "bfloat16", "fp16", "bf16", "f16"):
        return "a network is trained in `float32` or `float64`"
    near = names.get(plain) or meant(plain, ["float32", "float64"])
    return f"write `{near}`" if near else ""


def _number(text: str) -> float:
    """Return the number that a text would be without its quotes, or 0."""
    try:
        value = core_scalar(text.strip())
    except ValueError:
        return 0
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _legal_name(wanted: str, found: str) -> str:
    keep = "[^A-Za-z0-9._-]+" if "`.`" in wanted else "[^A-Za-z0-9_]+"
    near = re.sub(keep, "_", found[:24]).strip("_.-")
    if near[:1].isdigit() and "`.`" not in wanted:
        near = f"_{near}"
    return f"did you mean `{near}`?" if near else ""
