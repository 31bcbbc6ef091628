"""cnnspec compare RUN RUN: two trainings on disk."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli.exit_codes import DIFFERENT
from cnnspec.cli.options import given
from cnnspec.cli.without import or_else

OF_SPECS = {"mode", "allow", "program", "steps", "epochs", "overrides", "explain"}
"""Parameters that say nothing of run folders."""


def check_options_of_runs(context: click.Context) -> None:
    """Refuse options that say nothing of run folders."""
    of_specs = OF_SPECS & given(context)
    options = [item.opts[0] for item in context.command.params if item.name in of_specs]
    if options:
        raise click.UsageError(f"{', '.join(options)}: for specs, not for run folders")


def compare_two_runs(
    targets: tuple[str, ...],
    backends: tuple[str, str] | None,
    twins: int,
    data_dir: str | None,
    device: str,
    as_json: bool,
    whole: bool,
) -> int:
    """Compare two run folders, and return the exit code."""
    from cnnspec.cli import forecast
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document, prints_on_stderr, say
    from cnnspec.cli.progress import training_progress
    from cnnspec.compare.runs import compare_runs
    from cnnspec.report.runs import render_runs, runs_document
    from cnnspec.training import Run

    first, second = map(Run.open, targets)
    epochs = len(first.history())
    names = backends or (first.backend, second.backend)
    forecast.of_runs(first, names, twins, data_dir)
    with (
        or_else("test both runs on others: --backends numpy,numpy"),
        training_progress(epochs, quiet_stdout=as_json) as progress,
        prints_on_stderr(),
        progress.waiting("testing both runs"),
    ):
        found = compare_runs(
            first,
            second,
            backends=backends,
            twins=twins,
            data_dir=data_dir,
            device=device,
            on_progress=progress.part,
            on_step=lambda event: progress.show({"twin": event}),
        )
    for warning in found.warnings:
        say(f"cnnspec: warning: {warning}")
    if as_json:
        print_document(runs_document(found))
    else:
        Output().print(*render_runs(found, whole=whole), sep="\n")
    return 0 if found.verdict == "same" else DIFFERENT
