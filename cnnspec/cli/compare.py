"""cnnspec compare: whether two backends are the same function."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import rich_click as click

from cnnspec.cli import interrupt
from cnnspec.cli.command import with_examples
from cnnspec.cli.compare_runs import check_options_of_runs, compare_two_runs
from cnnspec.cli.exit_codes import DIFFERENT
from cnnspec.cli.explained import check_explained, print_explained
from cnnspec.cli.options import (
    complete_backends,
    complete_specs,
    data_dir_option,
    device_option,
    epochs_option,
    given,
    json_option,
    set_option,
    with_epochs,
)
from cnnspec.cli.targets import compared
from cnnspec.cli.without import or_else

if TYPE_CHECKING:
    from cnnspec.compare import Verdict
    from cnnspec.compare.trajectory import Mode
    from cnnspec.spec.model import ModelSpec

MODES = ("replay", "lockstep", "resync", "free")


@with_examples(
    "compare",
    "cnnspec compare digits",
    "cnnspec compare net.yaml --backends numpy,mine.py:Network --mode replay",
    "cnnspec compare runs/digits-1 runs/digits-2",
)
@click.option_panel(
    "What is compared", options=["--backends", "--allow", "--set", "--data-dir", "--device"]
)
@click.option_panel("Training", options=["--mode", "--steps", "--epochs", "--twins"])
@click.option_panel("Report", options=["--all", "--explain", "--shrink", "--json", "--help"])
@click.argument(
    "targets",
    nargs=-1,
    required=True,
    metavar="SPEC | RUN RUN",
    shell_complete=complete_specs,
)
@click.option(
    "--backends",
    metavar="A,B",
    default="numpy,torch",
    show_default=True,
    shell_complete=complete_backends,
    help="The two sides, as in a,b: backends, with settings (torch@float64, torch@bfloat16, "
    "torch@compile, numpy@threads=2), or your own (path/to/file.py:Network). Of two run folders, "
    "those that trained are the default; one of your own must be named.",
)
@click.option(
    "--mode",
    metavar="MODE",
    type=click.Choice(MODES),
    default="lockstep",
    show_default=True,
    help="How to train after the replay. replay: not at all; lockstep: on the same batches; "
    "resync: so, and set to the same state after each step; free: beside twins that start one "
    "unit in the last place away.",
)
@click.option(
    "--twins",
    metavar="N",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Twins of the first side, with --mode free, or of the first run.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="A layer or quantity (pool1, pool1.grad_input, `whole pass`) that need not be compared. "
    "May be given several times.",
)
@click.option(
    "--shrink",
    "program",
    metavar="FILE.py",
    type=click.Path(dir_okay=False),
    help="Where they differ, write the smallest case as a program that shows it.",
)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(min=0),
    help="End the training after so many steps; 0: do not train.",
)
@epochs_option
@click.option(
    "--all",
    "whole",
    is_flag=True,
    help="Show every finding and the table of budgets, with its columns explained.",
)
@click.option(
    "--explain",
    metavar="NAME",
    help="Show one budget in numbers (conv1.output, conv1.grad_weight, loss.loss): what it is "
    "made of, the bound, and what was found.",
)
@device_option
@data_dir_option
@set_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    targets: tuple[str, ...],
    backends: str,
    mode: str,
    twins: int,
    allow: tuple[str, ...],
    program: str | None,
    steps: int | None,
    epochs: int | None,
    whole: bool,
    explain: str | None,
    device: str,
    data_dir: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Say whether two backends are the same function, who is wrong and why; and train both.

    With two run folders, say whether rounding explains how they differ. Exits with 0 where they
    are the same, and with 1 where they differ.
    """
    interrupt.keeps(lambda: "nothing is kept")
    for option, asked_for in (("--all", whole), ("--explain", explain is not None)):
        if asked_for and as_json:
            raise click.UsageError(f"{option}: for people; --json has the numbers of every budget")
    spec = compared(targets)
    # Two libraries with threads of their own take turns here. Threads that wait by spinning
    # take the processors from the other library's: half the speed on two cores, and on a
    # busy machine a tenth. So torch's wait without, and NumPy's BLAS has one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from cnnspec.cli import forecast
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document, prints_on_stderr, say
    from cnnspec.cli.progress import training_progress
    from cnnspec.cli.specs import check_writable, read_spec
    from cnnspec.compare import compare_backends
    from cnnspec.errors import DataError
    from cnnspec.report.verdict import render_replay, render_training
    from cnnspec.report.verdict_document import verdict_document

    if spec is None:
        check_options_of_runs(context)
        _check_twins(twins, "two run folders", none=True)
        named = _two_names(backends) if "backends" in given(context) else None
        return compare_two_runs(targets, named, twins, data_dir, device, as_json, whole)
    _check_mode(context, mode, steps, epochs, twins)
    names = _two_names(backends)
    overrides = with_epochs(overrides, epochs)
    model, _ = read_spec(spec, overrides, trains=True)
    if explain is not None:
        check_explained(model, explain)
    if program:
        check_writable(program)
    if model.data is None and (steps or epochs or mode in ("resync", "free")):
        raise DataError(f"{spec} has no `data` section to train on; add one, or take --mode replay")
    training = model.training
    asked = ASKS_FOR_TRAINING & given(context)
    forecast.of_comparison(
        model, names, data_dir, mode=mode, steps=steps, all_of_it=bool(asked), twins=twins
    )
    with (
        or_else("compare others: --backends numpy,loops"),
        training_progress(training.epochs, quiet_stdout=as_json) as progress,
        prints_on_stderr(),
        progress.waiting("replaying every part of both"),
    ):

        def show_replay(verdict: Verdict) -> None:
            progress.waited()
            taken = verdict.provenance["steps"]
            if taken is not None:
                progress.expect(taken * training.batch_size)
            if not as_json:
                progress.print(*render_replay(verdict, whole=whole))

        verdict = compare_backends(
            model,
            names,
            mode=cast("Mode", mode),
            steps=steps if asked else "few",
            twins=twins,
            data_dir=data_dir,
            device=device,
            allow=allow,
            on_progress=progress.part,
            on_replayed=show_replay,
            on_event=progress.show,
        )
    if as_json:
        print_document(verdict_document(verdict))
    else:
        Output().print(*render_training(verdict), sep="\n")
    if explain is not None:
        print_explained(model, names, verdict, explain, device, data_dir)
    if program:
        with (
            training_progress(1, quiet_stdout=True) as progress,
            prints_on_stderr(),
            progress.waiting("making the failing case smaller"),
        ):
            said = _shrunk(model, names, verdict, device, program, progress.wait)
        say(said)
    return 0 if verdict.verdict == "same" else DIFFERENT


