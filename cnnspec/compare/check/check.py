"""check_class(): a class from a file, tried, judged by the textbook and graded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import Exact
from cnnspec.compare.check.grade import LayerGrader, grade_loss
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported
from cnnspec.compare.check.run import Results, run_child
from cnnspec.compare.check.settings import SETTINGS, Setting, settings_like
from cnnspec.compare.probes import as_float32, loss_probes, probe_labels
from cnnspec.errors import BackendError
from cnnspec.spec.layers import KINDS as LAYER_KINDS
from cnnspec.spec.layers import AnyLayer

LOSS = "cross_entropy"
KINDS = (*LAYER_KINDS, LOSS)
"""What a class may be checked as."""

CLASSES = (10, 2)


def check_class(
    candidate: str,
    kind: str,
    *,
    like: AnyLayer | None = None,
    names: Mapping[str, str] | None = None,
    layout: str = "nchw",
    time_limit: float = 10.0,
) -> Checked:
    """Try a class from a file, `path/to/file.py:Conv2D`, as a kind of layer or as the loss.

    `like` is a layer whose options are tried, in place of a list of settings; `names` says what
    the class calls something, by our name for it; each setting must end within `time_limit`
    seconds. The code runs in a process of its own. Nothing here needs torch.

    Raises:
        BackendError: there is no such file or class, or no setting that it is made for.
    """
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
            "layout": layout,
        }
        if kind == LOSS:
            return _check_loss(label, Path(folder), request, time_limit)
        settings = settings_like(like) if like is not None else SETTINGS[kind]
        return _check_layer(label, kind, settings, Path(folder), request, time_limit)


def _check_layer(
    label: str,
    kind: str,
    settings: Sequence[Setting],
    folder: Path,
    request: dict[str, Any],
    limit: float,
) -> Checked:
    graders = {f"s{n}": LayerGrader(setting) for n, setting in enumerate(settings)}
    asked = []
    for key, grader in graders.items():
        np.savez(folder / f"{key}-weights.npz", **grader.weights)  # type: ignore[arg-type]
        for number, probe in enumerate(grader.probes):
            given = {"x": probe.x, "grad_output": probe.grad_output}
            np.savez(folder / f"{key}-p{number}-given.npz", **given)  # type: ignore[arg-type]
        asked.append(grader.request(key))
    results = run_child(folder, request | {"settings": asked}, limit)
    _raise_if_not_loaded(label, results)
    findings: list[CheckFinding] = []
    unsupported, notes = [], dict[str, None]()
    for key, grader in graders.items():
        why = results.unsupported(key)
        if why:
            unsupported.append(NotSupported(grader.setting.name, why))
            continue
        findings += grader.findings(key, results)
        notes |= dict.fromkeys(grader.notes)
    if not findings:
        reasons = "; ".join(dict.fromkeys(item.why for item in unsupported))
        raise BackendError(f"{label} is made for no setting of `{kind}`: {reasons}")
    return Checked(label, kind, tuple(findings), tuple(unsupported), tuple(notes), results.output)


def _check_loss(label: str, folder: Path, request: dict[str, Any], limit: float) -> Checked:
    batches: dict[str, list[tuple[str, Exact, Labels]]] = {}
    asked = []
    for number, classes in enumerate(CLASSES):
        key = f"s{number}"
        batches[key] = [
            (name, as_float32(logits).astype(np.float64), probe_labels(*logits.shape))
            for name, logits in loss_probes(classes, number)
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
    for error in results.errors("load").values():
        printed = f"\nIt printed:\n{results.output}" if results.output.strip() else ""
        raise BackendError(f"{label} cannot be loaded: {error}{printed}")
