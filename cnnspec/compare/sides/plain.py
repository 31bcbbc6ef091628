"""plain_network(): plain classes as a network that can be compared and trained."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cnnspec.backends import loops, numpy
from cnnspec.backends.assembled import AssembledNetwork
from cnnspec.backends.device import require_cpu
from cnnspec.backends.parts import Loss
from cnnspec.backends.plain import PlainClassError, PlainLayer
from cnnspec.plan import Plan
from cnnspec.spec.training import Training


def plain_network(
    plan: Plan,
    training: Training,
    *,
    layers: Mapping[str, type],
    device: str = "cpu",
    loss: Loss | None = None,
    names: Mapping[str, str] | None = None,
    layout: str = "nchw",
    arguments: Mapping[str, Mapping[str, Any]] | None = None,
    built_in: bool = False,
) -> AssembledNetwork:
    """Return a network whose layers of some kinds are plain classes: {"conv": Conv2D}.

    Kinds that are not given, and the loss if it is not, are the textbook's, the optimizers those of
    the NumPy engine.
    `names` says what the classes call something, where it is no conventional name; `arguments`
    are given to constructors, by kind: {"conv": {"activation": None}}. With `built_in`, options
    of the spec that a constructor has no parameter for are taken as what the class does anyway.

    Raises:
        UnsupportedSettingError: a class cannot express an option of the spec.
        HintError: more must be said about a class.
        PlainClassError: a class lacks something that a layer must have.
    """
    require_cpu("a network of plain classes", device)
    drawing = next((at for at in plan.layers if at.mask and at.kind in layers), None)
    if drawing:
        raise PlainClassError(
            f"`{drawing.name}`: a class of one's own draws its own mask, and would drop other "
            "numbers than any network that it is held against; leave it out of `layers` and try "
            f"it alone: cnnspec check FILE.py:CLASS --as {drawing.kind}"
        )
    plain: dict[str, Any] = {
        kind: partial(
            PlainLayer,
            cls,
            names=names,
            layout=layout,
            arguments=(arguments or {}).get(kind),
            built_in=built_in,
        )
        for kind, cls in layers.items()
    }
    return AssembledNetwork(
        plan,
        training,
        backend="plain",
        layers={**loops.LAYERS, **plain},
        loss=loss or loops.LOSSES[training.loss.keyword],
        optimizers=numpy.OPTIMIZERS,
    )
