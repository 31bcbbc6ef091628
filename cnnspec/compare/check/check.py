"""check_class(): a class from a file, tried, judged by the textbook and graded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.compare.causes import diagnose_layer, diagnose_loss
from cnnspec.compare.check.grade import LayerGrader
from cnnspec.compare.check.grade_loss import LossGrader
from cnnspec.compare.check.judged import with_causes
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported
from cnnspec.compare.check.results import Results
from cnnspec.compare.check.run import run_child
from cnnspec.compare.check.settings import SETTINGS, Setting, settings_like
from cnnspec.compare.probes import as_float32, loss_probes, probe_labels
from cnnspec.errors import BackendError
from cnnspec.spec.layers import KINDS as LAYER_KINDS
from cnnspec.spec.layers import AnyLayer

LOSS = "cross_entropy"
KINDS = (*LAYER_KINDS, LOSS)
"""What a class may be checked as."""

CLASSES = (10, 2)

LOGITS = {"ordinary": ("random", "single", "classes"), "extreme": ("extreme", "certain")}
"""Probes of a loss, in two parts: that it overflows is another fault than that it is wrong."""


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

    Whatever the code does is in what is returned; it may not even load.

    `like` is a layer whose options are tried, in place of a list of settings; `names` says what
    the class calls something, by our name for it; each setting must end within `time_limit`
    seconds. The code runs in a process of its own. Nothing here needs torch.

    Raises:
        BackendError: there is no such file.
    """
    path, _, name = candidate.rpartition(":")
    if not Path(path).is_file():
        raise BackendError(f"there is no file `{path or candidate}`; wanted FILE.py:CLASS")
    if not name:
        raise BackendError(f"wanted FILE.py:CLASS, found `{candidate}` without a class")
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
    unreached = [finding for grader in graders.values() for finding in grader.unreached()]
    if results.load_error():
        return _not_loaded(label, kind, unreached, results)
    unsupported = [
        NotSupported(grader.setting.name, why)
        for key, grader in graders.items()
        if (why := results.unsupported(key)) is not None
    ]
    judged = [
        item
        for key, grader in graders.items()
        if results.unsupported(key) is None
        for item in grader.judged(key, results)
    ]
    notes = dict.fromkeys(item.note for item in judged if item.note)
    return Checked(
        label,
        kind,
        tuple(with_causes(judged, diagnose_layer) if judged else unreached),
        tuple(unsupported),
        tuple(notes),
        results.printed.text,
        results.printed.lines,
        error="" if judged else f"is made for no setting of `{kind}`",
    )


def _check_loss(label: str, folder: Path, request: dict[str, Any], limit: float) -> Checked:
    graders: list[LossGrader] = []
    asked: list[dict[str, Any]] = []
    for number, classes in enumerate(CLASSES):
        probes = [
            (name, as_float32(logits).astype(np.float64), probe_labels(*logits.shape))
            for name, logits in loss_probes(classes, number)
        ]
        for kind_of_logits, names in LOGITS.items():
            key = f"s{len(graders)}"
            batches = {f"{key}-{probe[0]}": probe for probe in probes if probe[0] in names}
            for at, (_, logits, labels) in batches.items():
                given = {"logits": logits, "labels": labels}
                np.savez(folder / f"{at}-given.npz", **given)  # type: ignore[arg-type]
            asked.append({"key": key, "probes": [probe for probe, *_ in batches.values()]})
            graders.append(LossGrader(f"{classes} classes, {kind_of_logits} logits", batches))
    results = run_child(folder, request | {"settings": asked}, limit)
    if results.load_error():
        unreached = [finding for grader in graders for finding in grader.unreached()]
        return _not_loaded(label, LOSS, unreached, results)
    judged = [item for grader in graders for item in grader.judged(results)]
    return Checked(
        label,
        LOSS,
        tuple(with_causes(judged, diagnose_loss)),
        output=results.printed.text,
        lines_printed=results.printed.lines,
    )


def _not_loaded(
    label: str, kind: str, unreached: Sequence[CheckFinding], results: Results
) -> Checked:
    return Checked(
        label,
        kind,
        tuple(unreached),
        output=results.printed.text,
        lines_printed=results.printed.lines,
        loaded=False,
        error=results.load_error(),
    )
