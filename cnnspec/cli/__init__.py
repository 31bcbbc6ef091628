"""The command line. Each command is one module, imported when it is called.

Here is what must be there before anything else is imported: importing takes most of the time
of a short command, so it is there that Ctrl-C strikes.
"""

from __future__ import annotations

import sys

from cnnspec.cli.exit_codes import INTERRUPTED


def main() -> None:
    """Run the command line as a program, and exit.

    Codes: 0 fine, 1 different (`compare`, `diff`, `fmt --check`), 2 bad input or usage, or
    somebody's own backend fails, or the output cannot be written, 70 an error of cnnspec's own
    (with its traceback), 130 interrupted.
    """
    try:
        from cnnspec.cli import interrupt

        interrupt.watch()
        from cnnspec.cli import memory, streams

        memory.collect_for(sys.argv[1:])
        streams.never_fail()
        from cnnspec.cli.group import run

        code = run(sys.argv[1:])
        interrupt.ignore()
        code = streams.finish(code)
        memory.leave_all()
    except KeyboardInterrupt:
        from cnnspec.cli import interrupt

        interrupt.ignore()
        interrupt.tell()
        code = INTERRUPTED
    sys.exit(code)
