"""The whole comparison of two parties on one spec."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from cnnspec.address import TRAINING
from cnnspec.backends.device import require_cpu
from cnnspec.backends.raised import told
from cnnspec.compare.parts import Progress, nobody, replay
from cnnspec.compare.sides.party import Party, parse_party
from cnnspec.compare.trajectory import Mode, run_trajectory
from cnnspec.compare.trajectory.few import FEW, Few, share_of
from cnnspec.compare.trajectory.together import Event
from cnnspec.compare.verdict import Coverage, NotCompared, Verdict
from cnnspec.compare.verdict.allowed import Place, is_allowed, read_allowed
from cnnspec.compare.verdict.provenance import provenance
from cnnspec.data import Dataset, load_data
from cnnspec.errors import BackendError, ComparisonError
from cnnspec.plan import Plan, resolve_to_train
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training

TWINS = 3


def compare_backends(
    spec: ModelSpec,
    backends: tuple[str | Party, str | Party] = ("numpy", "torch"),
    *,
    mode: Mode | Literal["replay"] = "lockstep",
    steps: int | Few | None = None,
    twins: int = TWINS,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    allow: Collection[str] = (),
    on_progress: Progress = nobody,
    on_replayed: Callable[[Verdict], None] | None = None,
    on_event: Callable[[Mapping[str, Event]], None] | None = None,
) -> Verdict:
    """Say whether two backends are the same function on a spec, and train both.

    A backend is a name, a name with settings (`torch@float64`, `torch@compile+threads=2`), a
    user's own (`path/to/file.py:Network`), or a Party.

    First every layer, the loss and the optimizer are replayed alone on the same inputs
    and held against what rounding explains; that gives the verdict. Then both are trained
    from the same weights on the same batches, if the spec has data: in `lockstep`; with `resync`,
    from the first one's state in each step; or `free`, held against `twins` of the first that
    start one unit in the last place away; or not at all, in the mode `replay`. `steps` is how
    many steps are taken: None, the whole training; 0, none; "few", where a side is the loops, as
    many as take some seconds. `device` is torch's. `allow` names layers and quantities (`pool1`,
    `pool1.grad_input`) that need not be compared; where a layer is called `loss`, `layer loss`
    and `the loss` tell the two apart. `on_progress` is called before each part that is replayed:
    how many are done, of how many, and which comes now. `on_replayed` gets the verdict before the
    training, `on_event` each step and each epoch of all networks.

    Raises:
        SpecError: the layers do not fit together.
        DataError: the data cannot be read, or does not fit.
        BackendError: a backend is unknown, or lacks a package or the device, or both are the
            same, or its settings contradict the spec.
        ComparisonError: `allow` names nothing that is compared, or may mean two things; or there
            are fewer than 2 twins.
    """
    if mode == "free" and twins < 2:
        raise ComparisonError(f"`twins` is {twins}; free training needs 2 or more")
    first, second = _two_parties(backends, device, spec.training)
    plan = resolve_to_train(spec)
    allowed = read_allowed(plan, allow)
    data = load_data(spec.data, data_dir, limits=spec.limits) if spec.data else None
    if data:
        data.check_fits(plan.input, plan.classes)
    verdict = compare_parties(
        plan, spec.training, first, second, data=data, allowed=allowed, on_progress=on_progress
    )
    share = None
    if steps == FEW:
        share = share_of(plan, spec.training, (first, second), data) if data else None
        steps = share.steps if share else None
    asked = {"mode": mode, "steps": steps, "twins": twins if mode == "free" else None}
    of_sides = {party.label: _settings(party, spec.training) for party in (first, second)}
    more = {**asked, "allow": sorted(allow), "sides": of_sides}
    verdict = replace(verdict, provenance=provenance(spec, data) | more)
    if on_replayed:
        on_replayed(verdict)
    if not data or steps == 0 or mode == "replay":
        return verdict
    try:
        trajectory = run_trajectory(
            plan,
            spec.training,
            (first, second),
            share.data if share else data,
            mode=mode,
            steps=steps,
            cut_short=share is not None,
            twins=twins,
            allowed=allowed,
            on_event=on_event,
        )
    except Exception as error:  # somebody's network, when it is tested or replayed
        reason = str(error) if isinstance(error, BackendError) else told(error)
        if reason is None:
            raise
        return replace(verdict, coverage=_without_training(verdict.coverage, reason, allowed))
    return replace(verdict, trajectory=trajectory)


def compare_parties(
    plan: Plan,
    training: Training,
    first: Party,
    second: Party,
    *,
    data: Dataset | None = None,
    allowed: Collection[Place] = (),
    on_progress: Progress = nobody,
) -> Verdict:
    """Replay every part of two parties in isolation, without training them."""
    found = replay(
        plan,
        training,
        (first, second),
        split=data.train if data else None,
        allowed=allowed,
        on_progress=on_progress,
    )
    return Verdict(
        plan.name,
        (first.label, second.label),
        found.quantities,
        found.coverage,
        found.findings,
        found.kinks,
        provenance={},
        follows=found.follows,
    )


def _without_training(coverage: Coverage, why: str, allowed: Collection[Place]) -> Coverage:
    missing = NotCompared(TRAINING, None, why, is_allowed(TRAINING, None, allowed))
    return replace(coverage, not_compared=(*coverage.not_compared, missing))


def _two_parties(
    backends: tuple[str | Party, str | Party], device: str, training: Training
) -> tuple[Party, Party]:
    """Return what is compared, once it is known that it can be."""
    first, second = _told_apart(*(_party(backend, device) for backend in backends))
    if first.label == second.label:
        raise BackendError(
            f"two different backends are compared; found `{first.label}` twice (one backend "
            f"under two settings: {first.label},{first.label}@float64)"
        )
    if not (first.takes_device or second.takes_device):
        require_cpu(f"{first.label} or {second.label}", device)
    for party in (first, second):
        party.check_settings(training)
    return first, second


def _told_apart(first: Party, second: Party) -> tuple[Party, Party]:
    """Call two backends of one name by as much of their files as tells them apart."""
    if first.label != second.label or first.backend == second.backend:
        return first, second
    parts = Path(first.backend).resolve().parts, Path(second.backend).resolve().parts
    needed = next(
        (
            count
            for count in range(1, max(map(len, parts)) + 1)
            if parts[0][-count:] != parts[1][-count:]
        ),
        None,
    )
    if needed is None:  # one file, named in two ways
        return first, second
    return _called_by(first, parts[0][-needed:]), _called_by(second, parts[1][-needed:])


def _called_by(party: Party, parts: Collection[str]) -> Party:
    name = party.backend.rpartition(":")[2]
    return replace(party, label="/".join(parts) + party.label.removeprefix(name))


def _settings(party: Party, training: Training) -> dict[str, Any]:
    return {
        "backend": party.backend,
        "precision": party.working_precision(training),
        "device": party.device,
        "threads": party.threads,
        "autocast": party.options.get("autocast"),
        "compile": bool(party.options.get("compile")),
    }


def _party(backend: str | Party, device: str) -> Party:
    return backend if isinstance(backend, Party) else parse_party(backend, device)
