"""torch's own modules, loss and optimizers behind the Network protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.errors import BackendError, MissingExtraError
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

if TYPE_CHECKING:
    import torch

    from cnnspec.backends.torch.network import TorchNetwork


def build(
    plan: Plan,
    training: Training,
    *,
    device: str,
    autocast: str | None = None,
    compile: bool = False,
) -> TorchNetwork:
    """Build the torch network of a plan, in `training.precision`, on a torch device.

    `autocast` is `bfloat16` or `float16`; `compile` runs it by torch.compile.

    Raises:
        MissingExtraError: torch is not installed.
        BackendError: torch lacks the device.
    """
    try:
        from cnnspec.backends.torch.network import TorchNetwork
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("the torch backend", "torch", "torch") from None
    chosen = _device(device, training)
    return TorchNetwork(plan, training, chosen, autocast=autocast, compile=compile)


def _device(name: str, training: Training) -> torch.device:
    import torch

    try:
        device = torch.device(name)
        torch.zeros(1, device=device, dtype=getattr(torch, training.precision)).cpu()
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise BackendError(
            f"torch cannot use the device `{name}` in {training.precision}: {reason}"
        ) from None
    return device
