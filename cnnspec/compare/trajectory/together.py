"""Several trainings by turns, on the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.backends.network import Network
from cnnspec.backends.raised import in_words, told
from cnnspec.data import Dataset
from cnnspec.errors import TrainingError
from cnnspec.spec.training import Training
from cnnspec.training import EpochMetrics, StepTaken, training_events

Event = StepTaken | EpochMetrics


def together(
    networks: Mapping[str, Network],
    data: Dataset,
    training: Training,
    steps: int,
    stopped: dict[str, str],
) -> Iterator[dict[str, Event]]:
    """Yield the events of all trainings by turns, until they end or one cannot go on.

    `stopped` gets the names of those that cannot, and why.
    """
    streams = {
        name: training_events(network, data, training, steps=steps)
        for name, network in networks.items()
    }
    while not stopped:
        events = {}
        for name, stream in streams.items():
            try:
                events[name] = next(stream)
            except StopIteration:
                return
            except TrainingError as error:
                stopped[name] = str(error)
            except Exception as error:  # somebody's network raises whatever it likes
                if not told(error):
                    raise
                stopped[name] = in_words(error)
        if not stopped:
            yield events


def planned_steps(data: Dataset, training: Training, steps: int | None) -> int:
    """Return how many steps a training has; `steps` ends it early."""
    whole = training.epochs * -(-len(data.train) // training.batch_size)
    return whole if steps is None else min(steps, whole)
