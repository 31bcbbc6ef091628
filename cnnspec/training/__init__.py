"""Training and evaluation, the same for every backend."""

from cnnspec.training.evaluate import Evaluation, evaluate
from cnnspec.training.history import EpochMetrics, History, StepTaken
from cnnspec.training.run import Run
from cnnspec.training.trainer import train, training_events

__all__ = [
    "EpochMetrics",
    "Evaluation",
    "History",
    "Run",
    "StepTaken",
    "evaluate",
    "train",
    "training_events",
]
