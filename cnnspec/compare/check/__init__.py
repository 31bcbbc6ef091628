"""check_class(): a layer that somebody wrote by hand, tried in many settings and graded."""

from cnnspec.compare.check.check import KINDS, check_class
from cnnspec.compare.check.records import (
    Checked,
    CheckFinding,
    Grade,
    NotSupported,
    NotTried,
    Shown,
)

__all__ = [
    "KINDS",
    "CheckFinding",
    "Checked",
    "Grade",
    "NotSupported",
    "NotTried",
    "Shown",
    "check_class",
]
