"""plain_network(): plain classes as a network that can be compared and trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from cnnspec.backends import loops, numpy
from cnnspec.backends.assembled import AssembledNetwork
from cnnspec.backends.device import require_cpu
from cnnspec.backends.parts import Loss
from cnnspec.backends.plain import PlainClassError, PlainLayer
from cnnspec.plan import Plan
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.diagnostics import brief
from cnnspec.spec.layers import JOINS, KINDS
from cnnspec.spec.training import Training
from cnnspec.spec.words import meant


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
    Blocks are laid out in layers, and branches joined by the textbook: neither takes a class.

    Raises:
        UnsupportedSettingError: a class cannot express an option of the spec.
        HintError: more must be said about a class.
        PlainClassError: a class lacks something that a layer must have, or is given for what is
            no kind of layer.
    """
    require_cpu("a network of plain classes", device)
    arguments = arguments or {}
    _check_kinds(layers, "layers")
    _check_kinds(arguments, "arguments")
    spare = next((kind for kind in arguments if kind not in layers), None)
    if spare:
        raise PlainClassError(
            f"`arguments` has some for `{spare}`, of which `layers` has no class; give a class, or "
            "leave them out"
        )
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
            arguments=arguments.get(kind),
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


def _check_kinds(kinds: Iterable[str], option: str) -> None:
    """Hold the words that classes are given for against the kinds of layers.

    Raises:
        PlainClassError: one of them is no kind of layer, or one that takes no class.
    """
    for kind in kinds:
        if kind in COMPOSITES:
            raise PlainClassError(
                f"`{option}` has the block `{kind}`, which takes no class: it comes to layers; "
                "give classes for the kinds of layers in it"
            )
        if kind in JOINS:
            raise PlainClassError(
                f"`{option}` has the join `{kind}`, which takes no class: a class has one input, "
                "and a join several; leave it out, and the textbook's is used"
            )
        if kind not in KINDS:
            near = (meant(str(kind), KINDS, "layer") or "").partition(":")[0]
            way_out = f"did you mean `{near}`?" if near else f"known are {', '.join(KINDS)}"
            raise PlainClassError(
                f"`{option}` has `{brief(str(kind))}`, and no kind of layer is called so; {way_out}"
            )
