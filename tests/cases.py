"""Layer cases: every kind of layer in many settings. Sizes are small, so that loops are quick."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cnnspec.plan import Plan, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array, LayerTrace

Exact = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A layer and the shape of what it receives."""

    layer: AnyLayer
    input: Shape
    mean: float = 0.0
    """Of the inputs that the layer is given alone."""

    def batch(self, images: int) -> int:
        """Return a number of images, or the smallest that training can take."""
        return max(images, self.layer.least_batch(self.input))

    @property
    def facets(self) -> list[str]:
        """Its kind, and each option that is not the default: what may go wrong by itself."""
        given = self.layer.model_dump(exclude_defaults=True)
        own = [
            f"{name} {value}" if isinstance(value, str) else name for name, value in given.items()
        ]
        return [f"{self.layer.keyword} {facet}" for facet in ("", f"{len(self.input)} axes", *own)]

    @cached_property
    def plan(self) -> Plan:
        """The layer, named `layer`, behind a learnt layer: training needs its input gradient."""
        layer = self.layer.model_copy(update={"name": "layer"})
        if len(self.input) == 1:
            (features,) = self.input
            before = Linear(name="before", out_features=features)
            return resolve(ModelSpec(input=(features, 1, 1), layers=[Flatten(), before, layer]))
        before = Conv(name="before", out_channels=self.input[0], kernel_size=1)
        logits = [Flatten()] if len(layer.output_shape(self.input)) == 3 else []
        return resolve(ModelSpec(input=self.input, layers=[before, layer, *logits]))


CONVS = {
    "plain": Case(Conv(out_channels=3, kernel_size=3), (2, 5, 4)),
    "wide-image": Case(Conv(out_channels=2, kernel_size=2), (1, 2, 7)),
    "one-pixel": Case(Conv(out_channels=2, kernel_size=1), (3, 1, 1)),
    "1x1": Case(Conv(out_channels=4, kernel_size=1), (3, 3, 2)),
    "1x1-stride": Case(Conv(out_channels=2, kernel_size=1, stride=2), (2, 5, 4)),
    "1x1-padding": Case(Conv(out_channels=2, kernel_size=1, padding=1), (2, 2, 3)),
    "kernel-as-input": Case(Conv(out_channels=3, kernel_size=(4, 3)), (2, 4, 3)),
    "kernel-as-padded-input": Case(Conv(out_channels=2, kernel_size=(4, 5), padding=1), (2, 2, 3)),
    "tall-kernel": Case(Conv(out_channels=2, kernel_size=(3, 1)), (2, 5, 3)),
    "wide-kernel": Case(Conv(out_channels=2, kernel_size=(1, 3)), (2, 3, 5)),
    "even-kernel": Case(Conv(out_channels=2, kernel_size=(2, 4), padding=1), (2, 3, 4)),
    "stride": Case(Conv(out_channels=2, kernel_size=3, stride=2), (2, 7, 5)),
    "stride-tall": Case(Conv(out_channels=2, kernel_size=2, stride=(2, 1)), (2, 5, 4)),
    "stride-wide": Case(Conv(out_channels=2, kernel_size=2, stride=(1, 3)), (2, 3, 7)),
    "stride-leaves-cells": Case(Conv(out_channels=2, kernel_size=2, stride=2), (2, 5, 7)),
    "stride-over-kernel": Case(Conv(out_channels=2, kernel_size=1, stride=(3, 2)), (2, 5, 6)),
    "stride-over-kernel-padded": Case(
        Conv(out_channels=2, kernel_size=2, stride=3, padding=1), (2, 6, 5)
    ),
    "padding": Case(Conv(out_channels=2, kernel_size=3, padding=1), (2, 4, 3)),
    "padding-tall": Case(Conv(out_channels=2, kernel_size=3, padding=(2, 0)), (2, 2, 5)),
    "padding-wide": Case(Conv(out_channels=2, kernel_size=3, padding=(0, 2)), (2, 4, 2)),
    "padding-over-kernel": Case(Conv(out_channels=2, kernel_size=2, padding=3), (1, 2, 3)),
    "same": Case(Conv(out_channels=2, kernel_size=3, padding="same"), (2, 4, 3)),
    "same-even": Case(Conv(out_channels=2, kernel_size=2, padding="same"), (2, 3, 4)),
    "same-even-tall": Case(Conv(out_channels=2, kernel_size=(4, 3), padding="same"), (2, 5, 3)),
    "same-even-wide": Case(Conv(out_channels=2, kernel_size=(1, 4), padding="same"), (2, 2, 5)),
    "same-1x1": Case(Conv(out_channels=2, kernel_size=1, padding="same"), (2, 3, 2)),
    "same-over-input": Case(Conv(out_channels=2, kernel_size=5, padding="same"), (2, 2, 3)),
    "same-dilation": Case(
        Conv(out_channels=2, kernel_size=3, padding="same", dilation=2), (2, 4, 5)
    ),
    "same-even-dilation": Case(
        Conv(out_channels=2, kernel_size=2, padding="same", dilation=(3, 1)), (2, 4, 3)
    ),
    "dilation": Case(Conv(out_channels=2, kernel_size=2, dilation=2), (2, 5, 4)),
    "dilation-tall": Case(Conv(out_channels=2, kernel_size=(3, 2), dilation=(2, 1)), (2, 6, 3)),
    "dilation-wide": Case(Conv(out_channels=2, kernel_size=2, dilation=(1, 3)), (2, 3, 6)),
    "dilation-stride-padding": Case(
        Conv(out_channels=2, kernel_size=(3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 3)),
        (2, 4, 6),
    ),
    "groups": Case(Conv(out_channels=4, kernel_size=2, groups=2), (4, 3, 4)),
    "groups-fewer-outputs": Case(Conv(out_channels=2, kernel_size=2, groups=2), (6, 3, 3)),
    "groups-stride-padding": Case(
        Conv(out_channels=6, kernel_size=(3, 2), stride=2, padding=1, groups=3), (3, 4, 5)
    ),
    "depthwise": Case(Conv(out_channels=3, kernel_size=3, padding=1, groups=3), (3, 3, 4)),
    "depthwise-multiplier": Case(Conv(out_channels=6, kernel_size=2, groups=3), (3, 3, 4)),
    "depthwise-same-even": Case(
        Conv(out_channels=2, kernel_size=2, padding="same", groups=2), (2, 4, 3)
    ),
    "no-bias": Case(Conv(out_channels=3, kernel_size=2, bias=False), (2, 4, 3)),
    "no-bias-groups": Case(
        Conv(out_channels=4, kernel_size=2, stride=2, groups=2, bias=False), (2, 5, 4)
    ),
    "written-channels": Case(Conv(out_channels=2, kernel_size=2, in_channels=3), (3, 3, 3)),
    "everything": Case(
        Conv(
            out_channels=4,
            kernel_size=(2, 3),
            stride=(2, 1),
            padding=(1, 2),
            dilation=(3, 2),
            groups=2,
            bias=False,
        ),
        (4, 6, 5),
    ),
}

