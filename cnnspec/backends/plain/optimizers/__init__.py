"""Optimizers as people write them by hand: classes and functions, called as they want it."""

from cnnspec.backends.plain.optimizers.optimizer import PlainOptimizer
from cnnspec.backends.plain.optimizers.roles import nameable, own_options

__all__ = ["PlainOptimizer", "nameable", "own_options"]
