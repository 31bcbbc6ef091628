"""compare_runs(): whether two trainings on disk came to the same, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cnnspec.backends.network import Network
from cnnspec.compare.parts import Progress, Replayed, nobody, replay_parts
from cnnspec.compare.probes.draw import DATA_IMAGES
from cnnspec.compare.sides.choice import BackendChoice, parse_backend
from cnnspec.compare.sides.moment import Moment
from cnnspec.compare.trajectory.distance import distances
from cnnspec.compare.trajectory.final import FinalEnvelope, final_envelope
from cnnspec.compare.verdict.provenance import provenance
from cnnspec.data import Dataset, Split, load_data
from cnnspec.difference import Change, Difference, compare_specs
from cnnspec.errors import DataError, RunError, StateError
from cnnspec.plan import resolve
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Precision
from cnnspec.trace import State
from cnnspec.training import History, Run, StepTaken, evaluate
from cnnspec.training.weights import NotFinite, not_finite, rounding

WITHOUT_EFFECT = ("name", "limits")
"""Sections whose change does not change a training."""

Reason = Literal[
    "layers",
    "not finite",
    "findings",
    "not compared",
    "specs",
    "equal",
    "epochs",
    "no twins",
    "inside",
    "outside",
]
"""What decides a verdict on two runs; `cnnspec.report.runs` has the words."""


@dataclass(frozen=True)
class RunsVerdict:
    """What two run folders have in common."""

    runs: tuple[str, str]
    backends: tuple[str, str]
    """Those that trained, or those that were named in their place."""
    difference: Difference
    """Between the resolved specs."""
    parts: Replayed | None
    """Every part of both backends at the first run's weights; None where the layers differ, or
    both have the same backend."""
    distances: Mapping[str, float]
    """Between the final weights of each parameter, relative; empty where they do not fit."""
    envelope: FinalEnvelope | None
    histories: tuple[History, History]
    accuracy: tuple[float, float]
    """On the test images, by the final weights: fractions of 1."""
    test_images: int
    different_predictions: int | None
    """Test images that are classed differently; None where the runs have other test images."""
    verdict: Literal["same", "different", "cannot tell"]
    reason: Reason
    """What decides it."""
    not_finite: tuple[NotFinite, ...] = ()
    """Where there is any, no part was replayed and no twin was trained."""
    warnings: tuple[str, ...] = ()
    """What of a folder has no effect, or is rounded."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Hashes of the specs and of the data, versions, BLAS and threads."""


def compare_runs(
    first: Run,
    second: Run,
    *,
    backends: tuple[str, str] | None = None,
    twins: int = 3,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    on_progress: Progress = nobody,
    on_step: Callable[[StepTaken], None] | None = None,
) -> RunsVerdict:
    """Say whether two runs are the same training, and whether rounding explains what is not.

    `backends` take the place of those that trained. A run that a file of somebody's own trained
    needs one: a run folder is data, and the file that it names is not imported.

    The parts of both backends are replayed at the first run's final weights. Where specs and
    seeds are the same, `twins` of each backend are trained from weights one unit in the last
    place away; 0: no answer is given on weights that are not equal to the bit. `on_progress` is
    called before each part that is replayed, `on_step` after each step of a twin.

    Raises:
        RunError: a folder is damaged, or has no weights, or its backend must be named.
        DataError: the data cannot be read.
        BackendError: there is no such backend.
    """
    names = backends or (first.installed_backend(), second.installed_backend())
    specs = first.spec(), second.spec()
    difference = compare_specs(*specs)
    plan, training = resolve(specs[0]), specs[0].training
    states = _weights(first, specs[0]), _weights(second, specs[1])
    histories = first.history(), second.history()
    choices = parse_backend(names[0], device), parse_backend(names[1], device)
    data = tuple(_data(spec, run, data_dir) for spec, run in zip(specs, (first, second)))
    networks = [_loaded(*of_run) for of_run in zip(choices, specs, states)]
    results = [evaluate(network, of_run.test) for network, of_run in zip(networks, data)]
    same_layers = all(layer.status == "same" for layer in difference.layers)
    on_disk = [
        (str(run.path), state, spec.training.precision)
        for run, state, spec in zip((first, second), states, specs)
    ]
    broken = tuple(found for of_run in on_disk for found in not_finite(*of_run))
    parts = None
    if same_layers and not broken and names[0] != names[1]:
        moment = Moment(1, states[0], networks[0].optimizer_state(), _images(data[0]))
        parts = replay_parts(plan, training, choices, moment=moment, on_progress=on_progress)
    apart = distances(*states) if same_layers and not broken else {}
    changed = any(has_effect(change) for change in difference.options)
    finished = {len(history) for history in histories}
    envelope = None
    decided = changed or (parts is not None and not _clean(parts))
    if any(apart.values()) and not decided and len(finished) == 1 and twins and histories[0]:
        as_far = training.model_copy(update={"epochs": finished.pop()})
        differing = choices if choices[0].backend != choices[1].backend else choices[:1]
        envelope = final_envelope(plan, as_far, differing, data[0], states, twins, on_step)
    verdict, reason = _judged(same_layers, changed, histories, parts, apart, envelope, broken)
    predictions = [result.predictions for result in results]
    same_images = predictions[0].shape == predictions[1].shape
    return RunsVerdict(
        (str(first.path), str(second.path)),
        names,
        difference,
        parts,
        apart,
        envelope,
        histories,
        (results[0].accuracy, results[1].accuracy),
        len(predictions[0]),
        int(np.sum(predictions[0] != predictions[1])) if same_images else None,
        verdict,
        reason,
        broken,
        _warnings((first, second), on_disk),
        _provenance(specs, (data[0], data[1])),
    )


