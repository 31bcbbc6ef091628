"""check_class(): a class from a file, tried, judged by the textbook and graded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.backends.plain import LAYOUTS, Hints
from cnnspec.backends.plain.names import ARRAYS, OPTIONS
from cnnspec.compare.budget import Exact
from cnnspec.compare.check.grade import LayerGrader, grade_loss
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported
from cnnspec.compare.check.run import Results, run_child
from cnnspec.compare.check.settings import SETTINGS, Setting, probe_labels, settings_like
from cnnspec.compare.probes import as_float32, loss_probes
from cnnspec.errors import BackendError
from cnnspec.spec.layers import KINDS as LAYER_KINDS
from cnnspec.spec.layers import AnyLayer

LOSS = "cross_entropy"
KINDS = (*LAYER_KINDS, LOSS)
"""What a class may be checked as."""

CLASSES = (10, 2)

INPUTS = {1: "features", 3: "images"}
"""What a layer is over, by the axes of one of them."""


def check_class(
    candidate: str,
    kind: str,
    *,
    like: AnyLayer | None = None,
    names: Mapping[str, str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    layout: str = "nchw",
    time_limit: float = 10.0,
) -> Checked:
    """Try a class from a file, `path/to/file.py:Conv2D`, as a kind of layer or as the loss.

    `like` is a layer whose options are tried, in place of a list of settings: what the class has
    no parameter for is taken as built in. `names` says what the class calls something, by our
    name for it; `arguments` are given to its constructor; each setting must end within
    `time_limit` seconds. The code runs in a process of its own. Nothing here needs torch.

    Raises:
        BackendError: there is no such file or class, no setting that it is made for, or more must
            be said about it.
    """
    _check_names(kind, names or {})
    path, _, name = candidate.rpartition(":")
    if not Path(path).is_file():
        raise BackendError(f"there is no file `{path or candidate}`; wanted FILE.py:CLASS")
    label = f"{Path(path).name}:{name}"
    with tempfile.TemporaryDirectory() as folder:
        request: dict[str, Any] = {
            "file": str(Path(path).resolve()),
            "name": name,
            "kind": kind,
            "names": dict(names or {}),
            "arguments": dict(arguments or {}),
            "layout": layout,
            "built_in": like is not None,
        }
        if kind == LOSS:
            return _check_loss(label, Path(folder), request, time_limit)
        settings = settings_like(like) if like is not None else SETTINGS[kind]
        return _check_layer(label, kind, settings, Path(folder), request, time_limit)


def _check_names(kind: str, names: Mapping[str, str]) -> None:
    """Refuse names for what a layer of this kind does not have."""
    Hints(names)
    if kind == LOSS:  # told by the loss itself
        return
    options = {*LAYER_KINDS[kind].model_fields, "input_shape"}
    foreign = [name for name in names if name in OPTIONS.keys() - ARRAYS.keys() - options]
    if foreign:
        own = ", ".join(sorted(options & OPTIONS.keys()))
        raise BackendError(f"--map {foreign[0]}: a {kind} has no such option; it has {own}")


def _check_layer(
    label: str,
    kind: str,
    settings: Sequence[Setting],
    folder: Path,
    request: dict[str, Any],
    limit: float,
) -> Checked:
    graders = {f"s{n}": LayerGrader(setting) for n, setting in enumerate(settings)}
    results = _try(graders, folder, request, limit)
    _raise_if_not_loaded(label, results)
    findings: list[CheckFinding] = []
    unsupported, notes = [], dict[str, None]()
    unusable = {key for key, grader in graders.items() if _is_unusable(key, grader, results)}
    made_for = {len(grader.setting.input) for key, grader in graders.items() if key not in unusable}
    for key, grader in graders.items():
        why = results.unsupported(key)
        if not why and key in unusable and made_for and len(grader.at.input) not in made_for:
            why = f"made for {' and '.join(INPUTS[length] for length in sorted(made_for))} alone"
        if why:
            unsupported.append(NotSupported(grader.setting.name, why))
            continue
        findings += grader.findings(key, results)
        notes |= dict.fromkeys((*results.notes(key), *grader.notes))
    if not findings:
        reasons = "; ".join(dict.fromkeys(item.why for item in unsupported))
        raise BackendError(f"{label} is made for no setting of `{kind}`: {reasons}")
    if unusable == graders.keys():
        notes |= dict.fromkeys(_better_layouts(settings[0], folder, request, limit))
    return Checked(label, kind, tuple(findings), tuple(unsupported), tuple(notes), results.output)


def _try(
    graders: Mapping[str, LayerGrader], folder: Path, request: dict[str, Any], limit: float
) -> Results:
    """Let a class run in every setting."""
    asked = []
    for key, grader in graders.items():
        np.savez(folder / f"{key}-weights.npz", **grader.weights)  # type: ignore[arg-type]
        for number, probe in enumerate(grader.probes):
            given = {"x": probe.x, "grad_output": probe.grad_output}
            np.savez(folder / f"{key}-p{number}-given.npz", **given)  # type: ignore[arg-type]
        asked.append(grader.request(key))
    return run_child(folder, request | {"settings": asked}, limit)


def _is_unusable(key: str, grader: LayerGrader, results: Results) -> bool:
    """Tell whether the first forward pass raised, or gave another shape than it must."""
    probe = f"{key}-p0"
    if "forward" in results.errors(probe):
        return True
    output, wanted = results.arrays(probe).get("output"), grader.probes[0].grad_output.shape
    return output is not None and output.shape != wanted


def _better_layouts(
    setting: Setting, folder: Path, request: dict[str, Any], limit: float
) -> Iterator[str]:
    """Name the layouts in which a forward pass is right that is not in the one given."""
    for layout in LAYOUTS:
        if layout == request["layout"]:
            continue
        grader = LayerGrader(setting)
        (inner := folder / layout).mkdir()
        results = _try({"s0": grader}, inner, request | {"layout": layout}, limit)
        if results.hint() or results.unsupported("s0"):
            continue
        if any(found.ok for found in grader.findings("s0", results) if found.quantity == "output"):
            yield f"with --layout {layout}, its forward pass is right ({setting.name})"


def _check_loss(label: str, folder: Path, request: dict[str, Any], limit: float) -> Checked:
    batches: dict[str, list[tuple[str, Exact, Labels]]] = {}
    asked = []
    for number, classes in enumerate(CLASSES):
        key = f"s{number}"
        batches[key] = [
            (name, as_float32(logits).astype(np.float64), probe_labels(logits))
            for name, logits in loss_probes(classes, number, None)
        ]
        for place, (_, logits, labels) in enumerate(batches[key]):
            given = {"logits": logits, "labels": labels}
            np.savez(folder / f"{key}-p{place}-given.npz", **given)  # type: ignore[arg-type]
        asked.append({"key": key, "probes": [f"p{place}" for place in range(len(batches[key]))]})
    results = run_child(folder, request | {"settings": asked}, limit)
    _raise_if_not_loaded(label, results)
    findings = [
        finding
        for key, classes in zip(batches, CLASSES)
        for finding in grade_loss(f"{classes} classes", key, batches[key], results)
    ]
    return Checked(label, LOSS, tuple(findings), (), (), results.output)


def _raise_if_not_loaded(label: str, results: Results) -> None:
    if hint := results.hint():
        raise BackendError(f"{label} cannot be tried: {hint}")
    for error in results.errors("load").values():
        printed = f"\nIt printed:\n{results.output}" if results.output.strip() else ""
        raise BackendError(f"{label} cannot be loaded: {error}{printed}")
