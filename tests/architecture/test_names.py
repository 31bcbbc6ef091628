"""The public names, and what importing them costs."""

import ast
import importlib
import subprocess
import sys
import typing
from pathlib import Path

import cnnspec
from cnnspec.spec.composites import AnyEntry
from cnnspec.spec.data import AnyData, DataSource
from cnnspec.spec.initializations import AnyInitialization, Initialization
from cnnspec.spec.layers import AnyLayer, Join, Layer
from cnnspec.spec.optimizers import AnyOptimizer, Optimizer
from cnnspec.spec.section import Kind

PUBLIC = """
    BackendChoice BackendError Batch CnnspecError ComparisonError DataError DataWarning Dataset
    Diagnostic Digits FashionMNIST Inspection LayerTrace Limits LossTrace MNIST MissingDataError
    MissingExtraError ModelSpec NPZ Network Normalize Plan RunError ShapeError SpecError Split
    StateError Trace Training TrainingError Verdict build compare_backends dump_spec evaluate
    initial_weights inspect_spec load_data load_spec parse_spec plain_network resolve shipped_specs
    train
"""
"""All but the kinds, which are public as they are in their tables."""


def test_public_names() -> None:
    unions = [AnyEntry, AnyOptimizer, AnyInitialization]
    kinds = [kind for union in unions for kind in tags(union).values()]
    assert cnnspec.__all__ == sorted([*PUBLIC.split(), *(kind.__name__ for kind in kinds)])
    for name in cnnspec.__all__:
        assert getattr(cnnspec, name).__doc__, f"{name} lacks a docstring"
    for kind in kinds:
        assert getattr(cnnspec, kind.__name__) is kind
    assert dir(cnnspec) == cnnspec.__all__


def test_a_star_imports_every_public_name() -> None:
    names: dict[str, object] = {}
    exec("from cnnspec import *", names)
    assert sorted(names.keys() - {"__builtins__"}) == cnnspec.__all__


def test_names_for_type_checkers_are_the_names_at_run_time() -> None:
    source = sys.modules["cnnspec"].__spec__.origin
    assert source
    with open(source) as file:  # noqa: PTH123
        lines = file.read().splitlines()
    typed = [line.split() for line in lines if line.startswith("    from cnnspec")]
    names = {line[-1] for line in typed if "as" in line}
    for home in (line[1] for line in typed if "*" in line):
        tree = ast.parse(Path(importlib.import_module(home).__file__ or "").read_text())
        imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        # Of a star, type checkers take what is imported `as` itself.
        names |= {part.asname for node in imported for part in node.names if part.asname}
    assert names >= {*cnnspec.__all__}


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(cnnspec, "no_such_name")


def test_import_is_light() -> None:
    code = "import sys, cnnspec; print({'numpy', 'torch', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def tags(union: object) -> dict[str, type[Kind]]:
    found = {}
    for part in typing.get_args(typing.get_args(union)[0]):
        kind, tag = typing.get_args(part)
        found[tag.tag] = kind
    return found


def test_unions_hold_every_kind_under_its_keyword() -> None:
    unions = [AnyLayer, AnyOptimizer, AnyInitialization, AnyData]
    for union in unions:
        for tag, kind in tags(union).items():
            assert kind.keyword == tag
    assert set(tags(AnyLayer).values()) == set(Layer.__subclasses__()) - {Join}
    assert set(tags(AnyOptimizer).values()) == set(Optimizer.__subclasses__())
    assert set(tags(AnyInitialization).values()) == set(Initialization.__subclasses__())
    assert set(tags(AnyData).values()) == set(DataSource.__subclasses__())
