"""torch's own stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, optim

from cnnspec.backends.torch.slots import with_slots
from cnnspec.spec.optimizers import SGD


def sgd(options: SGD, parameters: Iterable[Tensor]) -> optim.Optimizer:
    """Build an optim.SGD."""
    optimizer = optim.SGD(
        parameters,
        lr=options.learning_rate,
        momentum=options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
    )
    return with_slots(optimizer, options.slots)
