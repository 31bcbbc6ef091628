"""check_class(): a class from a file, tried, judged by the textbook and graded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnspec.backends.plain import Hints
from cnnspec.backends.plain.layouts import USUAL
from cnnspec.backends.plain.names import ARRAYS, INPUT_SHAPE, OUTPUT_SHAPE, nameable_options
from cnnspec.backends.plain.optimizers import nameable
from cnnspec.compare.check.layers import check_layer
from cnnspec.compare.check.losses import check_loss
from cnnspec.compare.check.offered import may_be_required
from cnnspec.compare.check.optimizers import check_optimizer
from cnnspec.compare.check.records import TAKEN_BY_A_LOSS, Checked
from cnnspec.compare.check.settings import check_size, lying_so
from cnnspec.compare.check.trying import Asked, Progress
from cnnspec.compare.kinds import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.errors import BackendError
from cnnspec.spec.layers import KINDS as LAYER_KINDS
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.optimizers import OPTIMIZERS as OPTIMIZER_KINDS
from cnnspec.spec.optimizers import AnyOptimizer, Optimizer

KINDS = (*LAYER_KINDS, *LOSSES, *OPTIMIZERS)
"""What a class may be checked as."""


def check_class(
    candidate: str,
    kind: str,
    *,
    like: AnyLayer | AnyOptimizer | None = None,
    of: str = "",
    names: Mapping[str, str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    layout: str | None = None,
    require: Sequence[str] = (),
    time_limit: float = 10.0,
    import_limit: float = 60.0,
    on_progress: Progress = lambda done, total, what: None,
) -> Checked:
    """Try a class from a file, `path/to/file.py:Conv2D`, as a kind of layer or as the loss.

    Whatever the code does is in what is returned; it may not even load, or more must be said
    about it: then `error` says what, and there is no grade.

    `like` is a layer, or an optimizer, whose options are tried, in place of a list of settings:
    what the class has no parameter for is taken as built in. A loss is one `of` logits, or of
    probabilities, as a softmax gives them: that one is tried behind a softmax. Where neither is
    said, a loss is taken for what it fits.

    `layout` is how its images lie; where none is said, a class is judged in that which it is
    made for. `names` says what the class calls something, by our name for it; `arguments` are
    given to its constructor; `require` names what it must offer, where else a class may leave out
    what it likes; each setting must end within `time_limit` seconds, and the file be loaded within
    `import_limit`. `on_progress` is called before each setting: how many are done, of how many,
    and which comes now. The code runs in a process of its own. Nothing here needs torch.

    Raises:
        BackendError: there is no such file, a name is mapped or something is required that a
            layer of this kind lacks, the layer is too large, `of` is not what a loss takes, or
            what is no layer is given a layout.
        ShapeError: no input fits the options.
    """
    _check_names(kind, names or {})
    _check_required(kind, require)
    if of and (kind not in LOSSES or of not in TAKEN_BY_A_LOSS):
        wanted = " or ".join(f"`{each}`" for each in TAKEN_BY_A_LOSS)
        raise BackendError(f"`of` is what a loss takes, {wanted}; found `{of}` for {kind}")
    if layout is not None and kind not in LAYERS:
        raise BackendError(f"--layout {layout}: only layers have one; leave it out for {kind}")
    path, _, name = candidate.rpartition(":")
    if not Path(path).is_file():
        raise BackendError(f"there is no file `{path or candidate}`; wanted FILE.py:CLASS")
    if not name:
        raise BackendError(f"wanted FILE.py:CLASS, found `{candidate}` without a class")
    request: dict[str, Any] = {
        "file": str(Path(path).resolve()),
        "name": name,
        "kind": kind,
        "names": dict(names or {}),
        "arguments": dict(arguments or {}),
        "layout": layout or USUAL,
        "built_in": like is not None,
        "one_of": LAYERS[kind].one_of if kind in LAYERS and like is None else "",
        "import_limit": import_limit,
        "of": of,
    }
    label = f"{Path(path).name}:{name}"
    required, said = tuple(require), layout is not None
    asked = Asked(label, kind, request, required, said, time_limit, on_progress)
    if kind in LOSSES:
        return check_loss(asked)
    if kind in OPTIMIZERS:
        assert like is None or isinstance(like, Optimizer)
        return check_optimizer(asked, like)
    room = LAYERS[kind]
    settings = room.tried(LAYER_KINDS[kind]) if like is None else room.like(like)
    settings = lying_so(settings, request["layout"])
    for setting in settings:
        check_size(setting)
    return check_layer(asked, settings)


def _check_names(kind: str, names: Mapping[str, str]) -> None:
    """Refuse names for what a layer of this kind does not have."""
    if kind in OPTIMIZERS:
        known = nameable(OPTIMIZER_KINDS[kind])
        if unknown := [name for name in names if name not in known]:
            raise BackendError(
                f"--map {unknown[0]}: a {kind} has nothing called so; it has {', '.join(known)}"
            )
        return
    Hints(names)
    if kind in LOSSES:  # told by the loss itself
        return
    options = {*nameable_options(LAYER_KINDS[kind]), INPUT_SHAPE, OUTPUT_SHAPE}
    of_others = {option for other in LAYER_KINDS.values() for option in nameable_options(other)}
    foreign = [name for name in names if name in of_others - options - ARRAYS.keys()]
    if foreign:
        own = ", ".join(sorted(options))
        raise BackendError(f"--map {foreign[0]}: a {kind} has no such option; it has {own}")


def _check_required(kind: str, require: Sequence[str]) -> None:
    """Refuse to require what a layer of this kind does not have."""
    known = may_be_required(kind)
    for name in require:
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "nothing of it can be left out"
            raise BackendError(f"--require {name}: a {kind} has nothing called so; {there}")
