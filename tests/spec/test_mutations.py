"""A spec with one mistake: the first error stands where the mistake is.

A mutation changes one place of a valid text. The result is valid still, or:

- a line that is wrong by itself is itself the place of the first error (`WRONG`);
- a bracket or quote left open is reported where the text can no longer be right, with the line
  in which it was opened (`unclosed`);
- a change that is right by itself, but makes something else not fit (`FITTING`), is reported
    - on a layer: the changed one, or one after it that receives another shape than before; its
      note ends with that shape;
    - between two sections (`BETWEEN`): in one of the two, and the change was in one of them;
    - on what surrounds it, where it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cnnspec.plan import Plan, resolve
from cnnspec.spec import Diagnostic, Location, dump_spec, inspect_spec
from cnnspec.spec.diagnostics import Path
from cnnspec.spec.model import kinds_at
from cnnspec.spec.sizes import show
from cnnspec.spec.source import Source, read_source
from tests.contract.test_random_specs import decorated_specs
from tests.spec.test_fuzz import TREE

SPECS = [
    path.read_text() for path in sorted((FilePath(__file__).parents[2] / "specs").glob("*.yaml"))
]
SPECS += [TREE] * 2


@dataclass(frozen=True)
class Mutation:
    """A text with one change."""

    before: str
    text: str
    line: int
    """Of the change, from 1."""
    path: Path
    """Of what was changed."""


@st.composite
def texts(draw: DrawFn) -> str:
    """Draw the text of a valid spec."""
    if draw(st.booleans()):
        return draw(st.sampled_from(SPECS))
    spec = draw(decorated_specs())
    text = dump_spec(spec, defaults=draw(st.booleans()))
    assume(inspect_spec(text).spec is not None)
    return text


@lru_cache(maxsize=8)
def source_of(text: str) -> Source:
    return read_source(text, "f.yaml")


def value_at(source: Source, path: Path) -> object:
    value = source.value
    for step in path:
        value = value[step]
    return value


def replaced(text: str, at: Location, new: str) -> str:
    """Write `new` over a place."""
    lines = text.split("\n")
    line = lines[at.line - 1]
    lines[at.line - 1] = line[: at.column - 1] + new + line[at.end_column - 1 :]
    return "\n".join(lines)


def scalars(text: str) -> list[Path]:
    """List the values that are no collections, and are written out."""
    source = source_of(text)
    paths = [path for path in source.values if path]
    return [path for path in paths if not isinstance(value_at(source, path), dict | list)]


# ------------------------------------------------------------------ wrong by themselves

UNFIT = ["-1", "1.5", '"3"', "true", "x y", ".nan", "-.inf", "{zz: 1}", "[[]]", "[1, 2, 3, 4]"]


@st.composite
def unfit_values(draw: DrawFn) -> Mutation:
    """A value of a wrong type, or out of range; some options take some of them."""
    text = draw(texts())
    path = draw(st.sampled_from(scalars(text)))
    at = source_of(text).values[path]
    return Mutation(text, replaced(text, at, draw(st.sampled_from(UNFIT))), at.line, path)


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=3)


@st.composite
def misspelt_words(draw: DrawFn) -> Mutation:
    """A key, or a kind that is a bare word, with some letters more, less or changed."""
    text = draw(texts())
    source = source_of(text)
    kinds = [path for path in scalars(text) if kinds_at(path)]
    path = draw(st.sampled_from([*source.keys, *kinds]))
    at = source.values[path] if path in kinds else source.keys[path]
    word = at.text[at.column - 1 : at.end_column - 1]
    start = draw(st.integers(0, len(word) - 1))
    new = word[:start] + draw(LETTERS | st.just("")) + word[draw(st.integers(start, len(word))) :]
    assume(new and new not in KNOWN and re.fullmatch("[a-z_]+", new))
    return Mutation(text, replaced(text, at, new), at.line, path)


NAMES = (
    "name input layers initialization data training limits conv relu pool flatten linear digits "
    "mnist fashion_mnist npz sgd adam normal torch_default out_channels kernel_size stride padding "
    "dilation groups bias in_channels kind ceil_mode out_features in_features normalize mean std "
    "train_samples test_samples path epochs batch_size optimizer precision seed learning_rate "
    "momentum nesterov weight_decay betas eps parameters activations null true false "
    "residual body shortcut parallel paths merge concat add repeat times batch_norm affine "
    "num_features"
)
KNOWN = set(NAMES.split())


@st.composite
def keys_twice(draw: DrawFn) -> Mutation:
    """An option, written again behind itself."""
    text = draw(texts())
    source = source_of(text)
    path = draw(st.sampled_from([path for path in scalars(text) if path in source.keys]))
    key, value = source.keys[path], source.values[path]
    assume(key.line == value.line and value.end_column > value.column)
    entry = key.text[key.column - 1 : value.end_column - 1]
    alone = not key.text[: key.column - 1].strip(" -")
    again = f"\n{' ' * (key.column - 1)}{entry}" if alone else f", {entry}"
    end = Location(value.file, value.line, value.end_column, value.end_column, value.text)
    return Mutation(text, replaced(text, end, again), value.line + alone, path)


BROKEN = [
    *("]", "}", ",", "@", "`", "%", "*a", "&a 1", "!t 1", "1: 2: 3", "\t1", "a\x01", "\x00"),
    *('"\\q"', '"a" b', "'a' b", "{a: 1}}", "[1]]", "[1}", "{1]", "&a", '"\\ud800"'),
]


@st.composite
def broken_values(draw: DrawFn) -> Mutation:
    """Something for a value that is not the YAML of a spec, whatever stands around it."""
    text = draw(texts())
    path = draw(st.sampled_from(scalars(text)))
    at = source_of(text).values[path]
    new = draw(st.sampled_from(BROKEN))
    # In braces, a comma or a closing bracket may be one that fits.
    assume(new not in ",]}" or at.text.count("{") + at.text.count("[") == 0)
    return Mutation(text, replaced(text, at, new), at.line, path)


WRONG: dict[str, Callable[[], SearchStrategy[Mutation]]] = {
    "a value of a wrong type or size": unfit_values,
    "a misspelt key or kind": misspelt_words,
    "a key that is written twice": keys_twice,
    "broken syntax": broken_values,
}


def check_wrong(mutation: Mutation) -> None:
    found = inspect_spec(mutation.text, file="f.yaml")
    errors = [problem for problem in found.diagnostics if problem.severity == "error"]
    if not errors:
        return
    lines = [place(problem).line for problem in errors]
    assert mutation.line in lines
    first = errors[0]
    if first.code == "missing-option":
        # The misspelt option is missed, too: by what it belongs to.
        assert first.path[:-1] == mutation.path[:-1]
        return
    if mutation.path[0] == "limits" and "limits" in BETWEEN.get(first.code, ()):
        return  # `limits: {parameters: &a 1}` is read as 1, too, and the layers stand above it
    if first.code == "branches-differ" and first.path == mutation.path[: len(first.path)]:
        return  # so is `out_channels: &a 1`, and the block that no longer fits stands above it
    assert lines[0] == mutation.line
    assert place(first).text == mutation.text.split("\n")[mutation.line - 1]


def place(problem: Diagnostic) -> Location:
    assert problem.location is not None, problem
    return problem.location


# ------------------------------------------------------------------ left open


@st.composite
def unclosed(draw: DrawFn) -> Mutation:
    """A bracket without its counterpart, or a quote that nothing closes."""
    text = draw(texts())
    path = draw(st.sampled_from(scalars(text)))
    at = source_of(text).values[path]
    lines = text.split("\n")
    rest = at.text[at.end_column - 1 :] + "".join(lines[at.line :])
    new = draw(st.sampled_from([sign for sign in "[{\"'" if sign not in rest or sign in "[{"]))
    old = at.text[at.column - 1 : at.end_column - 1]
    assume(old[:1] not in ("'", '"'))
    return Mutation(text, replaced(text, at, new + old), at.line, path)


def check_unclosed(mutation: Mutation) -> None:
    first = inspect_spec(mutation.text, file="f.yaml").diagnostics[0]
    if place(first).line == mutation.line:
        return
    assert first.code in ("syntax", "tab")
    assert place(first).line > mutation.line
    assert any(f"stands in line {mutation.line}," in note for note in first.notes), first


# ------------------------------------------------------------------ right by themselves

SIZES = st.sampled_from(["1", "2", "3", "4", "5", "7", "16", "1000", "1000000000"])
IMAGES = ["conv: {out_channels: 3, kernel_size: 2}", "pool: {kernel_size: 2}"]
LAYERS = [*IMAGES, "relu", "flatten", "linear: {out_features: 7}", "pool: {kernel_size: 9}"]


@st.composite
def other_sizes(draw: DrawFn) -> Mutation:
    text = draw(texts())
    source = source_of(text)
    sizes = [path for path in scalars(text) if type(value_at(source, path)) is int]
    path = draw(st.sampled_from(sizes))
    at = source.values[path]
    return Mutation(text, replaced(text, at, draw(SIZES)), at.line, path)


@st.composite
def other_layers(draw: DrawFn) -> Mutation:
    """A layer more, or another in place of one that takes a line."""
    text = draw(texts())
    source = source_of(text)
    index = draw(st.integers(0, len(source.value["layers"]) - 1))
    at = source.values["layers", index]
    assume(at.text.strip().startswith("- "))
    lines = text.split("\n")
    indent = " " * (len(at.text) - len(at.text.lstrip()))
    new = f"{indent}- {draw(st.sampled_from(LAYERS))}"
    following = lines[at.line] if at.line < len(lines) else ""
    whole = not following.startswith(indent + " ")  # the layer takes no second line
    lines[at.line - 1 : at.line - 1 + (whole and draw(st.booleans()))] = [new]
    return Mutation(text, "\n".join(lines), at.line, ("layers", index))


@st.composite
def dropped_lines(draw: DrawFn) -> Mutation:
    """A line less: a layer, an option or a section of one line."""
    text = draw(texts())
    source = source_of(text)
    path = draw(st.sampled_from([path for path in source.values if path]))
    at = source.values[path]
    lines = text.split("\n")
    starts = [known for known in source.values if source.values[known].line == at.line]
    starts += [known for known in source.keys if source.keys[known].line == at.line]
    top = min(starts, key=len)
    inside = [known for known in source.values if known[: len(top)] == top]
    assume(all(source.values[known].line == at.line for known in inside))
    assume(all(known[: len(top)] == top for known in starts))
    del lines[at.line - 1]
    return Mutation(text, "\n".join(lines), at.line, top)


@st.composite
def other_data(draw: DrawFn) -> Mutation:
    text = draw(texts())
    source = source_of(text)
    assume("data" in source.value)
    new = draw(st.sampled_from(["digits", "mnist", "fashion_mnist"]))
    path: Path = ("data",)
    if isinstance(source.value["data"], dict):
        path = ("data", next(iter(source.value["data"])))
        assume(path[1] != "npz")
    at = source.keys[path] if len(path) == 2 else source.values[path]
    return Mutation(text, replaced(text, at, new), at.line, path)


FITTING: dict[str, Callable[[], SearchStrategy[Mutation]]] = {
    "another size": other_sizes,
    "another layer": other_layers,
    "a line less": dropped_lines,
    "other data": other_data,
}

BETWEEN = {
    "input-mismatch": {"input", "data"},
    "too-few-logits": {"input", "layers", "data"},
    "normalize-channels": {"input", "data"},
    "too-few-images": {"data"},
    "too-many-parameters": {"input", "layers", "limits"},
    "too-many-activations": {"input", "layers", "limits", "training", "data"},
    "too-many-layers": {"layers", "limits"},
    "too-much-data": {"data", "limits"},
}


def check_fitting(mutation: Mutation) -> None:
    found = inspect_spec(mutation.text, file="f.yaml")
    errors = [problem for problem in found.diagnostics if problem.severity == "error"]
    if not errors:
        return
    first, section = errors[0], mutation.path[0]
    if place(first).line == mutation.line and first.code != "missing-option":
        return
    if first.code in BETWEEN:
        assert {first.path[0], section} <= BETWEEN[first.code]
    elif first.code in ("missing-option", "no-kind", "wrong-type", "wrong-length", "conflict"):
        shared = first.path[: len(mutation.path)]  # what held it, or what it held
        assert shared == mutation.path[: len(shared)] or first.path == mutation.path
    else:
        check_layer(first, mutation)


def check_layer(problem: Diagnostic, mutation: Mutation) -> None:
    """Hold a problem of a layer after the change to come from another shape than before."""
    assert mutation.path[0] in ("input", "layers")
    assert problem.path[0] == "layers"
    before = plan_of(mutation.before)
    index = problem.path[1]
    changed = mutation.path[1] if mutation.path[0] == "layers" else -1
    assert isinstance(index, int)
    assert isinstance(changed, int)
    assert index >= changed - (problem.code == "no-logits")  # the last layer may be gone
    layers = len(read_source(mutation.text, "f.yaml").value["layers"])
    entries = len(read_source(mutation.before, "f.yaml").value["layers"])
    itself = index == changed and layers == entries
    if itself or problem.code in ("no-logits", "duplicate-name", "branches-differ"):
        return
    if len(problem.path) > 4 or len(before.layers) > entries:
        return  # in a block, or among blocks: what it received hangs on more than its neighbour
    old = before.layers[index + len(before.layers) - layers]
    *_, received, name = problem.notes[-1].removeprefix("shapes: ").split(" -> ")
    assert problem.message.startswith(f"{name}: ")
    shape = received.partition(" ")[2]  # behind the name of what gives it
    assert shape != show(old.input), f"{name} received that before, too"


@lru_cache(maxsize=8)
def plan_of(text: str) -> Plan:
    spec = inspect_spec(text).spec
    assert spec is not None
    return resolve(spec)


# ------------------------------------------------------------------ the tests


def run(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


CLASSES = {
    **{what: (mutations, check_wrong) for what, mutations in WRONG.items()},
    "left open": (unclosed, check_unclosed),
    **{what: (mutations, check_fitting) for what, mutations in FITTING.items()},
}


@pytest.mark.parametrize("what", CLASSES)
def test_the_first_error_stands_at_the_mutation(what: str) -> None:
    mutations, check = CLASSES[what]
    run(15)(given(mutations())(check))()


@pytest.mark.slow
@pytest.mark.parametrize("what", CLASSES)
def test_the_first_error_stands_at_each_of_many_mutations(what: str) -> None:
    mutations, check = CLASSES[what]
    run(300)(given(mutations())(check))()
