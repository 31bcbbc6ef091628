"""The command line. Each command is one module, imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys

import rich_click as click

COMMANDS = {
    "build": "cnnspec.cli.build",
    "train": "cnnspec.cli.train",
    "compare": "cnnspec.cli.compare",
    "evaluate": "cnnspec.cli.evaluate",
}

INTERRUPTED = 130
BAD_INPUT = 2


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

    A spec is a YAML file. See `specs/` for ready ones.
    """


def main() -> None:
    """Run the command line and exit: 0 fine, 1 different, 2 bad input, 130 interrupted."""
    from cnnspec.errors import CnnspecError

    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(BAD_INPUT)
    except CnnspecError as error:
        print(f"cnnspec: {error}" if "\n" not in str(error) else error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    except (KeyboardInterrupt, click.Abort):
        print("cnnspec: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
