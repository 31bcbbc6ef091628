"""check_class(): a class from a file, tried, judged by the textbook and graded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.backends.plain import LAYOUTS, Hints
from cnnspec.backends.plain.layouts import CHANNELS_LAST
from cnnspec.backends.plain.names import ARRAYS, INPUT_SHAPE, options_of
from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.check.grading.built_in import taken_for
from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.grading.grade_loss import LossGrader
from cnnspec.compare.check.grading.judged import Judged, with_causes
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.process.run import run_child
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported, NotTriedError
from cnnspec.compare.check.settings import check_size
from cnnspec.compare.kinds import LAYERS, LOSSES
from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes.draw import as_float32, loss_probes, probe_labels
from cnnspec.errors import BackendError
from cnnspec.spec.layers import KINDS as LAYER_KINDS
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.losses import LOSSES as LOSS_KINDS

Progress = Callable[[int, int, str], None]
"""Called before each setting: how many are done, of how many, and which comes now."""

KINDS = (*LAYER_KINDS, *LOSSES)
"""What a class may be checked as."""

CLASSES = (10, 2)

INPUTS = {1: "features", 3: "images"}
"""What a layer is over, by the axes of one of them."""

LOGITS = {"ordinary": ("random", "single", "classes"), "extreme": ("extreme", "certain", "apart")}
"""Probes of a loss, in two parts: that it overflows is another fault than that it is wrong."""


def check_class(
    candidate: str,
    kind: str,
    *,
    like: AnyLayer | None = None,
    names: Mapping[str, str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    layout: str = "nchw",
    time_limit: float = 10.0,
    on_progress: Progress = lambda done, total, what: None,
) -> Checked:
    """Try a class from a file, `path/to/file.py:Conv2D`, as a kind of layer or as the loss.

    Whatever the code does is in what is returned; it may not even load.

    `like` is a layer whose options are tried, in place of a list of settings: what the class has
    no parameter for is taken as built in. `names` says what the class calls something, by our
    name for it; `arguments` are given to its constructor; each setting must end within
    `time_limit` seconds. `on_progress` is called before each setting: how many are done, of how
    many, and which comes now. The code runs in a process of its own. Nothing here needs torch.

    Raises:
        BackendError: there is no such file, a name is mapped that a layer of this kind lacks, or
            the layer is too large.
        ShapeError: no input fits the options.
        NotTriedError: what is said about the class does not fit it, or more must be said.
    """
    _check_names(kind, names or {})
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
            "arguments": dict(arguments or {}),
            "layout": layout,
            "built_in": like is not None,
            "one_of": "",
        }
        if kind in LOSSES:
            return _check_loss(label, kind, Path(folder), request, time_limit, on_progress)
        room = LAYERS[kind]
        if like is None:
            request["one_of"] = room.one_of
        settings = room.tried(LAYER_KINDS[kind]) if like is None else room.like(like)
        for setting in settings:
            check_size(setting)
        work = Path(folder)
        return _check_layer(label, kind, settings, work, request, time_limit, on_progress)


def _check_names(kind: str, names: Mapping[str, str]) -> None:
    """Refuse names for what a layer of this kind does not have."""
    Hints(names)
    if kind in LOSSES:  # told by the loss itself
        return
    options = {*options_of(LAYER_KINDS[kind]), INPUT_SHAPE}
    of_others = {option for other in LAYER_KINDS.values() for option in options_of(other)}
    foreign = [name for name in names if name in of_others - options - ARRAYS.keys()]
    if foreign:
        own = ", ".join(sorted(options))
        raise BackendError(f"--map {foreign[0]}: a {kind} has no such option; it has {own}")


def _check_layer(
    label: str,
    kind: str,
    settings: Sequence[Setting],
    folder: Path,
    request: dict[str, Any],
    limit: float,
    on_progress: Progress,
) -> Checked:
    graders = {f"s{n}": grader_of(setting) for n, setting in enumerate(settings)}

    def show(key: str) -> None:
        on_progress(list(graders).index(key), len(graders), graders[key].setting.name)

    results = _try(graders, folder, request, limit, show)
    unreached = [finding for grader in graders.values() for finding in grader.unreached()]
    _raise_if_more_is_wanted(label, kind, unreached, results)
    if results.load_error():
        return _checked(label, kind, unreached, results, loaded=False, error=results.load_error())
    unsupported = _unsupported(kind, graders, results)
    judged: dict[str, list[Judged]] = {}
    for number, (key, grader) in enumerate(graders.items()):
        if key not in unsupported:
            on_progress(number, len(graders), f"{grader.setting.name} (judging it)")
            judged[key] = [*grader.judged(key, results)]
    taken = taken_for(request["one_of"], graders, judged, results)
    unsupported |= taken.others
    notes = [note for key in taken.keys for note in results.notes(key)]
    notes += [item.note for key in taken.keys for item in judged[key] if item.note]
    notes += [taken.note] if taken.note else []
    if all(_is_unusable(key, grader, results) for key, grader in graders.items()):
        firsts = [graders[key].setting for key in taken.firsts]
        notes += _better_layouts(firsts, folder, request, limit)
    return _checked(
        label,
        kind,
        taken.findings if judged else unreached,
        results,
        not_supported=tuple(
            NotSupported(graders[key].setting.name, unsupported[key])
            for key in graders
            if key in unsupported
        ),
        notes=tuple(dict.fromkeys(notes)),
        error="" if judged else f"is made for no setting of `{kind}`",
    )


def _try(
    graders: Mapping[str, LayerGrader],
    folder: Path,
    request: dict[str, Any],
    limit: float,
    on_setting: Callable[[str], None] = lambda key: None,
    **how: bool,
) -> Results:
    """Let a class run in every setting."""
    asked = []
    for key, grader in graders.items():
        np.savez(folder / f"{key}-weights.npz", **grader.weights)  # type: ignore[arg-type]
        for number, probe in enumerate(grader.probes):
            given = {"x": probe.x, "grad_output": probe.grad_output}
            np.savez(folder / f"{key}-p{number}-given.npz", **given)  # type: ignore[arg-type]
        asked.append(grader.request(key) | how)
    return run_child(folder, request | {"settings": asked}, limit, on_setting)


def _unsupported(kind: str, graders: Mapping[str, LayerGrader], results: Results) -> dict[str, str]:
    """Return why a class is not made for a setting, for those for which it is not.

    A class may be one for images, or one for features, and not work for the other.
    """
    found = {key: why for key in graders if (why := results.unsupported(key)) is not None}
    if LAYERS[kind].of_one_rank:
        over = {key: len(grader.at.input) for key, grader in graders.items() if key not in found}
        made_for = {
            axes for key, axes in over.items() if not _is_unusable(key, graders[key], results)
        }
        for key, axes in over.items():
            if made_for and axes not in made_for:
                words = " and ".join(INPUTS[length] for length in sorted(made_for))
                found[key] = f"made for {words} alone"
    return found


def _is_unusable(key: str, grader: LayerGrader, results: Results) -> bool:
    """Tell whether the first forward pass raised, or gave another shape than it must."""
    probe = f"{key}-p0"
    if results.raised(probe, "forward"):
        return True
    output, wanted = results.arrays(probe).get("output"), grader.probes[0].grad_output.shape
    return output is not None and output.shape != wanted


def _better_layouts(
    settings: Sequence[Setting], folder: Path, request: dict[str, Any], limit: float
) -> Iterator[str]:
    """Name the layouts in which a forward pass is right that is not in the one given."""
    for layout in LAYOUTS:
        # Features have no channels that could be last, and images are no columns.
        alike = CHANNELS_LAST if len(settings[0].input) == 1 else ("columns",)
        if layout == request["layout"] or layout in alike:
            continue
        graders = {f"s{number}": grader_of(setting) for number, setting in enumerate(settings)}
        (inner := folder / layout).mkdir()
        asked = request | {"layout": layout}
        results = _try(graders, inner, asked, limit, forward_only=True)
        if results.hint() or results.load_error():
            continue
        findings = (
            item.finding
            for key, grader in graders.items()
            if not results.unsupported(key)
            for item in grader.judged(key, results)
        )
        right = (found.setting for found in findings if found.ok and found.quantity == "output")
        if setting := next(right, ""):
            yield f"with --layout {layout}, its forward pass is right ({setting})"


def _check_loss(
    label: str,
    kind: str,
    folder: Path,
    request: dict[str, Any],
    limit: float,
    on_progress: Progress,
) -> Checked:
    options = LOSS_KINDS[kind]()
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
            graders.append(
                LossGrader(options, f"{classes} classes, {kind_of_logits} logits", batches)
            )
    keys = [setting["key"] for setting in asked]

    def show(key: str) -> None:
        on_progress(keys.index(key), len(keys), graders[keys.index(key)].setting)

    results = run_child(folder, request | {"settings": asked}, limit, show)
    unreached = [finding for grader in graders for finding in grader.unreached()]
    _raise_if_more_is_wanted(label, kind, unreached, results)
    if results.load_error():
        return _checked(label, kind, unreached, results, loaded=False, error=results.load_error())
    judged = [item for grader in graders for item in grader.judged(results)]
    return _checked(label, kind, with_causes(judged, diagnose_loss), results)


def _checked(
    label: str, kind: str, findings: Iterable[CheckFinding], results: Results, **more: Any
) -> Checked:
    """Return findings with what the code printed."""
    text, lines = results.printed.text, results.printed.lines
    return Checked(label, kind, tuple(findings), output=text, lines_printed=lines, **more)


def _raise_if_more_is_wanted(
    label: str, kind: str, unreached: Sequence[CheckFinding], results: Results
) -> None:
    if hint := results.hint():
        raise NotTriedError(_checked(label, kind, unreached, results, error=hint))
