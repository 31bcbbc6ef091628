"""What a batch norm makes of arrays that are off already, and what it adds.

Of a channel, x has the m values with mean mu, biased variance v, d = x - mu, s = sqrt(v + eps),
r = 1/s and z = d r (as in `cnnspec.compare.kinds.batch_norm.bounds`), and is off by at most e. Let
E be the mean of e and Q the root of the mean of e^2. All x' on the way have sqrt v' >= sqrt v - Q,
so r' <= R = 1/sqrt(max(sqrt v - Q, 0)^2 + eps), and |z'| <= Z = min((|d| + e + E) R, sqrt m).

The output. The slope of z_i is r (dx_i - mean dx - z_i mean(z dx)), so by the mean value theorem
z is off by at most dz = R (e + E + Z mean(Z e)), and by no more than 2 sqrt m.

The gradient of x is weight r (g - a - z b), a = mean g, b = mean(g z), g being off by at most h:
b by mean(h Z + |g| dz), a by mean h, and r by |1/s - 1/s'| = |s - s'| r r' <= Q r R.

What runs. The mean is off by E, the variance by 2 sqrt v Q + Q^2.

The layer's own roundings are those of `bounds`, doubled: they are taken at x and g, which
are off. In evaluation the output is a sum of products with at most 12 roundings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnspec.compare.carry import Errors, Weights
from cnnspec.compare.kinds.batch_norm.bounds import batch_norm_budgets
from cnnspec.compare.kinds.layer import LayerKind
from cnnspec.numerics.budget import Exact, gamma
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import BatchNorm


class _Channels(NamedTuple):
    """What is known of each channel; arrays are (n, channels, places), or broadcast to that."""

    m: int
    weight: Exact
    z: Exact
    dz: Exact
    z_most: Exact
    r: Exact
    r_most: Exact
    mean_e: Exact
    root_e: Exact
    deviation: Exact


class BatchNormCarry(LayerKind):
    """What a batch norm makes of errors."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        known = _channels(at, weights, x, e)
        own = _own(at, weights, x, np.zeros_like(x))["output"]
        return (known.weight * known.dz).reshape(x.shape) + own

    def predict(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        arrays = {name: array[:, None] for name, array in weights.of_layer(at).items()}
        with np.errstate(divide="ignore"):
            scale = np.abs(arrays.get("weight", np.ones(1))) / np.sqrt(
                arrays["running_var"] + _layer(at).eps
            )
        rows, errors = (array.reshape(len(x), len(arrays["running_var"]), -1) for array in (x, e))
        size = scale * (np.abs(rows) + errors + np.abs(arrays["running_mean"]))
        size = size + np.abs(arrays.get("bias", np.zeros(1)))
        bound: Exact = scale * errors + gamma(12, weights.precision) * size
        return bound.reshape(x.shape)

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        known = _channels(at, weights, x, e)
        grad, off = (array.reshape(known.z.shape) for array in (g, d))
        a, b = _mean(grad), _mean(grad * known.z)
        b_off = _mean(off * known.z_most + np.abs(grad) * known.dz)
        inner = np.abs(grad) + np.abs(a) + np.abs(known.z * b)
        inner_off = off + _mean(off) + known.dz * (np.abs(b) + b_off) + np.abs(known.z) * b_off
        r_off = known.root_e * known.r * known.r_most
        carried = known.weight * (known.r_most * inner_off + r_off * inner)
        own = _own(at, weights, x, g)
        errors = {}
        if at.parameters:
            errors["weight"] = known.m * b_off.ravel() + own["grad_weight"]
            size = _mean(np.abs(grad) + off).ravel() * known.m
            sums = gamma(2 * known.m, weights.precision) * size
            errors["bias"] = known.m * _mean(off).ravel() + sums
        return carried.reshape(x.shape) + own["grad_input"], errors

    def buffers(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Errors:
        known, momentum = _channels(at, weights, x, e), _layer(at).momentum
        own = _own(at, weights, x, np.zeros_like(x))
        of_variance = (2 * known.deviation + known.root_e) * known.root_e
        of_variance = of_variance * known.m / (known.m - 1)
        return {
            "running_mean": momentum * known.mean_e.ravel() + own["running_mean"],
            "running_var": momentum * of_variance.ravel() + own["running_var"],
        }


def _channels(at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> _Channels:
    channels = at.input[0]
    rows, errors = (array.reshape(len(x), channels, -1) for array in (x, e))
    m, eps = rows.shape[0] * rows.shape[2], _layer(at).eps
    centred = rows - _mean(rows)
    deviation = np.sqrt(_mean(centred**2))
    mean_e, root_e = _mean(errors), np.sqrt(_mean(errors**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = 1 / np.sqrt(deviation**2 + eps)
        r_most = 1 / np.sqrt(np.maximum(deviation - root_e, 0) ** 2 + eps)
        z_most = np.minimum((np.abs(centred) + errors + mean_e) * r_most, np.sqrt(m))
        dz = r_most * (errors + mean_e + z_most * _mean(z_most * errors))
    weight = np.abs(weights.of_layer(at).get("weight", np.ones(channels)))[:, None]
    dz = np.minimum(dz, 2 * np.sqrt(m))
    return _Channels(m, weight, centred * r, dz, z_most, r, r_most, mean_e, root_e, deviation)


def _own(at: PlannedLayer, weights: Weights, x: Exact, grad: Exact) -> Errors:
    arrays = weights.of_layer(at)
    found = batch_norm_budgets(_layer(at), x, arrays, arrays, grad, weights.precision)
    return {name: 2 * bound for name, bound in found.items()}


def _layer(at: PlannedLayer) -> BatchNorm:
    assert isinstance(at.layer, BatchNorm)
    return at.layer


def _mean(values: Exact) -> Exact:
    """Return the mean over images and places, for each channel."""
    mean: Exact = values.mean(axis=(0, 2), keepdims=True)
    return mean
