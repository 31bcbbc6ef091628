"""A kind has a room on every side, and nothing outside its rooms names it.

To name a kind is to have a literal that is its word, to import a room of it, or to import or
take its class, as for an `isinstance`. What one place must know of a kind elsewhere, it asks of
the kind. A room may name its own kind, and no other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.layers import JOINS, KINDS
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.section import Kind

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cnnspec"

COMPUTED: dict[str, type[Kind]] = {**KINDS, **JOINS, **LOSSES, **OPTIMIZERS}
"""What a backend computes, and the referee judges."""
ALL: dict[str, type[Kind]] = {**COMPUTED, **INITIALIZATIONS}
NAMED: dict[str, type[Kind]] = {**ALL, **COMPOSITES}
"""Blocks, too, which have no room of their own in the tests."""
CLASSES = {kind.__name__: word for word, kind in NAMED.items()}

TABLES = {
    "spec/layers/__init__.py",
    "spec/composites/__init__.py",
    "spec/losses/__init__.py",
    "spec/optimizers/__init__.py",
    "spec/initializations/__init__.py",
    "backends/loops/__init__.py",
    "backends/numpy/__init__.py",
    "backends/torch/kinds.py",
    "compare/kinds/__init__.py",
    "compare/planted/__init__.py",
}
"""One a side: where a kind has its row."""

EXCEPTED = {
    "compare/planted/random_specs.py": "random trees: images flattened, and logits at the end",
    "starter.py": "the networks that `cnnspec init` writes",
}

SIDES: dict[str, Mapping[str, type[Kind]]] = {
    "cnnspec/spec/layers": KINDS | JOINS,
    "cnnspec/spec/composites": COMPOSITES,
    "cnnspec/spec/losses": LOSSES,
    "cnnspec/spec/optimizers": OPTIMIZERS,
    "cnnspec/spec/initializations": INITIALIZATIONS,
    "cnnspec/backends/loops": COMPUTED,
    "cnnspec/backends/numpy": COMPUTED,
    "cnnspec/backends/torch": COMPUTED,
    "cnnspec/compare/kinds": COMPUTED,
    "cnnspec/compare/planted": COMPUTED | COMPOSITES,
    "tests/kinds": ALL,
}
"""By folder: the kinds that have a room in it, once it is there."""


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


MODULES = sorted(map(place, PACKAGE.rglob("*.py")))


def named(source: str) -> Iterator[tuple[str, int]]:
    """Yield each kind that a module names, and the line."""
    tree = ast.parse(source)
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    own = {"cnnspec"}  # and what is imported from it
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module, name in _imported(node):
                own.add(name)
                yield from ((word, node.lineno) for word in _kinds_of(module, name))
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if text in NAMED and id(node) not in texts:
                yield text, node.lineno
            case ast.Attribute(value=owner, attr=name) if name in CLASSES:
                if ast.unparse(owner).split(".")[0] in own:
                    yield CLASSES[name], node.lineno


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield each module of the package, and the name, that is imported."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            module, name = alias.name, ""
        else:
            module, name = node.module or "", alias.name
        if module.split(".")[0] == "cnnspec":
            yield module, name


def _kinds_of(module: str, name: str) -> set[str]:
    """Return the kinds whose room or class an import names."""
    words = {module.split(".")[-1], name, CLASSES.get(name, name)}
    return words & NAMED.keys()


def values_of(kind: str) -> set[str]:
    """Return the words that options of a kind may have as a value."""
    fields = NAMED[kind].model_fields.values()
    return {word for field in fields for word in get_args(field.annotation) if word in NAMED}


@cache
def breaks(module: str) -> tuple[str, ...]:
    """Say where a module names a kind that it has no business with."""
    path = PACKAGE / module
    found = sorted({*named(path.read_text())}, key=lambda each: each[1])
    own = {*Path(module).with_suffix("").parts}  # a room may be a folder
    own |= {value for kind in own & NAMED.keys() for value in values_of(kind)}
    if "composites" in own:
        own |= JOINS.keys()  # what blocks come to
    return tuple(f"{module}:{line} names `{word}`" for word, line in found if word not in own)


@pytest.mark.parametrize("module", [each for each in MODULES if each not in {*TABLES, *EXCEPTED}])
def test_nothing_outside_its_rooms_names_a_kind(module: str) -> None:
    assert not breaks(module), "ask it of the kind, as something that the kind states"


@pytest.mark.parametrize("module", sorted({*TABLES, *EXCEPTED}))
def test_what_is_excepted_names_kinds(module: str) -> None:
    """So that the lists above can only shrink."""
    assert module in MODULES, "it is gone: take it out of the list"
    assert breaks(module), "it names no kind any more: take it out of the list"


def rooms_missing() -> set[str]:
    return {
        f"{side}/{kind}.py"
        for side, kinds in SIDES.items()
        if (ROOT / side).is_dir()
        for kind in kinds
        if not (ROOT / side / f"{kind}.py").is_file()
        and not (ROOT / side / kind / "__init__.py").is_file()
    }


def test_every_kind_has_a_room_on_every_side() -> None:
    assert sorted(rooms_missing()) == [], "write these rooms"


@pytest.mark.parametrize(
    ("table", "folder"),
    [
        ("backends.loops", "backends/loops"),
        ("backends.numpy", "backends/numpy"),
        pytest.param("backends.torch.kinds", "backends/torch", marks=pytest.mark.torch),
        ("compare.kinds", "compare/kinds"),
        ("compare.planted", "compare/planted"),
    ],
)
def test_every_room_has_a_row(table: str, folder: str) -> None:
    tables = import_module(f"cnnspec.{table}")
    rows = {*tables.LAYERS, *tables.LOSSES, *tables.OPTIMIZERS}
    rows |= getattr(tables, "BLOCKS", {}).keys()
    kinds = COMPUTED | COMPOSITES
    assert rows == {path.stem for path in (PACKAGE / folder).iterdir()} & kinds.keys()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("if layer.kind == 'conv': ...", ["conv"]),
        ("match kind:\n    case 'pool': ...", ["pool"]),
        ("ROWS = {'adam': 2}", ["adam"]),
        ("from cnnspec.spec.layers import Conv", ["conv"]),
        ("from cnnspec.spec import SGD as Plain", ["sgd"]),
        ("from cnnspec.spec.layers.relu import ReLU", ["relu"]),
        ("from cnnspec.backends.numpy import pool", ["pool"]),
        ("from cnnspec.backends.numpy.conv import taps", ["conv"]),
        ("import cnnspec.backends.loops.linear", ["linear"]),
        ("from cnnspec import spec\nisinstance(layer, spec.Normal)", ["normal"]),
        ("import cnnspec\ncnnspec.Adam()", ["adam"]),
        ("'''conv'''\ndef f():\n    'relu'", []),
        ("help = 'put `- flatten` before it'", []),
        ("from cnnspec.spec.layers import KINDS, Layer", []),
        ("import torch\ntorch.nn.Linear, random.Normal", []),
    ],
)
def test_what_it_is_to_name_a_kind(source: str, words: list[str]) -> None:
    assert sorted({word for word, _ in named(source)}) == words


def test_a_room_may_name_its_own_kind_alone() -> None:
    assert "linear" in {
        word for word, _ in named((PACKAGE / "backends/numpy/linear.py").read_text())
    }
    assert not breaks("backends/numpy/linear.py")
