"""check_class(): a layer that somebody wrote by hand, tried in many settings and graded.

`process/` runs it in a process of its own, `trial/` is what is done with it there, `grading/` holds
what it gave against the textbook; `submissions/` does all that for a class of students.
"""

from cnnspec.compare.check.check import KINDS, check_class
from cnnspec.compare.check.records import (
    TAKEN_BY_A_LOSS,
    Checked,
    CheckFinding,
    Grade,
    NotSupported,
    NotTried,
    Shown,
)

__all__ = [
    "KINDS",
    "TAKEN_BY_A_LOSS",
    "CheckFinding",
    "Checked",
    "Grade",
    "NotSupported",
    "NotTried",
    "Shown",
    "check_class",
]
