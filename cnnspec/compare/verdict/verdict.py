"""Verdict: whether two sides are the same function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cnnspec.compare.verdict.comparison import Comparison, Consequence, Coverage, Finding, Kinks
from cnnspec.compare.verdict.trajectory import Trajectory


@dataclass(frozen=True)
class Verdict:
    """Whether two sides are the same function, and how their trainings went."""

    name: str
    backends: tuple[str, str]
    comparisons: tuple[Comparison, ...]
    """In the order of the network; then the loss, then the optimizer."""
    coverage: Coverage
    findings: tuple[Finding, ...]
    """Every quantity that rounding does not explain, but for what follows from another; the first
    first, float64 before others."""
    kinks: tuple[Kinks, ...]
    provenance: Mapping[str, Any]
    """Hashes of the spec and of the data, seed, versions, BLAS and threads."""
    trajectory: Trajectory | None = None
    follows: tuple[Consequence, ...] = ()
    """What is beyond rounding, too, and only follows from findings."""

    @property
    def verdict(self) -> Literal["same", "different"]:
        """`same` where rounding explains every difference and nothing was left out."""
        return "different" if self.first_divergence or not self.coverage.complete else "same"

    @property
    def first_divergence(self) -> Finding | None:
        """The first difference that rounding does not explain; float64 is asked first."""
        in_training = self.trajectory.finding if self.trajectory else None
        return next(iter(self.findings), in_training)
