"""cnnspec selftest: how well the referee finds faults that were planted for it."""

from __future__ import annotations

import os
import warnings

import rich_click as click

from cnnspec.cli import interrupt
from cnnspec.cli.command import with_examples
from cnnspec.cli.exit_codes import DIFFERENT
from cnnspec.cli.options import json_option

CLEAN = 100
QUICK_CLEAN = 10
QUICK_EVERY = 8
"""With --quick, one planted fault in so many."""


@with_examples(
    "selftest",
    "cnnspec selftest --quick",
    "cnnspec selftest --clean 1000 --json",
)
@click.option(
    "--clean",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Random specs without a fault.  [default: {CLEAN}; {QUICK_CLEAN} with --quick]",
)
@click.option("--quick", is_flag=True, help=f"Plant only one fault in {QUICK_EVERY}.")
@json_option
def command(clean: int | None, quick: bool, as_json: bool) -> int:
    """Plant faults into the NumPy backend and see whether `compare` finds and explains them.

    Exits with 0 where every fault is detected and localised, nine in ten are diagnosed and no
    spec without a fault raises an alarm; else with 1.
    """
    interrupt.keeps(lambda: "nothing is kept")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from cnnspec.cli.activity import parts
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document
    from cnnspec.compare.planted import FAULTS
    from cnnspec.compare.selftest import run_selftest
    from cnnspec.report.selftest import render_selftest, selftest_document

    specs = clean if clean is not None else (QUICK_CLEAN if quick else CLEAN)
    faults = FAULTS[::QUICK_EVERY] if quick else FAULTS
    with parts("comparing") as progress, warnings.catch_warnings():
        # torch's, of every `padding: same` that adds an odd number of cells: a fault is planted so
        warnings.filterwarnings("ignore", "Using padding='same'", UserWarning)
        result = run_selftest(clean=specs, faults=faults, on_progress=progress.show)
    if as_json:
        print_document(selftest_document(result))
    else:
        Output().print(*render_selftest(result), sep="\n")
    return 0 if result.passed else DIFFERENT
