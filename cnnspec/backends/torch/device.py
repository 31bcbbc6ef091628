"""Where torch computes."""

from __future__ import annotations

import torch

from cnnspec.errors import BackendError
from cnnspec.spec.training import Training


def device_of(name: str, training: Training) -> torch.device:
    """Return a device that torch can use in `training.precision`.

    Raises:
        BackendError: torch lacks the device.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device, dtype=getattr(torch, training.precision)).cpu()
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise BackendError(
            f"torch cannot use the device `{name}` in {training.precision}: {reason}"
        ) from None
    return device