def has_effect(change: Change) -> bool:
    """Tell whether a change of a spec's option makes it another training."""
    return change.path.split(".")[0] not in WITHOUT_EFFECT


def _clean(parts: Replayed) -> bool:
    return not parts.findings and parts.coverage.complete


def _warnings(
    runs: tuple[Run, Run], on_disk: list[tuple[str, State, Precision]]
) -> tuple[str, ...]:
    changed = [run.changed_copy() for run in runs]
    rounded = [rounding(*of_run) for of_run in on_disk]
    return tuple(dict.fromkeys(filter(None, changed + rounded)))


def _provenance(
    specs: tuple[ModelSpec, ModelSpec], data: tuple[Dataset, Dataset]
) -> dict[str, Any]:
    first, second = (provenance(*of_run) for of_run in zip(specs, data))
    return {
        "spec_sha256": (first["spec_sha256"], second["spec_sha256"]),
        "data_sha256": (first["data_sha256"], second["data_sha256"]),
        "seeds": (first["seed"], second["seed"]),
        "environment": first["environment"],
    }


def _judged(
    same_layers: bool,
    changed: bool,
    histories: tuple[History, History],
    parts: Replayed | None,
    apart: Mapping[str, float],
    envelope: FinalEnvelope | None,
    broken: tuple[NotFinite, ...],
) -> tuple[Literal["same", "different", "cannot tell"], Reason]:
    """Return the verdict and what decides it: the first of the reasons that holds."""
    if not same_layers:
        return "different", "layers"
    if broken:
        return "different", "not finite"
    if parts is not None and parts.findings:
        return "different", "findings"
    if parts is not None and not parts.coverage.complete:
        return "different", "not compared"
    if changed:
        return "different", "specs"
    if not any(apart.values()):
        return "same", "equal"
    if len(histories[0]) != len(histories[1]):
        return "different", "epochs"
    if envelope is None:
        return "cannot tell", "no twins"
    if envelope.inside:
        return "same", "inside"
    return "different", "outside"


def _data(spec: ModelSpec, run: Run, data_dir: str | Path | None) -> Dataset:
    if spec.data is None:
        raise DataError(f"{run.path} has no `data` section to compare predictions on")
    return load_data(spec.data, data_dir, limits=spec.limits)


def _images(data: Dataset) -> Split:
    return Split(data.train.images[:DATA_IMAGES], data.train.labels[:DATA_IMAGES])


def _weights(run: Run, spec: ModelSpec) -> State:
    try:
        return run.weights(resolve(spec).state)
    except StateError as error:
        raise RunError(
            f"the weights of {run.path} are not those of its spec: {error}; train it again, or "
            "take back the resolved.yaml or weights.safetensors that was changed"
        ) from error


def _loaded(choice: BackendChoice, spec: ModelSpec, state: State) -> Network:
    network = choice.build(resolve(spec), spec.training)
    with np.errstate(over="ignore"):  # told as weights that are not finite
        network.load_state(state)
    return network
