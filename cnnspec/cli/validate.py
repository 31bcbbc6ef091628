"""cnnspec validate: every problem of spec files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import rich_click as click

from cnnspec.cli.command import with_examples
from cnnspec.cli.exit_codes import BAD_INPUT
from cnnspec.cli.options import complete_specs, json_option, set_option
from cnnspec.cli.targets import Spec

if TYPE_CHECKING:
    from cnnspec.spec.data.contents import Survey
    from cnnspec.spec.data.source import DataSource
    from cnnspec.spec.diagnostics import Diagnostic
    from cnnspec.spec.limits import Limits


@with_examples(
    "validate",
    "cnnspec validate net.yaml",
    "cnnspec validate specs/ --quiet",
    "cnnspec validate net.yaml --set training.epochs=3 --json",
)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="SPEC...",
    type=Spec(folders=True),
    shell_complete=complete_specs,
)
@click.option(
    "--quiet", "-q", is_flag=True, help="Print only the problems, and no line for a valid file."
)
@set_option
@json_option
def command(files: tuple[str, ...], quiet: bool, overrides: tuple[str, ...], as_json: bool) -> int:
    """Check specs, and show every problem of each.

    SPEC is a file, a name, a folder (all .yaml and .yml files in it and below), or - for stdin.
    Exits with 0 where all are valid, and with 2 where one is not. No network is built.
    """
    from cnnspec.cli.output import print_document, print_line
    from cnnspec.cli.specs import expanded, name_of

    results = []
    for path, _ in expanded(files):
        valid, problems = _inspected(path, overrides)
        results.append((name_of(path), valid, problems))
        if problems and not as_json:
            from cnnspec.cli.console import print_problems

            print_problems(problems, apart=True)
        if not as_json and not quiet:
            print_line(f"{name_of(path)}: {_summary(valid, problems)}")
    if as_json:
        from cnnspec.report.diagnostics import validation_document

        print_document(validation_document(results))
    elif len(results) > 1 and not quiet:
        invalid = sum(not valid for _, valid, _ in results)
        print_line(f"{len(results)} files: {len(results) - invalid} valid, {invalid} not")
    return 0 if all(valid for _, valid, _ in results) else BAD_INPUT


def _inspected(path: str, overrides: tuple[str, ...]) -> tuple[bool, Sequence[Diagnostic]]:
    from cnnspec.cli.specs import name_of, text_of
    from cnnspec.errors import SpecError
    from cnnspec.spec.load import inspect_spec

    try:
        found = inspect_spec(text_of(path), file=name_of(path), overrides=overrides, look=_look)
    except SpecError as error:
        return False, error.diagnostics
    return found.spec is not None, found.diagnostics


def _look(source: DataSource, limits: Limits) -> Survey:
    from cnnspec.data import survey

    return survey(source, limits)


def _summary(valid: bool, problems: Sequence[Diagnostic]) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    counts = [_count(errors, "problem"), _count(warnings, "warning")]
    found = ", ".join(count for count in counts if count)
    return ("valid" if valid else "not valid") + (f": {found}" if found else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}" if number else ""
