"""`cnnspec` and its commands, run within a process: from arguments to an exit code."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

import rich_click as click
from click.exceptions import Exit

from cnnspec.cli import interrupt, warned
from cnnspec.cli.completion import COMPLETE

COMMANDS = {
    "init": "cnnspec.cli.init",
    "validate": "cnnspec.cli.validate",
    "build": "cnnspec.cli.build",
    "train": "cnnspec.cli.train",
    "evaluate": "cnnspec.cli.evaluate",
    "compare": "cnnspec.cli.compare",
    "check": "cnnspec.cli.check",
    "selftest": "cnnspec.cli.selftest",
    "bench": "cnnspec.cli.bench",
    "diff": "cnnspec.cli.diff",
    "fmt": "cnnspec.cli.fmt",
    "schema": "cnnspec.cli.schema",
    "completion": "cnnspec.cli.completion",
}
"""The module of each command, in the order in which a user meets them."""


class Commands(click.RichGroup):
    """A group whose commands are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cnnspec", message="cnnspec %(version)s")
def cli() -> None:
    """One CNN spec; NumPy and torch implementations of it; and a referee.

    A spec is a YAML file that says layers, data and training.
    """


def run(arguments: Sequence[str]) -> int:
    """Run a command, say on stderr what goes wrong, and return the exit code."""
    interrupt.keeps(None)
    try:
        with warned.in_one_line():
            return _invoke(list(arguments))
    except BaseException as error:
        from cnnspec.cli.failure import code_of, tell

        tell(error)
        return code_of(error)


def _invoke(arguments: list[str]) -> int:
    """Do what click's `main` does, but for exits: those that arrive are somebody else's."""
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "cnnspec", COMPLETE, instruction)
    try:
        with cli.make_context("cnnspec", arguments or ["--help"]) as context:
            code: int | None = cli.invoke(context)
            return code or 0
    except Exit as stop:  # of --help and --version
        return stop.exit_code
