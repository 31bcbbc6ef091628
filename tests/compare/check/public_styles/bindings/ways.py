"""The few ways in which layers by hand hold arrays, between theirs and torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.compare.check.public_styles.truth import Array, Arrays, Bound


def to_hwc(x: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, -3, -1))


def to_chw(x: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, -1, -3))


def kernel_hwio(w: Array) -> Array:
    """Turn a kernel (out, in, h, w) into (h, w, in, out)."""
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0))


def kernel_oihw(w: Array) -> Array:
    return np.ascontiguousarray(w.transpose(3, 2, 0, 1))


def channels_last(layer: Bound) -> Bound:
    """Call a layer of images (n, h, w, c) with images (n, c, h, w)."""

    def turned(y: Array) -> Array:
        return to_chw(y) if y.ndim == 4 else y

    def backward(d: Array) -> Arrays:
        grads = dict(layer.backward(to_hwc(d) if d.ndim == 4 else d))
        return grads | {"grad_input": to_chw(grads["grad_input"])}

    return Bound(lambda x: turned(layer.forward(to_hwc(x))), backward)


def one_by_one(layers: Callable[[], Bound]) -> Bound:
    """Call a layer of single samples with batches: an object for each sample, gradients summed."""
    kept: list[Bound] = []

    def forward(x: Array) -> Array:
        kept[:] = [layers() for _ in x]
        return np.stack([one.forward(sample) for one, sample in zip(kept, x)])

    def backward(d: Array) -> Arrays:
        found = [one.backward(sample) for one, sample in zip(kept, d)]
        grads: dict[str, Any] = {name: sum(f[name] for f in found) for name in found[0]}
        if "grad_input" in grads:
            grads["grad_input"] = np.stack([f["grad_input"] for f in found])
        return grads

    return Bound(forward, backward)


def plain(layer: Any) -> Bound:
    """Call a layer without parameters."""
    return Bound(layer.forward, lambda d: {"grad_input": layer.backward(d)})


def flattened_last(layer: Any) -> Bound:
    """Call a flatten of a channels-last network, its features put in torch's order."""
    run = layer if callable(layer) else layer.forward
    sides = [0, 0, 0]

    def forward(x: Array) -> Array:
        sides[:] = x.shape[1:]
        c, h, w = sides
        return to_chw(run(to_hwc(x)).reshape(len(x), h, w, c)).reshape(len(x), -1)

    def backward(d: Array) -> Arrays:
        given = to_hwc(d.reshape(len(d), *sides)).reshape(len(d), -1)
        return {"grad_input": to_chw(layer.backward(given))}

    return Bound(forward, backward)


def updating(layer: Any, names: tuple[str, ...], p: Arrays, back: str = "backward") -> Bound:
    """Call a layer that steps at once by a rate: a gradient is what the step took, over it."""
    rate = 2.0**-20

    def forward(x: Array) -> Any:
        for name, value in zip(names, p.values()):
            setattr(layer, name, value.copy())
        return layer.forward(x)

    def backward(d: Array) -> Arrays:
        got = getattr(layer, back)(d, rate)
        grads = [(value - getattr(layer, name)) / rate for name, value in zip(names, p.values())]
        found = dict(zip(("grad_weight", "grad_bias"), grads))
        return found if got is None else {"grad_input": got, **found}

    return Bound(forward, backward)
