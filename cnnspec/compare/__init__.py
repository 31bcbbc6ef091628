"""The referee: whether two implementations of a spec are the same function."""

from cnnspec.compare.party import Party, parse_party
from cnnspec.compare.plain import plain_network
from cnnspec.compare.referee import compare_backends, compare_parties
from cnnspec.compare.verdict import Coverage, Finding, NotCompared, Quantity, Trajectory, Verdict

__all__ = [
    "Coverage",
    "Finding",
    "NotCompared",
    "Party",
    "Quantity",
    "Trajectory",
    "Verdict",
    "compare_backends",
    "compare_parties",
    "parse_party",
    "plain_network",
]
