"""The command line. Each command is one module, imported when it is called."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from collections.abc import Callable

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
    "bench": "cnnspec.cli.bench",
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

    Codes: 0 fine, 1 different (`compare`, `diff`, `fmt --check`), 2 bad input or usage, or
    somebody's own backend fails, 70 an error of cnnspec's own (with its traceback), 130
    interrupted.
    """
    from cnnspec.cli.output import discard_output

    code = 0
    try:
        code = cli.main(prog_name="cnnspec", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()
    except SystemExit as stop:
        if _reader_has_gone(stop):
            discard_output()
        elif _by_click(stop):  # it has completed a command for a shell
            code = int(stop.code or 0)
        else:  # cnnspec itself never exits below here
            code, value = BAD_INPUT, stop.code
            _say(lambda: _complain(f"a backend's code calls sys.exit({value!r})"))
    except BaseException as caught:
        error = caught
        code = _code_of(error)
        _say(lambda: _tell(error))
        if isinstance(error, OSError):
            discard_output()
    sys.exit(code)


def _reader_has_gone(stop: SystemExit) -> bool:
    """Tell whether this is click's answer where the reader of its own output has gone."""
    cause = stop.__context__
    return isinstance(cause, OSError) and cause.errno == errno.EPIPE


def _by_click(stop: SystemExit) -> bool:
    """Tell whether click exits, and not somebody's code that it runs."""
    *_, (innermost, _) = traceback.walk_tb(stop.__traceback__)
    return str(innermost.f_globals.get("__name__")).partition(".")[0] == "click"


def _code_of(error: BaseException) -> int:
    from cnnspec.backends.guard import told
    from cnnspec.errors import CnnspecError

    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, click.ClickException | CnnspecError | MemoryError | OSError):
        return BAD_INPUT
    # torch's word for a full memory stands in a RuntimeError
    return BAD_INPUT if told(error) or "allocate memory" in str(error) else INTERNAL_ERROR


def _tell(error: BaseException) -> None:
    """Say on stderr what went wrong, and whose error it is."""
    from cnnspec.backends.guard import told
    from cnnspec.errors import CnnspecError, SpecError

    if isinstance(error, KeyboardInterrupt | click.Abort):
        _complain("interrupted")
    elif isinstance(error, click.ClickException):
        error.show()
    elif isinstance(error, SpecError):
        from cnnspec.cli.console import print_problems

        print_problems(error.diagnostics)
    elif isinstance(error, CnnspecError):
        _complain(str(error))
    elif reason := told(error):
        _complain(reason)
    elif isinstance(error, MemoryError) or "allocate memory" in str(error):
        _complain(f"out of memory: {error}; {SMALLER}")
    elif isinstance(error, OSError):
        _complain(str(error))
    else:  # Python would exit with 1, which is the code of a verdict
        traceback.print_exception(error)
        _complain(
            "this is an error of cnnspec's own, not of your spec or code; please report it with "
            "the lines above and the command"
        )


def _complain(message: str) -> None:
    print(message if "\n" in message else f"cnnspec: {message}", file=sys.stderr)


def _say(words: Callable[[], None]) -> None:
    """Write to stderr, if anybody reads it: that nobody does must not change the exit code."""
    from cnnspec.cli.output import discard_output

    try:
        words()
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, SystemExit):  # rich exits where the reader has gone
        discard_output(sys.stderr)
