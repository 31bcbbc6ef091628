"""What ends a command early: its exit code, and what is said on stderr."""

from __future__ import annotations

import traceback

import rich_click as click

from cnnspec.backends.raised import told
from cnnspec.cli import interrupt
from cnnspec.cli.exit_codes import BAD_INPUT, INTERNAL_ERROR, INTERRUPTED
from cnnspec.cli.output import say
from cnnspec.errors import CnnspecError, SpecError
from cnnspec.printable import printable_lines

SMALLER = "make the batch or the network smaller"


def code_of(error: BaseException) -> int:
    """Return the exit code of a command that ends with an error."""
    if _interrupted(error):
        return INTERRUPTED
    expected = click.ClickException | CnnspecError | MemoryError | OSError | SystemExit
    if told(error) or isinstance(error, expected) or _out_of_memory(error):
        return BAD_INPUT
    return INTERNAL_ERROR


def tell(error: BaseException) -> None:
    """Say on stderr what went wrong, and whose error it is."""
    if _interrupted(error):
        interrupt.tell()
    elif isinstance(error, SpecError):
        from cnnspec.cli.console import print_problems

        print_problems(error.diagnostics)
    elif isinstance(error, CnnspecError):
        _complain(str(error))
    elif reason := told(error):
        _complain(reason)
    elif isinstance(error, click.ClickException):
        _show(error)
    elif isinstance(error, SystemExit):  # cnnspec itself never exits below here, nor does click
        _complain(f"a backend's code calls sys.exit({error.code!r})")
    elif _out_of_memory(error):
        _complain(f"out of memory: {error}; {SMALLER}")
    elif isinstance(error, OSError):
        _complain(str(error))
    else:  # Python would exit with 1, which is the code of a verdict
        say("".join(traceback.format_exception(error)).rstrip("\n"))
        _complain(
            "this is an error of cnnspec's own, not of your spec or code; please report it with "
            "the lines above and the command"
        )


def _interrupted(error: BaseException) -> bool:
    """Tell whether Ctrl-C ended the command; some libraries make another error of it."""
    if isinstance(error, KeyboardInterrupt):
        return True
    return interrupt.asked() and not isinstance(error, CnnspecError | click.ClickException)


def _out_of_memory(error: BaseException) -> bool:
    """Tell whether memory is full; torch's word for that stands in a RuntimeError."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def _show(error: click.ClickException) -> None:
    """Let click show its error; it quotes what stands on the command line."""
    message = printable_lines(error.format_message())
    error.format_message = lambda: message  # type: ignore[method-assign]
    error.show()


def _complain(message: str) -> None:
    say(message if "\n" in message else f"cnnspec: {message}")