def _two_names(backends: str) -> tuple[str, str]:
    first, *others = (name.strip() for name in backends.split(","))
    if len(others) != 1 or not first or not others[0]:
        raise click.UsageError(f"--backends wants two names, as in numpy,torch; found `{backends}`")
    return first, others[0]


ASKS_FOR_TRAINING = {"mode", "steps", "epochs"}
"""Parameters that say how far to train: without them, the loops take some steps alone."""


def _check_mode(
    context: click.Context, mode: str, steps: int | None, epochs: int | None, twins: int
) -> None:
    """Refuse options that would be without effect in a mode."""
    for option, length in (("--steps", steps), ("--epochs", epochs)):
        if mode == "replay" and length:
            raise click.UsageError(
                f"{option}: --mode replay does not train; leave out one of the two"
            )
    if mode == "free":
        _check_twins(twins, "--mode free")
    elif "twins" in given(context):
        raise click.UsageError(f"--twins: for --mode free, not for --mode {mode}")


def _check_twins(twins: int, what: str, *, none: bool = False) -> None:
    if twins < 2 and not (none and twins == 0):
        raise click.UsageError(
            f"--twins: {what} need{'s' if what.startswith('--') else ''} 2 or more"
            f"{', or 0 to train none' if none else ''}: one alone shows no scatter"
        )


def _shrunk(
    spec: ModelSpec,
    backends: tuple[str, str],
    verdict: Verdict,
    device: str,
    path: str,
    say: Callable[[str], None],
) -> str:
    """Write the smallest failing case, and say what it came down to."""
    from cnnspec.cli.specs import write_text
    from cnnspec.compare import parse_backend
    from cnnspec.compare.explaining.failing_case import layer_case
    from cnnspec.compare.explaining.shrink import RUNS, shrink
    from cnnspec.report.failing_case import failing_program, size_line

    if verdict.verdict == "same":
        return f"nothing to shrink: the two do not differ; {path} was not written"
    choices = parse_backend(backends[0], device), parse_backend(backends[1], device)

    def show(count: int) -> None:
        say(f"making the failing case smaller: comparison {count} of at most {RUNS}")

    found = shrink(spec, choices, on_run=show)
    if found is None:
        return (
            f"nothing to shrink: the difference does not show without the data and the training; "
            f"{path} was not written"
        )
    findings = found.verdict.findings
    case = layer_case(found.spec, choices, findings[0]) if findings else None
    write_text(path, failing_program(found, backends, case, Path(path).parent))
    return f"shrunk to {size_line(found)}: wrote {path}"
