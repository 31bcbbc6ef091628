"""What became of a class of students: plain records."""

from __future__ import annotations

from dataclasses import dataclass

from cnnspec.compare.check import Checked, Grade
from cnnspec.compare.check.submissions.assignment import Assignment, Exercise
from cnnspec.compare.check.submissions.folder import PassedOver, Submission


@dataclass(frozen=True)
class GradedLayer:
    """One class of one student."""

    exercise: Exercise
    file: str = ""
    """As the student calls it; empty where no class was found."""
    checked: Checked | None = None
    problem: str = ""
    """Why there is no grade."""

    @property
    def grade(self) -> Grade | None:
        """What the class is; None where it is not graded."""
        return None if self.problem or self.checked is None else self.checked.grade

    @property
    def points(self) -> float | None:
        """The share of its points that is right, of what the class offers; None: no grade."""
        if self.grade is None or self.checked is None:
            return None
        offered = [finding for finding in self.checked.findings if finding.offered]
        right = sum(finding.ok for finding in offered)
        return self.exercise.points * right / max(1, len(offered))

    @property
    def fails(self) -> bool:
        """Whether it is wrong, or not tried as far as the exercise wants it."""
        strict = self.exercise.strict and self.grade is Grade.AS_FAR_AS_TRIED
        return self.grade is Grade.WRONG or strict


@dataclass(frozen=True)
class GradedSubmission:
    """Everything that one student handed in."""

    submission: Submission
    layers: tuple[GradedLayer, ...]
    note: str = ""

    @property
    def name(self) -> str:
        """The student."""
        return self.submission.name

    @property
    def points(self) -> float:
        """The sum over what is graded."""
        return sum(layer.points or 0 for layer in self.layers)

    @property
    def total(self) -> float:
        """What can be reached."""
        return sum(layer.exercise.points for layer in self.layers)

    @property
    def grade(self) -> Grade | None:
        """The worst of all; None where something is not graded."""
        grades = [layer.grade for layer in self.layers]
        if None in grades:
            return None
        return next(
            grade for grade in (Grade.WRONG, Grade.AS_FAR_AS_TRIED, Grade.RIGHT) if grade in grades
        )


@dataclass(frozen=True)
class GradedClass:
    """Everybody's grades."""

    assignment: Assignment
    submissions: tuple[GradedSubmission, ...]
    passed_over: tuple[PassedOver, ...] = ()
