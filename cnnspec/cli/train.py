"""cnnspec train: a training, kept in a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from cnnspec.cli import interrupt
from cnnspec.cli.command import with_examples
from cnnspec.cli.options import (
    complete_backends,
    data_dir_option,
    device_option,
    epochs_option,
    json_option,
    set_option,
    spec_argument,
    with_epochs,
)
from cnnspec.cli.without import or_else

if TYPE_CHECKING:
    from cnnspec.training import Run


@with_examples(
    "train",
    "cnnspec train digits",
    "cnnspec train net.yaml --epochs 3 --set training.seed=1",
    "cnnspec train lenet5 --backend torch --data-dir data",
)
@spec_argument
@click.option(
    "--backend",
    metavar="NAME",
    default="numpy",
    show_default=True,
    shell_complete=complete_backends,
    help="Train with numpy, torch or loops, or your own (path/to/file.py:Network).",
)
@device_option
@data_dir_option
@click.option(
    "--runs",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    default="runs",
    show_default=True,
    help="Folder of the run folders.",
)
@epochs_option
@set_option
@json_option
def command(
    spec: str,
    backend: str,
    device: str,
    data_dir: str | None,
    runs: str,
    epochs: int | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train a network on its data, and keep weights and metrics in a run folder."""
    from cnnspec.backends import LOOPS, build
    from cnnspec.cli.output import print_document, print_line, say
    from cnnspec.cli.progress import training_progress
    from cnnspec.cli.specs import read_spec
    from cnnspec.data import load_data
    from cnnspec.errors import DataError
    from cnnspec.plan import resolve
    from cnnspec.report.tables import percent
    from cnnspec.report.training import divergence_text, training_document
    from cnnspec.training import EpochMetrics, Run, StepTaken, diverged_in, train

    interrupt.keeps(lambda: "nothing is kept: no training was begun")
    overrides = with_epochs(overrides, epochs)
    model, text = read_spec(spec, overrides, trains=True)
    if model.data is None:
        raise DataError(
            f"{spec} has no `data` section to train on; add one, such as `data: digits`"
        )
    plan = resolve(model)
    with or_else("train with --backend numpy"):
        network = build(plan, model.training, backend, device=device)
    data = load_data(model.data, data_dir, limits=model.limits)
    data.check_fits(plan.input, plan.classes)
    if backend == LOOPS:
        from cnnspec.cli import forecast

        forecast.of_training(plan, forecast.LoopsTraining(model, data))
    with interrupt.held():
        run = Run.create(runs, model, text, backend=backend, overrides=overrides)
        interrupt.keeps(lambda: _kept(run, 0))
    starts: list[float] = []
    with training_progress(model.training.epochs, quiet_stdout=as_json) as progress:

        def show(event: StepTaken | EpochMetrics) -> None:
            if isinstance(event, StepTaken) and event.step == 1:
                starts.append(event.loss)
            progress.show({backend: event})

        def keep(metrics: EpochMetrics) -> None:
            with interrupt.held():
                run.record(metrics, network)
                interrupt.keeps(lambda: _kept(run, metrics.epoch))
            show(metrics)

        history = train(network, data, model.training, on_step=show, on_epoch=keep)
    accuracy = history[-1].test_accuracy
    if as_json:
        document = training_document(
            run=str(run.path), backend=backend, history=history, test_accuracy=accuracy
        )
        print_document(document)
    else:
        print_line(f"{percent(accuracy)} of the test images; kept in {run.path}")
    if worst := diverged_in(history, start=starts[0], classes=plan.classes):
        loss = max(worst.train_loss, worst.test_loss)
        said = divergence_text(f"epoch {worst.epoch}", loss, starts[0])
        say(f"cnnspec: the training {said}")


def _kept(run: Run, epochs: int) -> str:
    """Say what a training that ends now leaves."""
    if not epochs:
        return f"no epoch was finished, so {run.path} holds no weights"
    if epochs == 1:
        return f"{run.path} keeps the weights and metrics of epoch 1"
    return f"{run.path} keeps the metrics of epochs 1 to {epochs} and the weights of epoch {epochs}"
