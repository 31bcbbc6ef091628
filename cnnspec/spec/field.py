"""Words of the field: what torch, Keras, Caffe and people call things, and what is true of each.

Three answers are there. A word is another name of something here (`SYNONYMS`); it is not written
in a spec at all (`NOT_NEEDED`); or it is something else than all that is here (`OTHERS`), and then
nothing here may be offered in its place, however near the letters are.

Words for a kind stand in its room, and are gathered here. Where they are also in a table of
what is not here, the room is right: the kind came later.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from cnnspec.spec.composites import ENTRIES
from cnnspec.spec.field_layers import OTHER_LAYERS
from cnnspec.spec.field_others import (
    OTHER_DATA,
    OTHER_INITIALIZATIONS,
    OTHER_OPTIMIZERS,
    OTHER_OPTIONS,
)
from cnnspec.spec.field_words import Word, listed, plain
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers import KINDS
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.model import KINDS_AT
from cnnspec.spec.section import Kind

TABLES: dict[str, Mapping[str, type[Kind]]] = {
    "layer": ENTRIES,
    **{path[-1]: kinds for path, kinds in KINDS_AT.items()},
}
"""The kinds that there are, by what stands there."""


def _words_of(kinds: Mapping[str, type[Kind]]) -> Iterator[Words]:
    """Yield the words of each kind, and those of its bases."""
    for kind in kinds.values():
        yield from kind.vocabulary()


_WORDS = [words for kinds in (*TABLES.values(), LOSSES) for words in _words_of(kinds)]


def _synonyms() -> Iterator[tuple[str, str]]:
    """Yield each other name of a kind or of its options, and what it is called here."""
    for kinds in TABLES.values():
        for word, kind in kinds.items():
            yield from ((name, word) for name in kind.words.synonyms.split())
            for (option, value), names in kind.words.variants.items():
                more = ", ..." if {*kind.model_fields} - {"name", option} else ""
                meant = f"{word}: {{{option}: {value}{more}}}"
                yield from ((name, meant) for name in names.split())
    for words in _WORDS:
        yield from words.named_options()
    yield from _SECTIONS.items()


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, meant in pairs:
        found.setdefault(name, {})[meant] = None
    return {name: tuple(each) for name, each in found.items()}


_SECTIONS = {
    "activations": "layers",
    "architecture": "layers",
    "batch": "batch_size",
    "batchsize": "batch_size",
    "dataset": "data",
    "dtype": "precision",
    "init": "initialization",
    "input_shape": "input",
    "input_size": "input",
    "max_epochs": "epochs",
    "model": "layers",
    "modules": "layers",
    "n_epochs": "epochs",
    "net": "layers",
    "network": "layers",
    "num_epochs": "epochs",
    "random_seed": "seed",
    "train": "training",
}
"""Words for sections, and for options of what is no kind."""

SYNONYMS: dict[str, tuple[str, ...]] = _gathered(_synonyms())
"""What other tools call a thing, in small letters, and what it is called here."""

BESIDES = {word: told for words in _WORDS for word, told in words.besides.items()}
"""What is to be known of a synonym: the same thing, and yet its options say something else."""

NOT_NEEDED = {
    "logits": "the last layer gives them: leave it out",
    "identity": "it does nothing: leave it out",
    "input": "the input stands on top, as in `input: [1, 28, 28]`: leave it out",
    "input_layer": "the input stands on top, as in `input: [1, 28, 28]`: leave it out",
    "padding_mode": "only zeros are put around images: leave it out if you mean that",
    "inplace": "leave it out: how a layer keeps its arrays is up to the backend",
    "activation": "leave it out: an activation is a layer of its own, as in `- relu`; the last "
    "layer has none",
    "metrics": "leave it out: loss and accuracy are always recorded",
    "shuffle": "leave it out: the images of every epoch are in a new order",
    "data_format": "leave it out: images are channels, height, width",
    "backend": "choose the backend with `--backend`",
    "device": "choose the device with `--device`",
    "<<": "merge keys are not supported: write the options out",
    **{word: told for words in _WORDS for word, told in words.unwritten.items()},
}
"""What is not written in a spec at all, and what to do instead."""

_SYNONYMS = {plain(word): meant for word, meant in SYNONYMS.items()}
_NOT_NEEDED = {plain(word): answer for word, answer in NOT_NEEDED.items()}


def _not_here(noun: str, table: dict[str, Word]) -> dict[str, Word]:
    """Return a table of what is not here, without what is, and with the rooms' own answers."""
    kinds = TABLES[noun]
    names = {plain(kind) for kind in kinds}
    own = {word: told for words in _words_of(kinds) for word, told in words.answers.items()}
    named = {word for word, meant in _SYNONYMS.items() if meant[0].partition(":")[0] in kinds}
    return {word: told for word, told in (table | own).items() if word not in named | names}


def _options_elsewhere() -> Iterator[tuple[str, Word]]:
    """Yield each option that kinds of layers have that came after the table of what is not here."""
    for word in OTHER_OPTIONS:
        owners = [f"`{kind}`" for kind in ENTRIES if word in map(plain, ENTRIES[kind].model_fields)]
        if owners:
            yield word, Word(f"it is an option of {listed(owners)}")


OTHERS: dict[str, dict[str, Word]] = {
    "layer": _not_here("layer", OTHER_LAYERS),
    "initialization": _not_here("initialization", OTHER_INITIALIZATIONS),
    "optimizer": _not_here("optimizer", OTHER_OPTIMIZERS),
    "data": _not_here("data", OTHER_DATA),
    "option": OTHER_OPTIONS | dict(_options_elsewhere()),
}
"""By what stands there, without case, `_` and `-`."""


def synonyms_of(word: str) -> tuple[str, ...]:
    """Return what a word of another tool is called here; nothing where it is no such word."""
    return _SYNONYMS.get(plain(word), ())


def besides(word: str, written: Container[str] = ()) -> str:
    """Say what differs though a word is a synonym, beside the options that are written with it."""
    found = BESIDES.get(plain(word))
    return found.told if found and found.unless not in written else ""


def answer_to(word: str, noun: str) -> str:
    """Say what a word of the field is, where a `noun` stands; nothing where it is none.

    An option of a layer and a layer are asked for alike where the word is not written at all.
    """
    asked = plain(word)
    found = OTHERS.get(noun, {}).get(asked)
    if found or asked in _NOT_NEEDED:
        return found.answer if found else _NOT_NEEDED[asked]
    kind = same_word(word, KINDS) if noun == "option" else None
    return f"it is a layer of its own: write `- {kind}` in `layers`" if kind else ""


def keeps_shape(kind: str) -> bool:
    """Tell whether a kind of layer that does not exist is known not to change a shape."""
    asked = plain(kind)
    found = OTHERS["layer"].get(asked)
    if found is not None:
        return found.keeps_shape
    words = (same_word(kind, KINDS), *_SYNONYMS.get(asked, ()))
    meant = [KINDS[word] for word in words if word in KINDS]
    return asked in _NOT_NEEDED or any(each.keeps_shape for each in meant)


def same_word(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a word is but for case, `_` and `-`."""
    asked = plain(word)
    return next((each for each in known if plain(each) == asked), None)
