"""torch's own Adam."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, optim

from cnnspec.backends.torch.slots import with_slots
from cnnspec.spec.optimizers import Adam


def adam(options: Adam, parameters: Iterable[Tensor]) -> optim.Optimizer:
    """Build an optim.Adam."""
    optimizer = optim.Adam(
        parameters,
        lr=options.learning_rate,
        betas=options.betas,
        eps=options.eps,
        weight_decay=options.weight_decay,
    )
    return with_slots(optimizer, options.slots, counts_steps=True)
