"""cnnspec fmt: the canonical layout of spec files."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli.command import with_examples
from cnnspec.cli.exit_codes import DIFFERENT
from cnnspec.cli.options import complete_specs
from cnnspec.cli.targets import STDIN, Spec
from cnnspec.shipped import is_installed


@with_examples(
    "fmt",
    "cnnspec fmt net.yaml",
    "cnnspec fmt specs/ --check",
    "cnnspec fmt - < net.yaml",
)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=Spec(folders=True, names=False),
    shell_complete=complete_specs,
)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where something would.")
def command(files: tuple[str, ...], check: bool) -> int:
    """Lay specs out anew, with every comment kept.

    Sections and options are put in order, spaces and braces made alike; what a spec says stays
    as it is. FILE is a spec, a folder, or - for stdin, which is written to stdout. A spec need
    not be valid, as long as it is YAML.
    """
    from cnnspec.cli.output import print_line, print_raw
    from cnnspec.cli.specs import expanded, name_of, text_of, write_text
    from cnnspec.errors import SpecError
    from cnnspec.spec.diagnostics import Diagnostic
    from cnnspec.spec.format import format_spec, looks_like_a_spec

    changed = 0
    problems: list[Diagnostic] = []
    for path, in_folder in expanded(files):
        if is_installed(path):
            print_line(f"{name_of(path)}: comes with cnnspec, left as it is")
            continue
        try:
            text = text_of(path)
            if in_folder and not looks_like_a_spec(text):
                print_line(f"{name_of(path)}: not a spec, left as it is")
                continue
            formatted = format_spec(text, file=name_of(path))
        except SpecError as error:
            problems += error.diagnostics
            continue
        differs = formatted.encode() != text
        changed += differs
        if path == STDIN and not check:
            print_raw(formatted)
        elif differs:
            if not check:
                write_text(path, formatted)
            print_line(f"{name_of(path)}: {'would be ' if check else ''}laid out anew")
    if problems:
        raise SpecError(problems)
    return DIFFERENT if check and changed else 0
