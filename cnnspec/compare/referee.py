"""The whole comparison of two backends on one spec."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from cnnspec.address import TRAINING
from cnnspec.backends.device import require_cpu
from cnnspec.backends.raised import told
from cnnspec.compare.parts import Progress, nobody, replay_parts
from cnnspec.compare.sides.choice import BackendChoice, parse_backend
from cnnspec.compare.trajectory import Mode, run_trajectory
from cnnspec.compare.trajectory.few import FEW, Few, share_of
from cnnspec.compare.trajectory.together import Event
from cnnspec.compare.verdict import Coverage, NotCompared, Verdict
from cnnspec.compare.verdict.allowed import Allowed, is_allowed, read_allowed
from cnnspec.compare.verdict.provenance import provenance
from cnnspec.data import Dataset, load_data
from cnnspec.errors import BackendError, ComparisonError
from cnnspec.plan import Plan, resolve_to_train
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training

TWINS = 3


def compare_backends(
    spec: ModelSpec,
    backends: tuple[str | BackendChoice, str | BackendChoice] = ("numpy", "torch"),
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
    user's own (`path/to/file.py:Network`), or a BackendChoice.

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
    first, second = _two_choices(backends, device, spec.training)
    plan = resolve_to_train(spec)
    allowed = read_allowed(plan, allow)
    data = load_data(spec.data, data_dir, limits=spec.limits) if spec.data else None
    if data:
        data.check_fits(plan.input, plan.classes)
    verdict = compare_choices(
        plan, spec.training, first, second, data=data, allowed=allowed, on_progress=on_progress
    )
    share = None
    if steps == FEW:
        share = share_of(plan, spec.training, (first, second), data) if data else None
        steps = share.steps if share else None
    asked = {"mode": mode, "steps": steps, "twins": twins if mode == "free" else None}
    of_sides = {choice.label: _settings(choice, spec.training) for choice in (first, second)}
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


def compare_choices(
    plan: Plan,
    training: Training,
    first: BackendChoice,
    second: BackendChoice,
    *,
    data: Dataset | None = None,
    allowed: Collection[Allowed] = (),
    on_progress: Progress = nobody,
) -> Verdict:
    """Replay every part of two backends in isolation, without training them."""
    found = replay_parts(
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
        found.comparisons,
        found.coverage,
        found.findings,
        found.kinks,
        provenance={},
        follows=found.follows,
    )


def _without_training(coverage: Coverage, why: str, allowed: Collection[Allowed]) -> Coverage:
    missing = NotCompared(TRAINING, None, why, is_allowed(TRAINING, None, allowed))
    return replace(coverage, not_compared=(*coverage.not_compared, missing))


def _two_choices(
    backends: tuple[str | BackendChoice, str | BackendChoice], device: str, training: Training
) -> tuple[BackendChoice, BackendChoice]:
    """Return what is compared, once it is known that it can be."""
    first, second = _told_apart(*(_choice(backend, device) for backend in backends))
    if first.label == second.label:
        raise BackendError(
            f"two different backends are compared; found `{first.label}` twice (one backend "
            f"under two settings: {first.label},{first.label}@float64)"
        )
    if not (first.takes_device or second.takes_device):
        require_cpu(f"{first.label} or {second.label}", device)
    for choice in (first, second):
        choice.check_settings(training)
    return first, second


def _told_apart(first: BackendChoice, second: BackendChoice) -> tuple[BackendChoice, BackendChoice]:
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


def _called_by(choice: BackendChoice, parts: Collection[str]) -> BackendChoice:
    name = choice.backend.rpartition(":")[2]
    return replace(choice, label="/".join(parts) + choice.label.removeprefix(name))


def _settings(choice: BackendChoice, training: Training) -> dict[str, Any]:
    return {
        "backend": choice.backend,
        "precision": choice.working_precision(training),
        "device": choice.device,
        "threads": choice.threads,
        "autocast": choice.options.get("autocast"),
        "compile": bool(choice.options.get("compile")),
    }


def _choice(backend: str | BackendChoice, device: str) -> BackendChoice:
    return backend if isinstance(backend, BackendChoice) else parse_backend(backend, device)