# Each with both kinds: {} is max, {"kind": "avg"} the average.
POOLS = {
    "plain": ({"kernel_size": 2}, (2, 4, 6)),
    "one-cell": ({"kernel_size": 1}, (2, 3, 2)),
    "whole-image": ({"kernel_size": (3, 5)}, (2, 3, 5)),
    "tall-kernel": ({"kernel_size": (3, 1)}, (2, 6, 3)),
    "wide-kernel": ({"kernel_size": (1, 3)}, (2, 2, 6)),
    "leaves-cells": ({"kernel_size": 2}, (2, 5, 7)),
    "overlap": ({"kernel_size": 3, "stride": 2}, (2, 5, 7)),
    "overlap-by-all-but-one": ({"kernel_size": (3, 2), "stride": 1}, (2, 5, 4)),
    "overlap-one-axis": ({"kernel_size": 3, "stride": (1, 3)}, (2, 5, 6)),
    "stride-over-kernel": ({"kernel_size": 2, "stride": 3}, (2, 6, 8)),
    "stride-over-kernel-ceil": ({"kernel_size": 2, "stride": 3, "ceil_mode": True}, (2, 7, 6)),
    "padding": ({"kernel_size": 3, "padding": 1}, (2, 5, 4)),
    "padding-half-of-even": ({"kernel_size": 2, "padding": 1}, (2, 4, 3)),
    "padding-tall": ({"kernel_size": (4, 2), "stride": 2, "padding": (2, 0)}, (2, 5, 4)),
    "padding-wide": ({"kernel_size": (2, 3), "stride": (2, 1), "padding": (0, 1)}, (2, 4, 3)),
    "padding-overlap": ({"kernel_size": 3, "stride": 1, "padding": 1}, (2, 3, 4)),
    "padding-around-one-pixel": ({"kernel_size": 3, "padding": 1}, (2, 1, 1)),
    "ceil": ({"kernel_size": 2, "ceil_mode": True}, (2, 5, 4)),
    "ceil-overlap": ({"kernel_size": 3, "stride": 2, "ceil_mode": True}, (2, 6, 5)),
    "ceil-that-fits": ({"kernel_size": 2, "ceil_mode": True}, (2, 4, 6)),
    "ceil-pair": ({"kernel_size": (2, 4), "stride": (3, 2), "ceil_mode": True}, (2, 6, 7)),
    "ceil-padding": (
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        (2, 6, 4),
    ),
    "ceil-padding-drops-window": ({"kernel_size": 2, "padding": 1, "ceil_mode": True}, (2, 3, 5)),
    "ceil-padding-pair": (
        {"kernel_size": (4, 3), "stride": (3, 2), "padding": (2, 1), "ceil_mode": True},
        (2, 5, 6),
    ),
}

