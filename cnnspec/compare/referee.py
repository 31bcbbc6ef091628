"""compare_backends(): the whole comparison of two backends on one spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from cnnspec.backends import build, require_cpu
from cnnspec.compare.lockstep import Event, lockstep
from cnnspec.compare.replay import replay
from cnnspec.compare.verdict import Verdict
from cnnspec.data import load_data
from cnnspec.environment import environment
from cnnspec.errors import BackendError
from cnnspec.plan import resolve
from cnnspec.spec.model import ModelSpec


def compare_backends(
    spec: ModelSpec,
    backends: tuple[str, str] = ("numpy", "torch"),
    *,
    steps: int | None = None,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    on_replayed: Callable[[Verdict], None] | None = None,
    on_event: Callable[[Mapping[str, Event]], None] | None = None,
) -> Verdict:
    """Say whether two backends are the same function on a spec, and train both in lockstep.

    First every layer, the loss and the optimizer are replayed alone on the same inputs
    and held against what rounding explains; that gives the verdict. Then both are trained
    from the same weights on the same batches, for `steps` steps (None: the whole
    training; 0: not at all), if the spec has data. `device` is torch's. `on_replayed` gets
    the verdict before the training, `on_event` each step and each epoch of both.

    Raises:
        SpecError: the layers do not fit together.
        DataError: the data cannot be read, or does not fit.
        BackendError: a backend is unknown, or lacks a package or the device, or both are the
            same.
    """
    first, second = backends
    if first == second:
        raise BackendError(f"two different backends are compared; found `{first}` twice")
    if "torch" not in backends:
        require_cpu(f"{first} or {second}", device)
    plan = resolve(spec)
    data = load_data(spec.data, data_dir) if spec.data else None
    if data:
        data.check_fits(plan.input, plan.classes)
    devices = {name: device if name == "torch" else "cpu" for name in backends}
    quantities, not_compared = replay(
        plan, spec.training, backends, split=data.train if data else None, devices=devices
    )
    verdict = Verdict(spec.name, backends, quantities, not_compared, None, environment())
    if on_replayed:
        on_replayed(verdict)
    if not data or steps == 0:
        return verdict
    networks = {name: build(plan, spec.training, name, device=devices[name]) for name in backends}
    trained = lockstep(networks, data, spec.training, steps=steps, on_event=on_event)
    return replace(verdict, lockstep=trained)
