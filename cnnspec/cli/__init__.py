"""The command line. Each command is one module, imported when it is called."""

from __future__ import annotations

import importlib
import sys
import traceback

import rich_click as click

COMMANDS = {
    "init": "cnnspec.cli.init",
    "validate": "cnnspec.cli.validate",
    "build": "cnnspec.cli.build",
    "train": "cnnspec.cli.train",
    "evaluate": "cnnspec.cli.evaluate",
    "compare": "cnnspec.cli.compare",
    "check": "cnnspec.cli.check",
    "selftest": "cnnspec.cli.selftest",
    "diff": "cnnspec.cli.diff",
    "fmt": "cnnspec.cli.fmt",
    "schema": "cnnspec.cli.schema",
    "completion": "cnnspec.cli.completion",
}

DIFFERENT = 1
BAD_INPUT = 2
INTERNAL_ERROR = 70
INTERRUPTED = 130

SMALLER = "make the batch or the network smaller"


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


def main() -> None:
    """Run the command line and exit.

    Codes: 0 fine, 1 different (`compare`, `diff`, `fmt --check`), 2 bad input or usage, 70 an
    error of cnnspec's own (with its traceback), 130 interrupted.
    """
    from cnnspec.cli.output import discard_output
    from cnnspec.errors import CnnspecError, SpecError

    code = 0
    message = ""
    try:
        code = cli.main(prog_name="cnnspec", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()
    except SystemExit as stop:
        code = int(stop.code or 0)
        if code == 1:  # click's answer where the reader of its own output has gone
            code = 0
            discard_output()
    except click.ClickException as error:
        error.show()
        code = BAD_INPUT
    except SpecError as error:
        from cnnspec.cli.console import print_problems

        print_problems(error.diagnostics)
        code = BAD_INPUT
    except CnnspecError as error:
        message, code = str(error), BAD_INPUT
    except MemoryError as error:
        message, code = f"out of memory: {error}; {SMALLER}", BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        message, code = "interrupted", INTERRUPTED
    except OSError as error:
        message, code = str(error), BAD_INPUT
        discard_output()
    except Exception as error:  # Python would exit with 1, which is the code of a verdict
        if "allocate memory" in str(error):  # torch's word for it, in a RuntimeError
            message, code = f"out of memory: {error}; {SMALLER}", BAD_INPUT
        else:
            traceback.print_exc()
            code = INTERNAL_ERROR
    if message:
        print(message if "\n" in message else f"cnnspec: {message}", file=sys.stderr)
    sys.exit(code)