RELUS = {
    "image": Case(ReLU(), (2, 3, 4)),
    "features": Case(ReLU(), (7,)),
    "one-number": Case(ReLU(), (1,)),
}

FLATTENS = {
    "image": Case(Flatten(), (2, 3, 4)),
    "one-pixel": Case(Flatten(), (3, 1, 1)),
    "one-row": Case(Flatten(), (2, 1, 5)),
    "features": Case(Flatten(), (6,)),
}

LINEARS = {
    "plain": Case(Linear(out_features=4), (6,)),
    "wider": Case(Linear(out_features=7), (3,)),
    "one-input": Case(Linear(out_features=3), (1,)),
    "one-output": Case(Linear(out_features=1), (5,)),
    "no-bias": Case(Linear(out_features=3, bias=False), (4,)),
    "written-features": Case(Linear(out_features=2, in_features=5), (5,)),
}

BATCH_NORMS = {
    "image": Case(BatchNorm(), (2, 3, 4)),
    "features": Case(BatchNorm(), (5,)),
    "one-feature": Case(BatchNorm(), (1,)),
    "one-row": Case(BatchNorm(), (3, 1, 5)),
    "one-pixel": Case(BatchNorm(), (4, 1, 1)),
    "not-affine": Case(BatchNorm(affine=False), (2, 2, 3)),
    "features-not-affine": Case(BatchNorm(affine=False), (4,)),
    "eps": Case(BatchNorm(eps=0.5), (2, 3, 2)),
    "momentum": Case(BatchNorm(momentum=0.75), (2, 3, 2)),
    "no-momentum": Case(BatchNorm(momentum=0.0), (2, 3, 2)),
    "all-momentum": Case(BatchNorm(momentum=1.0), (2, 2, 2)),
    "written-channels": Case(BatchNorm(num_features=3), (3, 2, 3)),
    "mean-far-from-0": Case(BatchNorm(), (2, 3, 4), mean=100.0),
}

CASES = (
    {f"conv-{name}": case for name, case in CONVS.items()}
    | {f"pool-max-{name}": Case(Pool(**options), shape) for name, (options, shape) in POOLS.items()}
    | {
        f"pool-avg-{name}": Case(Pool(kind="avg", **options), shape)
        for name, (options, shape) in POOLS.items()
    }
    | {f"relu-{name}": case for name, case in RELUS.items()}
    | {f"flatten-{name}": case for name, case in FLATTENS.items()}
    | {f"linear-{name}": case for name, case in LINEARS.items()}
    | {f"batch_norm-{name}": case for name, case in BATCH_NORMS.items()}
)

FACETS = {name: case.facets for name, case in CASES.items()}
"""For `covering`: what of each case must meet every backend and precision."""


def normal(shape: Shape, *purpose: str | int, precision: str = "float32") -> Array:
    """Draw numbers of both signs; float32 numbers are the same in both precisions."""
    drawn = stream(0, "tests", *purpose).normal(size=shape)
    return drawn.astype(precision).astype(np.float64)


def batch_of(plan: Plan, batch: int, *purpose: str | int) -> tuple[Array, NDArray[np.integer]]:
    """Draw images and labels; a float32 network need not convert the images, nor copy them."""
    labels = stream(0, "tests", "labels", *purpose).integers(0, plan.classes, batch)
    return normal((batch, *plan.input), "images", *purpose).astype(np.float32), labels


def quantities(trace: LayerTrace) -> dict[str, Array]:
    """Return a layer's arrays under the names that `Layer.reductions` uses, and its buffers'."""
    return {
        "output": trace.output,
        "grad_input": trace.grad_input,
        **trace.grad_parameters,
        **trace.buffers,
    }


def assert_within(found: Array | float, wanted: Array | float, budget: Exact, what: str) -> None:
    """Hold two arrays together, element by element; a NaN is never within."""
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape}, wanted {b.shape}"
    difference = np.abs(a - b)
    far = ~(difference <= budget)
    assert not far.any(), (
        f"{what}: {far.sum()} of {far.size} beyond the budget; the first at "
        f"{np.argwhere(far)[0].tolist()}: found {a[far][0]!r}, wanted {b[far][0]!r}, "
        f"budget {np.broadcast_to(budget, far.shape)[far][0]!r}"
    )


def assert_same_bits(found: dict[str, Array], wanted: dict[str, Array]) -> None:
    """Hold named arrays together bit by bit."""
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        assert array.dtype == wanted[name].dtype, name
        assert array.shape == wanted[name].shape, name
        assert array.tobytes() == wanted[name].tobytes(), f"`{name}` differs"
