"""One answer: what `validate` takes can be kept in a run folder and read back, whatever it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from cnnspec import (
    NPZ,
    Conv,
    Flatten,
    Limits,
    ModelSpec,
    Normalize,
    Pool,
    ReLU,
    SpecError,
    Training,
    dump_spec,
    inspect_spec,
    parse_spec,
    resolve,
)
from cnnspec.plan import write_out
from cnnspec.spec.composites import Parallel, Repeat
from cnnspec.spec.composites.composite import MOST_NESTED
from cnnspec.spec.composites.parallel import MOST_PATHS
from cnnspec.spec.dump import spec_node
from cnnspec.spec.layers import KINDS, Layer
from cnnspec.spec.limits import MOST_LAYERS
from cnnspec.spec.model import KINDS_AT
from cnnspec.spec.nodes import Collection
from cnnspec.spec.scalars import MAX_DIGITS
from cnnspec.spec.section import MAX_LIST, MAX_TEXT
from cnnspec.spec.source import MAX_BYTES, RESOLVED
from cnnspec.training import Run

LONG = {"as many layers as there may be", "as many convs as a file holds", "layers", "convs"}


def quick_first(names: Any) -> list[Any]:
    """Mark those that take many seconds to read."""
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in names]


FILES = {
    "3,000 bare relus": "input: [1, 8, 8]\nlayers: [" + "relu, " * 3000 + "flatten]\n",
    "as many layers as there may be": (
        "input: [1, 1, 2]\nlayers: [" + "relu," * (MOST_LAYERS - 1) + "flatten]\n"
    ),
    "as many convs as a file holds": (
        "input: [1, 1, 2]\nlayers:\n"
        + "- conv: {out_channels: 1, kernel_size: 1}\n" * 2000
        + "- flatten\n"
    ),
    "as long as a file may be": ("input: [1, 8, 8]\nlayers: [flatten]\n").ljust(MAX_BYTES, "#"),
    "many channels": (
        f"input: [3000, 1, 1]\nlayers: [flatten]\ndata: {{npz: {{path: a.npz, normalize: "
        f"{{mean: {[0.5] * 3000}, std: {[0.25] * 3000}}}}}}}\n"
    ),
    "a long path": (
        "input: [1, 8, 8]\nlayers: [flatten]\ndata: {npz: {path: '" + "\u00e9" * 99_000 + "'}}\n"
    ),
    "seeds and strides of many digits": (
        f"input: [1, 8, 8]\nlayers: [pool: {{kernel_size: 8, stride: {'9' * 100}}}, flatten]\n"
        f"training: {{seed: {'9' * 100}, epochs: {'8' * 100}}}\n"
    ),
}


@pytest.mark.parametrize("name", quick_first(FILES))
def test_a_valid_file_is_kept_and_read_back(name: str, tmp_path: Path) -> None:
    spec = inspect_spec(FILES[name]).spec
    assert spec is not None
    run = Run.create(tmp_path, spec, FILES[name], backend="numpy")
    assert Run.open(run.path).spec() == write_out(spec)


SETS = {
    "layers": ["layers=[" + "relu, " * 3000 + "flatten]"],
    "names": [f"layers.relu{n}.name=r{n}" for n in range(1, 30)],
}


@pytest.mark.parametrize(
    "overrides", [SETS["names"], pytest.param(SETS["layers"], marks=pytest.mark.slow)]
)
def test_what_set_makes_is_kept_and_read_back(overrides: list[str], tmp_path: Path) -> None:
    text = FILES["3,000 bare relus"]
    spec = parse_spec(text, overrides=overrides)
    run = Run.create(tmp_path, spec, text, backend="numpy", overrides=overrides)
    assert Run.open(run.path).spec() == write_out(spec)


MADE = {
    "layers": ModelSpec(input=(1, 1, 1), layers=[*[ReLU()] * (MOST_LAYERS - 1), Flatten()]),
    "convs": ModelSpec(
        input=(4, 1, 1), layers=[*[Conv(out_channels=4, kernel_size=1)] * 3000, Flatten()]
    ),
    "numbers": ModelSpec(
        input=(MAX_LIST, 1, 1),
        layers=[Flatten()],
        data=NPZ(path="a", normalize=Normalize(mean=[1e-300 / 3] * MAX_LIST, std=[0.1] * MAX_LIST)),
    ),
    "a path": ModelSpec(input=(1, 1, 1), layers=[Flatten()], data=NPZ(path="\x7f" * MAX_TEXT)),
    "digits": ModelSpec(
        input=(1, 1, 1), layers=[Flatten()], training=Training(seed=10**MAX_DIGITS - 1)
    ),
}


@pytest.mark.parametrize("name", quick_first(MADE))
def test_what_is_made_in_python_is_kept_and_read_back(name: str, tmp_path: Path) -> None:
    resolve(MADE[name])
    run = Run.create(tmp_path, MADE[name], "", backend="numpy")
    assert Run.open(run.path).spec() == write_out(MADE[name])


def test_more_layers_than_that_are_refused_by_all() -> None:
    text = "input: [1, 1, 1]\nlayers: [" + "relu," * MOST_LAYERS + "flatten]\n"
    (problem,) = inspect_spec(text).diagnostics
    assert problem.code == "too-many-layers"
    assert problem.message == "the network has 10,001 layers; the limit is 10,000"
    with pytest.raises(SpecError, match="too-many-layers"):
        resolve(ModelSpec(input=(1, 1, 1), layers=[*[ReLU()] * MOST_LAYERS, Flatten()]))
    with pytest.raises(ValidationError):
        Limits(layers=MOST_LAYERS + 1)
    few = "input: [1, 1, 1]\nlayers: [relu, flatten]\nlimits: {layers: 1}\n"
    (problem,) = inspect_spec(few).diagnostics
    assert problem.help == "make the network smaller, or lift the limit with `limits: {layers: 2}`"


TOO_LONG = {
    "digits": lambda: Training(seed=10**MAX_DIGITS),
    "digits of a pair": lambda: Pool(kernel_size=1, stride=(1, 10**MAX_DIGITS)),
    "text": lambda: NPZ(path="a" * (MAX_TEXT + 1)),
    "numbers": lambda: Normalize(mean=[0.5] * (MAX_LIST + 1), std=[0.5] * (MAX_LIST + 1)),
}


@pytest.mark.parametrize("make", TOO_LONG.values(), ids=TOO_LONG)
def test_what_no_file_holds_cannot_be_made(make: Any) -> None:
    with pytest.raises(ValidationError, match="has more than"):
        make()


# Whatever the kind, 10,000 of its longest layers are within what is read back.


def longest(annotation: Any) -> Any:
    """Return the value of an option that takes the most room in a file."""
    parts = list(leaves(annotation))
    if str in parts and int not in parts:
        return "a" * 100
    if int in parts:
        return (10**MAX_DIGITS - 1,) * 2
    if float in parts:
        return -1.2345678901234567e-300
    return False


def leaves(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from leaves(part)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_longest_layers_are_within_the_bounds(kind: type[Layer]) -> None:
    length, values = size_of(longest_layer(kind))
    assert length > 100
    assert MOST_LAYERS * length + ROOM < RESOLVED.bytes
    assert MOST_LAYERS * values + 4 * MAX_LIST < RESOLVED.values


def longest_layer(kind: type[Layer]) -> Any:
    options = {name: longest(field.annotation) for name, field in kind.model_fields.items()}
    return kind.model_construct(**options)


def size_of(entry: Any) -> tuple[int, int]:
    """Return the bytes and the values that an entry takes in a spec."""
    spec = ModelSpec.model_construct(input=(1, 1, 1), layers=(entry,), name="m" * 100)
    bare = ModelSpec.model_construct(input=(1, 1, 1), layers=(), name="m" * 100)
    length = len(dump_spec(spec, defaults=True)) - len(dump_spec(bare, defaults=True))
    values = nodes(spec_node(spec, defaults=True)) - nodes(spec_node(bare, defaults=True))
    return length, values


def test_blocks_around_the_longest_layers_are_within_the_bounds() -> None:
    """A block has a layer at least, so that no more than so many stand around each."""
    longest_of_all = max(map(longest_layer, KINDS.values()), key=size_of)
    repeats = longest_of_all
    for _ in range(MOST_NESTED):
        repeats = Repeat(name="a" * 100, times=1, layers=[repeats])
    paths = Parallel(name="a" * 100, paths=[[]] * MOST_PATHS)  # it comes to a join alone
    for entry in (repeats, paths):
        length, values = size_of(entry)
        assert MOST_LAYERS * length + ROOM < RESOLVED.bytes
        assert MOST_LAYERS * values + 4 * MAX_LIST < RESOLVED.values


ROOM = 2 * 30 * MAX_LIST + 5 * 10 * MAX_TEXT + 100_000
"""Bytes of all that is no layer: two lists of numbers, five texts of escapes, and the rest."""


def nodes(node: Any) -> int:
    """Count what the reader counts: every key, every value, every collection."""
    if not isinstance(node, Collection):
        return 1
    keys = sum(entry.key is not None for entry in node.entries)
    return 1 + keys + sum(nodes(entry.value) for entry in node.entries)


def test_no_section_has_a_list_or_a_text_that_is_not_counted() -> None:
    """ROOM knows of five texts and two lists beside the layers; a new one needs more."""
    long = []
    sections: list[type[BaseModel]] = [Training, Limits, Normalize]
    sections += [kind for kinds in KINDS_AT.values() for kind in kinds.values()]
    for section in sections:
        for name, field in section.model_fields.items():
            parts = list(leaves(field.annotation))
            if str in parts or Ellipsis in parts:
                long.append(f"{section.__name__}.{name}")
    names = ("path", "images", "labels", "test_images", "test_labels")
    assert long == ["Normalize.mean", "Normalize.std", *(f"NPZ.{name}" for name in names)]
