"""`cnnspec check FOLDER`: a class of students."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from cnnspec.cli import interrupt
from cnnspec.cli.exit_codes import BAD_INPUT, DIFFERENT

if TYPE_CHECKING:
    from cnnspec.compare.check.submissions.records import GradedClass

EXAMPLE = """\
layers:
  - conv: {class: Conv2D, points: 10}
  - relu: {class: ReLU, points: 5}
"""


def is_folder(candidate: str) -> bool:
    """Tell whether a folder of submissions is named, and no class of a file."""
    return Path(candidate).is_dir() or (":" not in candidate and candidate.endswith(("/", "\\")))


def check_folder(
    folder: str,
    assignment: str | None,
    csv_file: str | None,
    html: str | None,
    fresh: bool,
    limits: tuple[float, float],
    as_json: bool,
) -> int:
    """Grade every submission of a folder; return the exit code."""
    if not Path(folder).is_dir():
        raise click.UsageError(f"there is no folder `{folder}`")
    if assignment is None:
        raise click.UsageError(
            "a folder of submissions is graded by an assignment: --assignment FILE. It says what "
            f"is asked for, as in:\n\n{EXAMPLE}\n"
            "`cnnspec init --assignment assignment.yaml` writes one to start from"
        )
    from cnnspec.cli.activity import parts
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document, say
    from cnnspec.cli.specs import check_writable, write_text
    from cnnspec.compare.check.submissions.grading import TimeLimits, grade_class
    from cnnspec.compare.check.submissions.kept import Kept, kept_for
    from cnnspec.compare.check.submissions.reading import load_assignment
    from cnnspec.report.submissions.document import class_csv, class_document
    from cnnspec.report.submissions.pages import class_pages
    from cnnspec.report.submissions.table import render_class

    asked = load_assignment(assignment)
    if Path(assignment).resolve().parent == Path(folder).resolve():  # it is no submission
        asked = replace(asked, ignore=(*asked.ignore, Path(assignment).name))
    if csv_file:
        check_writable(csv_file)
    if html:
        _make_folder(html, Path(folder))
    kept = Kept(kept_for(Path(folder), Path(assignment)), fresh=fresh)
    interrupt.keeps(lambda: "what was graded is kept for the next run")
    graded = None
    try:
        with parts("grading") as progress:
            graded = grade_class(
                Path(folder),
                asked,
                kept=kept,
                limits=TimeLimits(*limits),
                on_progress=progress.show,
            )
    finally:
        if problem := kept.write(whole=graded is not None):
            say(f"cnnspec: {problem}")
    interrupt.keeps(None)
    if csv_file:
        write_text(csv_file, class_csv(graded))
    if html:
        for name, text in class_pages(graded):
            write_text(str(Path(html, name)), text)
    if as_json:
        print_document(class_document(graded))
    else:
        Output().print(*render_class(graded), sep="\n")
    return _exit_code(graded)


def _make_folder(folder: str, submissions: Path) -> None:
    """Have the folder of the pages there before the work for them begins."""
    if submissions.resolve() in Path(folder).resolve().parents:
        raise click.UsageError(
            f"--html {folder} lies among the submissions, and would be taken for one: name a "
            "folder elsewhere"
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"cannot write {folder}: {error.strerror or error}") from None


def _exit_code(graded: GradedClass) -> int:
    layers = [layer for submission in graded.submissions for layer in submission.layers]
    if any(layer.grade is None for layer in layers):
        return BAD_INPUT
    return DIFFERENT if any(layer.fails for layer in layers) else 0
