"""Training and evaluation, the same for every backend."""

from cnnspec.training.divergence import diverged_in, is_far
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
    "diverged_in",
    "evaluate",
    "is_far",
    "train",
    "training_events",
]
