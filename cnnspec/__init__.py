"""One CNN spec, independent implementations of it, and a referee.

Importing cnnspec imports neither numpy nor torch: each public name is imported when it
is first used (PEP 562). Public is what a user calls, makes or catches, and the records
that those functions return where they are worth a name of their own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing has it too, and takes a while to import
if TYPE_CHECKING:
    from typing import Any

    from cnnspec.backends import build as build
    from cnnspec.backends.network import Batch as Batch
    from cnnspec.backends.network import Network as Network
    from cnnspec.compare import BackendChoice as BackendChoice
    from cnnspec.compare import Verdict as Verdict
    from cnnspec.compare import compare_backends as compare_backends
    from cnnspec.compare import plain_network as plain_network
    from cnnspec.data import Dataset as Dataset
    from cnnspec.data import Split as Split
    from cnnspec.data import load_data as load_data
    from cnnspec.errors import BackendError as BackendError
    from cnnspec.errors import CnnspecError as CnnspecError
    from cnnspec.errors import ComparisonError as ComparisonError
    from cnnspec.errors import DataError as DataError
    from cnnspec.errors import DataWarning as DataWarning
    from cnnspec.errors import MissingDataError as MissingDataError
    from cnnspec.errors import MissingExtraError as MissingExtraError
    from cnnspec.errors import RunError as RunError
    from cnnspec.errors import ShapeError as ShapeError
    from cnnspec.errors import SpecError as SpecError
    from cnnspec.errors import StateError as StateError
    from cnnspec.errors import TrainingError as TrainingError
    from cnnspec.initial import initial_weights as initial_weights
    from cnnspec.plan import Plan as Plan
    from cnnspec.plan import resolve as resolve
    from cnnspec.shipped import shipped_specs as shipped_specs
    from cnnspec.spec import MNIST as MNIST
    from cnnspec.spec import NPZ as NPZ
    from cnnspec.spec import Diagnostic as Diagnostic
    from cnnspec.spec import Digits as Digits
    from cnnspec.spec import FashionMNIST as FashionMNIST
    from cnnspec.spec import Inspection as Inspection
    from cnnspec.spec import Limits as Limits
    from cnnspec.spec import ModelSpec as ModelSpec
    from cnnspec.spec import Normalize as Normalize
    from cnnspec.spec import Training as Training
    from cnnspec.spec import dump_spec as dump_spec
    from cnnspec.spec import inspect_spec as inspect_spec
    from cnnspec.spec import load_spec as load_spec
    from cnnspec.spec import parse_spec as parse_spec
    from cnnspec.spec.composites import *  # noqa: F403
    from cnnspec.spec.initializations import *  # noqa: F403
    from cnnspec.spec.layers import *  # noqa: F403
    from cnnspec.spec.optimizers import *  # noqa: F403
    from cnnspec.trace import LayerTrace as LayerTrace
    from cnnspec.trace import LossTrace as LossTrace
    from cnnspec.trace import Trace as Trace
    from cnnspec.training import evaluate as evaluate
    from cnnspec.training import train as train

_HOMES = {
    "cnnspec.backends": ["build"],
    "cnnspec.backends.network": ["Batch", "Network"],
    "cnnspec.compare": ["BackendChoice", "Verdict", "compare_backends", "plain_network"],
    "cnnspec.data": ["Dataset", "Split", "load_data"],
    "cnnspec.errors": [
        "BackendError",
        "CnnspecError",
        "ComparisonError",
        "DataError",
        "DataWarning",
        "MissingDataError",
        "MissingExtraError",
        "RunError",
        "ShapeError",
        "SpecError",
        "StateError",
        "TrainingError",
    ],
    "cnnspec.initial": ["initial_weights"],
    "cnnspec.plan": ["Plan", "resolve"],
    "cnnspec.shipped": ["shipped_specs"],
    "cnnspec.spec": [
        "MNIST",
        "NPZ",
        "Diagnostic",
        "Digits",
        "FashionMNIST",
        "Inspection",
        "Limits",
        "ModelSpec",
        "Normalize",
        "Training",
        "dump_spec",
        "inspect_spec",
        "load_spec",
        "parse_spec",
    ],
    "cnnspec.trace": ["LayerTrace", "LossTrace", "Trace"],
    "cnnspec.training": ["evaluate", "train"],
}

_HOME = {name: home for home, names in _HOMES.items() for name in names}

_KINDS = "cnnspec.spec.public"
"""Where the kinds are, all that a spec may name: no list of names here has them."""


def __getattr__(name: str) -> Any:
    import importlib

    def kinds() -> dict[str, Any]:
        found: dict[str, Any] = importlib.import_module(_KINDS).KINDS
        return found

    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name == "__all__":
        value = sorted([*_HOME, *kinds()])
    elif name[:1].isupper() and name in kinds():
        value = kinds()[name]
    else:
        raise AttributeError(f"module 'cnnspec' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__getattr__("__all__")]
