"""The same pass again, with others in between: of the same object, and of another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from cnnspec.compare.check.process.reporter import Reporter

Made = TypeVar("Made")


@dataclass(frozen=True)
class Halves:
    """A pass in its two halves, between which something else may run."""

    forward: Callable[[], dict[str, Any]]
    """Each gives arrays by their names."""
    backward: Callable[[], dict[str, Any]]


class Tried(Protocol[Made]):
    """A class in one setting: makes objects, and runs passes of them over batches with names."""

    @property
    def reporter(self) -> Reporter:
        """To which all is told that comes of it."""

    @property
    def key(self) -> str:
        """Of the setting."""

    def made(self, key: str) -> Made | None:
        """Return a new object; None where it cannot be made, which is told under the key."""

    def passes(self, made: Made, name: str, batch: str) -> bool:
        """Run a pass, and tell all that comes of it by a name; return whether it did well."""

    def pass_between(self, made: Made, batch: str) -> None:
        """Run passes of other numbers and of other sizes."""

    def halves(self, made: Made, batch: str, *, is_other: bool = False) -> Halves:
        """Return a pass that has yet to run; that of another object may have other weights."""


def try_afresh(tried: Tried[Made], passed: dict[str, bool]) -> None:
    """Run the first pass that failed again, as the first call of all.

    `passed` tells of each batch whether it did well.
    """
    failed = next((batch for batch, well in passed.items() if not well), None)
    if failed is None or not any(passed.values()):
        return
    fresh = tried.made(f"{tried.key}-fresh")
    if fresh is not None:
        tried.reporter.say(key=tried.key, fresh=failed)
        tried.passes(fresh, "fresh", failed)


def try_again(tried: Tried[Made], passed: dict[str, bool], *, twice: bool = True) -> None:
    """Run a pass of a new object, and then again, with others in between.

    It is the last one that did well, and the first that this object sees: if it is right only
    here, something is kept between calls.
    """
    repeated = next((batch for batch in reversed(passed) if passed[batch]), next(iter(passed)))
    again = tried.made(f"{tried.key}-again")
    if again is None:
        return
    tried.reporter.say(key=tried.key, repeated=repeated)
    tried.passes(again, "first", repeated)
    if twice:
        tried.pass_between(again, repeated)
        tried.passes(again, "second", repeated)


def try_two(tried: Tried[Made], passed: dict[str, bool]) -> None:
    """Run the first pass of one object while another one is between its two passes."""
    key, reporter = tried.key, tried.reporter
    first, *_, last = passed
    if not passed[first]:
        return
    one, other = tried.made(f"{key}-one"), tried.made(f"{key}-other")
    if one is None or other is None:
        return
    at, own = f"{key}-two", tried.halves(one, first)
    found = reporter.attempt(at, "forward", own.forward)
    if found is None:
        return
    of_other = tried.halves(other, last, is_other=True)
    if reporter.attempt(f"{at}-other", "forward", of_other.forward) is None:
        return
    reporter.arrays(at, "forward", found)
    gradients = reporter.attempt(at, "backward", own.backward)
    if gradients is not None:
        reporter.arrays(at, "backward", gradients)
