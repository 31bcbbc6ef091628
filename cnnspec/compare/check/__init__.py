"""check_class(): a layer that somebody wrote by hand, tried in many settings and graded."""

from cnnspec.compare.check.check import KINDS, check_class
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported, NotTriedError

__all__ = ["KINDS", "CheckFinding", "Checked", "NotSupported", "NotTriedError", "check_class"]
