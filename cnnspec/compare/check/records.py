"""What a check found: plain records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cnnspec.compare.verdict import Cause


class Grade(StrEnum):
    """What a class is, in a word."""

    RIGHT = "right"
    AS_FAR_AS_TRIED = "right as far as tried"
    WRONG = "wrong"


TAKEN_BY_A_LOSS = ("logits", "probabilities")

Cut = tuple[tuple[float, ...], ...]
"""Rows of numbers."""


@dataclass(frozen=True)
class Shown:
    """What was found around the worst element, and what is right there."""

    probe: str
    """What the class was given: `batch of 7`."""
    position: tuple[int, ...]
    """Of the worst element, in the whole array."""
    corner: tuple[int, int]
    """Row and column of the first number that is shown, along the last two axes."""
    found: Cut
    wanted: Cut


@dataclass(frozen=True)
class CheckFinding:
    """One thing that was looked at in one setting."""

    setting: str
    quantity: str
    """`output`, `grad_input`, `grad_weight`, ...; `own input`, `own grad_output`, `own weights`
    (which a pass must leave as they are); `same-again` (the same call gives the same again).
    Of a layer that draws: `redrawn` (each call drops other numbers), `share` (as many as it
    should), `one by one` (none always with another), `evaluation` (which changes nothing).
    Of an optimizer: `update` (the weights after each step), `own gradients` (left as they are)."""
    ok: bool
    reached: bool = True
    """Whether the code came so far. What was not reached is not ok: a grade counts as many
    findings for code that crashes as for code that does not."""
    stage: str = ""
    """`construct`, `forward`, `backward`, `evaluate` or `update` where this raises, dies or does
    not end."""
    message: str = ""
    """What is wrong, in words, where it is no matter of numbers."""
    cause: Cause | None = None
    max_abs: float | None = None
    budget: float | None = None
    """What rounding explains at the worst element."""
    example: str = ""
    """The worst element: where it stands, what was found, and what is right."""
    shown: Shown | None = None
    """The numbers around that element, where an array of the right shape was found."""
    offered: bool = True
    """Whether the class has the option that the setting is about. What is not offered is neither
    right nor wrong, and counts in the total of points."""

    @property
    def wrong(self) -> bool:
        """Whether it is something that the class offers, and not right."""
        return self.offered and not self.ok


@dataclass(frozen=True)
class NotSupported:
    """A setting that a class is not made for."""

    setting: str
    why: str
    option: str = ""
    """What the class does not offer: an option, `images`, `features`, or empty."""


@dataclass(frozen=True)
class NotTried:
    """Something that a class takes and that nothing was tried of."""

    option: str
    why: str


@dataclass(frozen=True)
class Checked:
    """A class that was tried in every setting that it is made for."""

    candidate: str
    """`file.py:Conv2D`"""
    kind: str
    findings: tuple[CheckFinding, ...]
    """As many for every class that is checked as this kind."""
    not_supported: tuple[NotSupported, ...] = ()
    not_tried: tuple[NotTried, ...] = ()
    notes: tuple[str, ...] = ()
    output: str = ""
    """What the file printed, its end."""
    lines_printed: int = 0
    """How many lines that was in all."""
    loaded: bool = True
    """Whether the file could be loaded, and has such a class."""
    error: str = ""
    """Why nothing is graded: it cannot be loaded, cannot be made, or more must be said."""

    @property
    def passed(self) -> int:
        """How many findings are right."""
        return sum(finding.ok for finding in self.findings)

    @property
    def not_offered(self) -> int:
        """How many findings are about what the class does not offer."""
        return sum(not finding.offered for finding in self.findings)

    @property
    def wrong(self) -> bool:
        """Whether anything that the class offers is wrong, or was not reached."""
        return any(finding.wrong for finding in self.findings)

    @property
    def grade(self) -> Grade | None:
        """What the class is; None where nothing could be tried."""
        if self.error:
            return None
        if self.wrong:
            return Grade.WRONG
        return Grade.AS_FAR_AS_TRIED if self.not_tried else Grade.RIGHT

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.grade in (Grade.RIGHT, Grade.AS_FAR_AS_TRIED)
