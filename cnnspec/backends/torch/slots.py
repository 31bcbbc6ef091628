"""What torch's optimizers keep of each parameter, there before the first step."""

from __future__ import annotations

from collections.abc import Iterable

from torch import optim, zeros, zeros_like


def with_slots(
    optimizer: optim.Optimizer, names: Iterable[str], *, counts_steps: bool = False
) -> optim.Optimizer:
    """Lay out what torch would make at the first step: zeros, which come to the same.

    `counts_steps`: it keeps the number of the step, too, beside each parameter.
    """
    names = tuple(names)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if counts_steps:
                optimizer.state[parameter]["step"] = zeros(())
            for name in names:
                optimizer.state[parameter][name] = zeros_like(parameter.detach())
    return optimizer
