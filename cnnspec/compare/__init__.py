"""The referee: whether two implementations of a spec are the same function."""

from cnnspec.compare.referee import compare_backends
from cnnspec.compare.verdict import Divergence, Lockstep, NotCompared, Quantity, Verdict

__all__ = ["Divergence", "Lockstep", "NotCompared", "Quantity", "Verdict", "compare_backends"]
