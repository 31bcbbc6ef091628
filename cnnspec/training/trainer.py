"""train(): one trainer for every backend."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from cnnspec.backends.border import check_batch, check_ending
from cnnspec.backends.network import Batch, Network
from cnnspec.data import Dataset, batches
from cnnspec.errors import TrainingError
from cnnspec.spec.training import Training
from cnnspec.training.evaluate import evaluate
from cnnspec.training.history import EpochMetrics, History, StepTaken


def train(
    network: Network,
    data: Dataset,
    training: Training,
    *,
    on_step: Callable[[StepTaken], None] | None = None,
    on_epoch: Callable[[EpochMetrics], None] | None = None,
) -> History:
    """Train a network and return how it went.

    `on_step` is called after each step and `on_epoch` after each epoch.

    Raises:
        DataError: the data does not fit the network.
        TrainingError: the loss is no longer a finite number.
    """
    history = []
    for event in training_events(network, data, training):
        if isinstance(event, EpochMetrics):
            history.append(event)
            if on_epoch:
                on_epoch(event)
        elif on_step:
            on_step(event)
    return tuple(history)


def training_events(
    network: Network, data: Dataset, training: Training, *, steps: int | None = None
) -> Iterator[StepTaken | EpochMetrics]:
    """Train a network step by step: yield each step, and the metrics after each whole epoch.

    `steps` ends the training early. Two of these, taken in turn, train two networks in
    lockstep.

    Raises:
        DataError: the data does not fit the network, or the network ends in images.
        TrainingError: the loss is no longer a finite number.
    """
    check_ending(network.plan)
    data.check_fits(network.plan.input, network.plan.classes)
    images, labels = data.train.images, data.train.labels
    if steps is None:  # not after an epoch of training
        smallest = len(labels) % training.batch_size or training.batch_size
        for at in network.plan.layers:
            check_batch(smallest, at)
    rate = training.optimizer.learning_rate
    step = 0
    for epoch in range(1, training.epochs + 1):
        seen = correct = 0
        total = seconds = 0.0
        for rows in batches(len(labels), training.batch_size, seed=training.seed, epoch=epoch):
            start = time.perf_counter()
            step += 1
            with np.errstate(over="ignore", invalid="ignore"):  # told below, as a loss
                batch = Batch(images[rows], labels[rows])
                loss, outputs = network.train_step(batch, rate, step)
            seconds += time.perf_counter() - start
            if not math.isfinite(loss):
                raise _diverged(network, "loss", loss, step, epoch, rate)
            seen += len(rows)
            total += loss * len(rows)
            correct += int(np.sum(outputs.argmax(axis=1) == batch.targets))
            yield StepTaken(step, epoch, seen, len(labels), total / seen, loss, outputs, rows)
            if step == steps and seen < len(labels):
                return
        test = evaluate(network, data.test)
        if not math.isfinite(test.loss):
            raise _diverged(network, "test loss", test.loss, step, epoch, rate)
        yield EpochMetrics(epoch, total / seen, correct / seen, test.loss, test.accuracy, seconds)
        if step == steps:
            return


def _diverged(
    network: Network, what: str, loss: float, step: int, epoch: int, rate: float
) -> TrainingError:
    return TrainingError(
        f"the {what} of the {network.backend} network is {loss} at step {step} "
        f"(epoch {epoch}); try a smaller learning rate than {rate:g}"
    )
