"""What judges a class in one setting, whatever it is checked as."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from cnnspec.compare.check.records import CheckFinding
from cnnspec.trace import Array

AGAIN, TWO = "same-again", "two objects"


class Grader(ABC):
    """What is looked at in one setting."""

    again: ClassVar[str] = AGAIN
    """What is looked at of a call that is made again."""
    name: str
    """Of the setting."""
    first: str
    """The first batch, as the process knows it."""

    @property
    @abstractmethod
    def quantities(self) -> Sequence[str]:
        """What a pass gives."""

    def is_same(
        self, quantity: str, found: Mapping[str, Array], before: Mapping[str, Array]
    ) -> bool:
        """Tell whether the first batch gave the same again."""
        return np.array_equal(found[quantity], before[quantity], equal_nan=True)

    def failed(self, quantity: str, stage: str, message: str) -> CheckFinding:
        """Return what raised, died or did not end, or is no matter of numbers."""
        return CheckFinding(self.name, quantity, False, stage=stage, message=message)

    def unreached_as(self, quantity: str) -> CheckFinding:
        """Return what was not reached of something that is looked at."""
        return CheckFinding(self.name, quantity, False, reached=False)
