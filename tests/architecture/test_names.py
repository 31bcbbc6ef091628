"""The public names, and what importing them costs."""

import subprocess
import sys
import typing

import cnnspec
from cnnspec.spec.data import AnyData, DataSource
from cnnspec.spec.initializations import AnyInitialization, Initialization
from cnnspec.spec.layers import AnyLayer, Join, Layer
from cnnspec.spec.optimizers import AnyOptimizer, Optimizer
from cnnspec.spec.section import Kind

PUBLIC = """
    Adam BackendError Batch BatchNorm CnnspecError ComparisonError Conv DataError DataWarning
    Dataset Diagnostic Digits FashionMNIST Flatten Inspection LayerTrace Limits Linear LossTrace
    MNIST MissingDataError MissingExtraError ModelSpec NPZ Network Normal Normalize Parallel
    Party Plan Pool ReLU Repeat Residual RunError SGD ShapeError SpecError Split StateError
    TorchDefault Trace Training TrainingError Verdict build compare_backends dump_spec evaluate
    initial_weights inspect_spec load_data load_spec parse_spec plain_network resolve
    shipped_specs train
"""


def test_public_names() -> None:
    assert cnnspec.__all__ == sorted(PUBLIC.split())
    for name in cnnspec.__all__:
        assert getattr(cnnspec, name).__doc__, f"{name} lacks a docstring"


def test_names_for_type_checkers_are_the_names_at_run_time() -> None:
    source = sys.modules["cnnspec"].__spec__.origin
    assert source
    with open(source) as file:  # noqa: PTH123
        lines = file.read().splitlines()
    typed = [line.split(" as ")[1] for line in lines if line.startswith("    from cnnspec")]
    assert sorted(typed) == cnnspec.__all__


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
