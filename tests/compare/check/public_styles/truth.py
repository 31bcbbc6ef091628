"""What a layer by hand must give, by torch, and whether it does: without anything of `check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = Mapping[str, Any]
Options = SimpleNamespace


Optimizer = Callable[[list[Array]], list[Array]]
"""An optimizer over some weights: of gradients, it gives the weights after the step."""


class NotTakenError(Exception):
    """The layer has no such option."""


def only(options: Options, **wanted: object) -> None:
    """Say which options a layer is made for."""
    for name, value in wanted.items():
        if getattr(options, name) != value:
            raise NotTakenError(name)


@dataclass(frozen=True)
class Bound:
    """A layer that is called as its author means it, with arrays as torch has them."""

    forward: Callable[[Array], Any]
    backward: Callable[[Array], Arrays]
    evaluate: Callable[[Array], Any] | None = None
    """The output in evaluation, after the passes so far."""


Loss = Callable[[Array, Array], tuple[Any, Array]]
"""A loss: of logits and labels, it gives the mean loss and the gradient of the logits."""


@dataclass(frozen=True)
class Trial:
    options: Options
    shapes: tuple[tuple[int, ...], ...]
    """Those of the inputs of passes that follow each other."""
    integers: bool = False
    """Small whole numbers: ties, zeros."""
    scale: float = 1.0
    needs: str = ""
    """An option that few layers take: those whose row says so."""


def _trials(kind: str) -> Iterator[Trial]:
    def options(**values: Any) -> Options:
        return Options(**values)

    if kind == "linear":
        for n, i, o in ((4, 3, 5), (1, 3, 2), (3, 1, 1), (5, 4, 5)):
            yield Trial(options(inputs=i, outputs=o), ((n, i), (2, i)))
    elif kind == "conv":
        for size, n, c, f, k, s, p in (
            ((6, 5), 2, 3, 4, (3, 3), 1, 0),
            ((7, 6), 2, 2, 3, (2, 2), 2, 0),
            ((6, 5), 1, 1, 1, (3, 3), 1, 1),
            ((7, 5), 3, 2, 3, (3, 3), 2, 1),
            ((6, 7), 2, 2, 3, (3, 2), 1, 0),
            ((6, 5), 1, 1, 3, (3, 3), 1, 0),
        ):
            yield Trial(
                options(inputs=c, outputs=f, kernel=k, stride=s, padding=p, dilation=1, groups=1),
                ((n, c, *size), (1, c, size[0] + 1, size[1])),
            )
        strides = options(
            inputs=2, outputs=3, kernel=(3, 2), stride=(2, 1), padding=0, dilation=1, groups=1
        )
        yield Trial(strides, ((2, 2, 7, 6),), needs="strides")
        alike = {"stride": 1, "padding": 0}
        dilated = options(inputs=2, outputs=3, kernel=(2, 2), dilation=2, groups=1, **alike)
        grouped = options(inputs=4, outputs=6, kernel=(2, 2), dilation=1, groups=2, **alike)
        yield Trial(grouped, ((2, 4, 6, 5),), needs="groups")
        yield Trial(dilated, ((2, 2, 6, 5),), needs="dilation")
    elif kind == "pool":
        for average in (False, True):
            for size, n, c, k, s, p in (
                ((6, 4), 2, 3, (2, 2), 2, 0),
                ((7, 6), 2, 2, (3, 3), 2, 0),
                ((5, 5), 3, 1, (2, 2), 1, 0),
                ((5, 6), 2, 2, (3, 3), 2, 1),
                ((6, 7), 2, 2, (3, 2), 2, 0),
            ):
                for integers in (False, True):
                    yield Trial(
                        options(kernel=k, stride=s, padding=p, average=average),
                        ((n, c, *size), (1, c, *size)),
                        integers,
                    )
    elif kind == "batch_norm":
        yield Trial(
            options(axes=4, features=3, momentum=0.1, eps=1e-5), ((4, 3, 5, 4), (2, 3, 4, 4))
        )
        yield Trial(options(axes=2, features=3, momentum=0.1, eps=1e-5), ((6, 3), (4, 3)))
    elif kind == "layer_norm":
        yield Trial(options(features=4, eps=1e-5), ((3, 4), (1, 4)))
    elif kind in ("global_pool", "flatten"):
        for average in (False, True) if kind == "global_pool" else (False,):
            yield Trial(options(average=average), ((2, 3, 4, 5), (1, 3, 4, 5)))
            yield Trial(options(average=average), ((1, 1, 3, 2),), integers=True)
    elif kind == "dropout":
        yield Trial(options(p=0.3), ((40, 50),))
        yield Trial(options(p=0.5), ((40, 50),))
        yield Trial(options(p=0.5, per="channel"), ((40, 50, 2, 2),), needs="channels")
    elif kind in ("sgd", "adam"):
        yield Trial(options(lr=0.1, momentum=0.9, weight_decay=0.05), ((3, 2), (2,)))
    elif kind == "cross_entropy":
        yield Trial(options(extreme=False), ((5, 4), (1, 4)))
        yield Trial(options(extreme=False), ((3, 2),))
        yield Trial(options(extreme=True), ((4, 10),), scale=300.0)
        yield Trial(options(extreme=True), ((4, 10),), scale=3000.0)
    else:
        shapes = ((4, 3), (2, 3)) if kind == "softmax" else ((2, 3, 4, 5), (1, 3, 4, 5))
        for approximate in ("none", "tanh") if kind == "gelu" else ("",):
            given = options(slope=0.2, approximate=approximate)
            yield Trial(given, shapes)
            yield Trial(given, shapes, integers=True)
            yield Trial(given, ((3, 5),), scale=30.0)
            yield Trial(given, ((3, 5),), scale=1000.0)


def trials(kind: str) -> list[Trial]:
    return list(_trials(kind))


def parameters(kind: str, options: Options, rng: np.random.Generator) -> dict[str, Array]:
    if kind == "linear":
        shape: tuple[int, ...] = (options.outputs, options.inputs)
    elif kind == "conv":
        shape = (options.outputs, options.inputs // options.groups, *options.kernel)
    elif kind in ("batch_norm", "layer_norm"):
        shape = (options.features,)
    else:
        return {}
    return {"weight": rng.normal(size=shape), "bias": rng.normal(size=shape[0])}


def reference(
    kind: str, o: Options, p: Mapping[str, Array], x: Array, d: Array
) -> dict[str, Array]:
    """Return what torch gives: the output and all gradients."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    given = torch.tensor(x, requires_grad=True)
    t = {name: torch.tensor(value, requires_grad=True) for name, value in p.items()}
    if kind == "linear":
        y = F.linear(given, t["weight"], t.get("bias"))
    elif kind == "conv":
        y = F.conv2d(given, t["weight"], t.get("bias"), o.stride, o.padding, o.dilation, o.groups)
    elif kind == "pool":
        pool = F.avg_pool2d if o.average else F.max_pool2d
        y = pool(given, o.kernel, o.stride, o.padding)
    elif kind == "global_pool":
        y = given.mean((2, 3)) if o.average else F.max_pool2d(given, x.shape[2:])[:, :, 0, 0]
    elif kind == "batch_norm":
        y = F.batch_norm(given, None, None, t["weight"], t["bias"], True, 0.0, o.eps)
    elif kind == "layer_norm":
        y = F.layer_norm(given, (o.features,), t["weight"], t["bias"], o.eps)
    elif kind == "flatten":
        y = given.flatten(1)
    elif kind == "leaky_relu":
        y = F.leaky_relu(given, o.slope)
    elif kind == "softmax":
        y = F.softmax(given, 1)
    elif kind == "gelu":
        y = F.gelu(given, approximate=o.approximate)
    else:
        y = getattr(torch, kind)(given)
    y.backward(torch.tensor(d.reshape(y.shape)))
    found = {name: value.grad.numpy() for name, value in t.items()}
    return {
        "output": y.detach().numpy(),
        "grad_input": given.grad.numpy(),
        **{f"grad_{name}": value for name, value in found.items()},
    }
