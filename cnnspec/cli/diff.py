"""cnnspec diff: what changed between two specs."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli.command import with_examples
from cnnspec.cli.exit_codes import DIFFERENT
from cnnspec.cli.options import complete_specs, json_option
from cnnspec.cli.targets import Spec, short_name


@with_examples(
    "diff",
    "cnnspec diff digits lenet5",
    "cnnspec diff before.yaml after.yaml --json",
)
@click.argument("before", metavar="A", type=Spec(), shell_complete=complete_specs)
@click.argument("after", metavar="B", type=Spec(), shell_complete=complete_specs)
@json_option
def command(before: str, after: str, as_json: bool) -> int:
    """Say what changed from spec A to spec B, in layers, shapes and counts.

    Exits with 0 where nothing differs, and with 1 where something does.
    """
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document
    from cnnspec.cli.specs import name_of, text_of
    from cnnspec.difference import compare_specs
    from cnnspec.errors import SpecError
    from cnnspec.report.difference import difference_document, render_difference
    from cnnspec.spec import Diagnostic, ModelSpec, parse_spec

    specs: dict[str, ModelSpec] = {}
    problems: list[Diagnostic] = []
    files = before, after
    for file in dict.fromkeys(files):
        try:
            specs[file] = parse_spec(text_of(file), file=name_of(file))
        except SpecError as error:
            problems += error.diagnostics
    if problems:
        raise SpecError(problems)
    difference = compare_specs(specs[before], specs[after])
    if as_json:
        print_document(difference_document(difference, files))
    else:
        names = short_name(before), short_name(after)
        Output().print(*render_difference(difference, names), sep="\n")
    return 0 if difference.same else DIFFERENT
