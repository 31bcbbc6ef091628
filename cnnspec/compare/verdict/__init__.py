"""What a comparison says: all that there is to compare, what was found, what was left out."""

from cnnspec.compare.verdict.comparison import (
    Cause,
    Comparison,
    Consequence,
    Coverage,
    Finding,
    Kinks,
    NotCompared,
    Question,
    RuleName,
)
from cnnspec.compare.verdict.trajectory import Envelope, Jump, Trajectory, TrajectoryStep, Turned
from cnnspec.compare.verdict.verdict import Verdict

__all__ = [
    "Cause",
    "Comparison",
    "Consequence",
    "Coverage",
    "Envelope",
    "Finding",
    "Jump",
    "Kinks",
    "NotCompared",
    "Question",
    "RuleName",
    "Trajectory",
    "TrajectoryStep",
    "Turned",
    "Verdict",
]
