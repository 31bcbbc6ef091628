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

    code = 0
    message = ""
    try:
        code = cli.main(standalone_mode=False) or 0
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = BAD_INPUT
    except CnnspecError as error:
        message, code = str(error), BAD_INPUT
    except MemoryError as error:
        message, code = f"out of memory: {error}; try a smaller batch or network", BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        message, code = "interrupted", INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # its reader has gone, as `head` does
    except OSError as error:
        message, code = f"cannot write the output: {error}", BAD_INPUT
        _discard_output()
    if message:
        print(message if "\n" in message else f"cnnspec: {message}", file=sys.stderr)
    sys.exit(code)


def _discard_output() -> None:
    """Send what is left in stdout's buffer nowhere, so that its end raises no second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
