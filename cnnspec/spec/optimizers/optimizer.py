"""What every optimizer states about itself."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.kind_words import Words
from cnnspec.spec.numbers import NonNegative
from cnnspec.spec.section import Kind


class Optimizer(Kind):
    """Base of every kind of optimizer."""

    words: ClassVar[Words] = Words(
        options={"learning_rate": "lr"}, guesses={"learning_rate": "rate", "weight_decay": "l2"}
    )
    counts_steps: ClassVar[bool] = False
    """Whether an update depends on how many there were before."""

    learning_rate: NonNegative
    """Step size."""

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter, by torch's names."""
        return ()
