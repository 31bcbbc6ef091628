"""The referee: whether two implementations of a spec are the same function."""

from cnnspec.compare.referee import compare_backends, compare_choices
from cnnspec.compare.sides.choice import BackendChoice, parse_backend
from cnnspec.compare.sides.plain import plain_network
from cnnspec.compare.verdict import Comparison, Coverage, Finding, NotCompared, Trajectory, Verdict

__all__ = [
    "BackendChoice",
    "Comparison",
    "Coverage",
    "Finding",
    "NotCompared",
    "Trajectory",
    "Verdict",
    "compare_backends",
    "compare_choices",
    "parse_backend",
    "plain_network",
]
