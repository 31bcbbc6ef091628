"""torch's own modules, loss and optimizers behind the Network protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.errors import MissingExtraError
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

if TYPE_CHECKING:
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
        from cnnspec.backends.torch.device import device_of
        from cnnspec.backends.torch.network import TorchNetwork
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("the torch backend", "torch", "torch") from None
    chosen = device_of(device, training)
    return TorchNetwork(plan, training, chosen, autocast=autocast, compile=compile)
