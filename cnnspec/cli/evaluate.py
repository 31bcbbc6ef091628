"""cnnspec evaluate: the network of a run folder on its test images."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli.command import with_examples
from cnnspec.cli.options import (
    complete_backends,
    data_dir_option,
    device_option,
    json_option,
    set_option,
)
from cnnspec.cli.targets import RunFolder
from cnnspec.cli.without import or_else


@with_examples(
    "evaluate",
    "cnnspec evaluate runs/digits-1",
    "cnnspec evaluate runs/digits-1 --backend torch --json",
)
@click.argument("run", metavar="RUN", type=RunFolder())
@click.option(
    "--backend",
    metavar="NAME",
    shell_complete=complete_backends,
    help="Predict with this backend.  [default: the one that trained; one of your own, "
    "path/to/file.py:Network, must be named]",
)
@device_option
@data_dir_option
@set_option
@json_option
def command(
    run: str,
    backend: str | None,
    device: str,
    data_dir: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Test the weights of a run folder, on any backend."""
    from cnnspec.backends import LOOPS, build
    from cnnspec.cli.activity import parts
    from cnnspec.cli.output import print_document, print_line, say
    from cnnspec.data import load_data
    from cnnspec.errors import DataError, RunError
    from cnnspec.plan import resolve
    from cnnspec.report.tables import loss_text, percent
    from cnnspec.report.training import training_document
    from cnnspec.training import Run, evaluate
    from cnnspec.training.weights import not_finite, rounding

    folder = Run.open(run)
    name = backend or folder.installed_backend()
    model = folder.spec(overrides)
    if model.data is None:
        raise DataError(f"{folder.path} has no `data` section to test on")
    plan = resolve(model)
    weights = folder.weights(plan.state)
    of_run = str(folder.path), weights, model.training.precision
    for broken in not_finite(*of_run):
        raise RunError(f"{broken}, nothing was evaluated")
    for warning in filter(None, (folder.changed_copy(), rounding(*of_run))):
        say(f"cnnspec: warning: {warning}")
    with or_else("test with --backend numpy"):
        network = build(plan, model.training, name, device=device)
    network.load_state(weights)
    data = load_data(model.data, data_dir, limits=model.limits)
    data.check_fits(plan.input, plan.classes)
    if name == LOOPS:
        from cnnspec.cli import forecast

        forecast.of_evaluation(plan, model, len(data.test))
    with parts("testing") as progress:
        result = evaluate(network, data.test, on_progress=progress.images)
    if as_json:
        document = training_document(
            run=str(folder.path),
            backend=name,
            history=folder.history(),
            test_accuracy=result.accuracy,
        )
        print_document(document)
    else:
        print_line(
            f"{percent(result.accuracy)} of {len(data.test):,} test images, "
            f"mean loss {loss_text(result.loss)} ({name})"
        )
