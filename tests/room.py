"""What a room of tests/kinds/ states: rows that the tests of every kind loop over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cnnspec.spec.optimizers import AnyOptimizer
from tests.cases import Case
from tests.compare.causes.layer_probes import Faulty, Setting
from tests.compare.causes.update_probes import FaultyUpdate, Update


@dataclass(frozen=True)
class LayerRoom:
    """Rows of one kind of layer."""

    cases: Mapping[str, Case]
    """Its settings: each option has another value than its default in one of them."""
    probed: Mapping[str, Setting]
    """On which faults are looked for that any layer may have, by names that begin with its kind."""
    faults: Sequence[tuple[Setting, str, Faulty, str]] = ()
    """Faults of its own: where, in which quantity, what it gives, and the code of the cause."""
    curved: bool = False
    """Whether the output is no straight line along a short step, as of x**2."""
    called: Mapping[str, str] = field(default_factory=dict)
    """Names and calls of it in other tools, and what is written here: `Dropout`, `Dropout(0.2)`."""


@dataclass(frozen=True)
class OptimizerRoom:
    """Rows of one kind of optimizer."""

    cases: Mapping[str, AnyOptimizer]
    """Its settings: each option has another value than its default in one of them."""
    slots: Mapping[str, Sequence[str]]
    """What it keeps of each parameter, in some of its settings."""
    right: Mapping[str, Update]
    """The update in some of its settings, number by number."""
    faults: Mapping[str, FaultyUpdate] = field(default_factory=dict)
    """Updates with one thing wrong."""
