"""What every optimizer states about itself."""

from __future__ import annotations

from cnnspec.spec.numbers import NonNegative
from cnnspec.spec.section import Kind


class Optimizer(Kind):
    """Base of every kind of optimizer."""

    learning_rate: NonNegative
    """Step size."""

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter, by torch's names."""
        return ()
