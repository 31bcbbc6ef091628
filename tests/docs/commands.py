"""docs/reference/commands.md, written from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import rich_click as click

from cnnspec.cli.group import COMMANDS, cli
from tests.docs.pages import ROOT, cell

PAGE = ROOT / "docs" / "reference" / "commands.md"

HEAD = """\
# Commands

What `cnnspec COMMAND --help` says, on one page.

<!-- Written by `make golden`. Do not edit. -->

Where a command takes `--json`, it prints one JSON document on stdout and everything else on stderr.
Where a spec is not valid, only `validate --json` prints a document.

| exit code | what it says |
|---|---|
| 0 | all is fine |
| 1 | different or wrong: `compare`, `check`, `selftest`, `diff`, `fmt --check` |
| 2 | bad input or usage, or a backend of your own fails |
| 70 | an error of cnnspec's own |
| 130 | interrupted |
"""


def page() -> str:
    """Write the page."""
    context = click.RichContext(cli, info_name="cnnspec")
    return "\n".join([HEAD, *(_command(name, context) for name in COMMANDS)])


def _command(name: str, above: click.Context) -> str:
    command = cli.get_command(above, name)
    assert command is not None
    context = click.RichContext(command, info_name=name, parent=above)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## {name}\n", f"```text\n{usage}\n```\n", _help(command), _options(command, context)]
    return "\n".join(part for part in parts if part)


def _help(command: click.Command) -> str:
    """Return what a command says of itself: a sentence, its examples, and the rest."""
    first, *rest = inspect.cleandoc(command.help or "").split("\n\n")
    examples = "\n".join(getattr(command, "examples", ()))
    parts = [first, f"```sh\n{examples}\n```", *rest]
    # `#` would be a heading
    return "\n\n".join(re.sub("^#", r"\#", part, flags=re.MULTILINE) for part in parts) + "\n"


def _options(command: click.Command, context: click.Context) -> str:
    rows = list(_rows(command, context))
    return "\n".join(["| option | what it says |", "|---|---|", *rows]) + "\n" if rows else ""


def _rows(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and record[1] and "--help" not in parameter.opts:
            names, said = record
            yield f"| `{cell(names)}` | {cell(said)} |"
