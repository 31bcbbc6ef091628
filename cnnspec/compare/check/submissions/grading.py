"""Grading every submission of a folder, several at a time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from cnnspec.compare.check import Checked, check_class
from cnnspec.compare.check.submissions.assignment import Assignment, Exercise
from cnnspec.compare.check.submissions.classes import Found, find_class
from cnnspec.compare.check.submissions.content import code_of, content_of
from cnnspec.compare.check.submissions.folder import Submission, read_folder
from cnnspec.compare.check.submissions.kept import Kept, key_of
from cnnspec.compare.check.submissions.records import GradedClass, GradedLayer, GradedSubmission
from cnnspec.environment import processors
from cnnspec.errors import CnnspecError

Progress = Callable[[int, int, str], None]
"""Called as classes are graded: how many are, of how many, and whose comes now."""


class TimeLimits(NamedTuple):
    """Seconds that a class may take."""

    setting: float = 10.0
    loading: float = 60.0


USUAL = TimeLimits()

CHANGED = "its files were changed while it was graded: by its own code, or by somebody else's"


class _StoppedError(Exception):
    """Nobody waits for the grade any more."""


def grade_class(
    folder: Path,
    assignment: Assignment,
    *,
    kept: Kept,
    limits: TimeLimits = USUAL,
    on_progress: Progress = lambda done, total, what: None,
) -> GradedClass:
    """Grade every submission of a folder, as many at a time as there are cores.

    What was graded before, and has not changed since, is taken from `kept`, which learns the rest;
    whoever calls writes it, once none of the students' code runs any more.

    Raises:
        BackendError: the folder cannot be read, or holds no submission.
    """
    there = read_folder(folder, assignment)
    code = {each.name: code_of(each) for each in there.submissions}
    run = _Run(assignment, kept, limits)
    layers = run.all(there.submissions, on_progress)
    graded = []
    for each in there.submissions:
        own = tuple(layers[each.name, exercise.label] for exercise in assignment.exercises)
        changed = code_of(each) != code[each.name]
        if changed:
            kept.forget(run.keys[each.name])
        graded.append(GradedSubmission(each, own, CHANGED if changed else ""))
    return GradedClass(assignment, tuple(graded), there.passed_over)


class _Run:
    """One go over a folder."""

    def __init__(self, assignment: Assignment, kept: Kept, limits: TimeLimits) -> None:
        self._exercises = assignment.exercises
        self._kept, self._limits = kept, limits
        self._stopped = threading.Event()
        self.keys: dict[str, list[str]] = defaultdict(list)
        """Under which the grades of each submission are kept."""

    def all(
        self, submissions: Sequence[Submission], on_progress: Progress
    ) -> dict[tuple[str, str], GradedLayer]:
        """Grade every class of every submission."""
        graded: dict[tuple[str, str], GradedLayer] = {}
        # Before any code runs, which might change what others handed in.
        contents = {each.name: content_of(each) for each in submissions}
        with ThreadPoolExecutor(processors()) as pool:
            futures: dict[Future[GradedLayer], tuple[str, str]] = {}
            for each in submissions:
                for exercise in self._exercises:
                    future = pool.submit(self._one, each, exercise, contents[each.name])
                    futures[future] = each.name, exercise.label
            try:
                for done, future in enumerate(as_completed(futures)):
                    name, label = futures[future]
                    graded[name, label] = future.result()
                    on_progress(done, len(futures), f"{name}, {label}")
            except BaseException:
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return graded

    def _one(self, submission: Submission, exercise: Exercise, content: str) -> GradedLayer:
        found = find_class(submission, exercise)
        if found.file is None:
            return GradedLayer(exercise, problem=found.problem)
        file = submission.within(found.file)
        key = key_of(content, file, found.name, exercise, self._limits)
        checked = self._kept.get(key)
        if checked is None:
            try:
                checked = self._check(found, exercise)
            except CnnspecError as error:
                return GradedLayer(exercise, file, problem=str(error))
            except _StoppedError:
                raise
            except Exception as error:  # the others are graded all the same
                why = f"an error of cnnspec's own, not of the code: {type(error).__name__}: {error}"
                return GradedLayer(exercise, file, problem=why)
            self._kept.learn(key, checked)
            self.keys[submission.name].append(key)
        return GradedLayer(exercise, file, checked, checked.error)

    def _check(self, found: Found, exercise: Exercise) -> Checked:
        def stop_if_asked(done: int, total: int, what: str) -> None:
            if self._stopped.is_set():
                raise _StoppedError

        return check_class(
            found.candidate,
            exercise.kind,
            like=exercise.like,
            of=exercise.of,
            names=exercise.names,
            arguments=exercise.arguments,
            layout=exercise.layout,
            require=exercise.require,
            time_limit=self._limits.setting,
            import_limit=self._limits.loading,
            on_progress=stop_if_asked,
        )
