"""The referee: whether two implementations of a spec are the same function."""

from cnnspec.compare.referee import compare_backends, compare_parties
from cnnspec.compare.sides.party import Party, parse_party
from cnnspec.compare.sides.plain import plain_network
from cnnspec.compare.verdict import Comparison, Coverage, Finding, NotCompared, Trajectory, Verdict

__all__ = [
    "Comparison",
    "Coverage",
    "Finding",
    "NotCompared",
    "Party",
    "Trajectory",
    "Verdict",
    "compare_backends",
    "compare_parties",
    "parse_party",
    "plain_network",
]
