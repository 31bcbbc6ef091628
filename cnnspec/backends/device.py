"""Where a network computes: what NumPy computes stays on the CPU."""

from __future__ import annotations

from cnnspec.errors import BackendError


def require_cpu(backend: str, device: str) -> None:
    """Refuse a device that a backend cannot use.

    Raises:
        BackendError: the device is not the CPU.
    """
    if device != "cpu":
        raise BackendError(
            f"{backend} runs on the cpu, not on `{device}`; `--device` is for the torch backend"
        )
