"""How far apart two correct batch norms may be: bounds for every way to compute it that is sane.

Of a channel, m values x with mean mu and biased variance v are given; w = v + eps,
r = 1 / sqrt(w), d = x - mu, z = d r, and the output is weight z + bias. A is the mean of |x|
and M its maximum; K = m + 2 log2(m) + 8 is the longest chain of roundings, and g its gamma_K
(for gamma and the arithmetic behind it see `cnnspec.numerics.budget`). Errors are written d_.

The mean. A sum in any order is off by g A, and so is Welford's running mean, whose errors obey
k e_k <= (k - 1) e_(k-1) + 2 u |x_k - mu_(k-1)| + u k |mu_k|, where k |mu_k| <= m A. On the way
to the last k it is off by at most E = g M.

The variance. In two passes, the squares of x - mu' sum to m (v + (mu' - mu)^2): off by
g v + 2 E^2. Welford's sums a_k b_k, a_k = x_k - mu_(k-1), b_k = x_k - mu_k, are exactly m v in
total; errors of both means move that by at most E sum(|a| + |b|) + m E^2. As
b_k = (1 - 1/k) a_k, sum a^2 <= 2 m v and sum b^2 <= m v (k > 1): by Cauchy and Schwarz the first
term is at most (1 + sqrt 2) m E sqrt v. Both together: d_v = g v + 3 E sqrt v + 2 E^2. The middle
term is the condition number of Chan, Golub and LeVeque (1983). The mean of squares less the
square of the mean is off by g M^2: it is not sane where |mu| is far above sqrt v.

The root. 1/sqrt(w') - 1/sqrt(w) = (w - w') / (sqrt(w w') (sqrt w + sqrt w')); w' is at least
w - d_w, and at least eps, since no sane variance is below 0. r+ bounds r'.

The output. weight (x - mu') r' + bias and x (weight r') + (bias - mu' weight r') are both, but
for roundings, off by |weight| (|d| d_r + d_mu r+); they round terms of at most |weight| X r+ and
|bias|, X = |x| + 2 A. So does z.

The gradients. Of the bias: a sum of m terms. Of the weight: the sum of G z, off by the sum of
|G| d_z, and g times that of |G| X r+. Of x: weight r (G - a - z b), where a is the mean of G and
b that of G z; the product of p' and q' is off by at most d_p q + (p + d_p) d_q. Going back by way
of the gradients of mu and v adds that of v times the mean of -2 d', which is 0 but for d_z: one
more b d_z, of which 3 are allowed.

What runs, (1 - momentum) old + momentum new or old + momentum (new - old), meets 8 roundings of
|old| + momentum (|new| + |old|), and d_new momentum.

These bounds are evaluated in float64 themselves: gamma is that of both. K underflows may each be
multiplied by r+ twice. Where a sum, a square or a sum of squares overflows, nothing can be said:
the bounds are infinite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cnnspec.numerics.budget import Exact, gamma
from cnnspec.spec.layers import BatchNorm


@dataclass(frozen=True)
class ChannelTerms:
    """What is known of each channel; arrays are (n, channels, places), or broadcast to that."""

    precision: str
    m: int
    """Values in each."""
    k: int
    """K, the longest chain of roundings."""
    size: Exact
    """X, what the terms of x - mean may be in size."""
    d: Exact
    mean: Exact
    mean_error: Exact
    variance: Exact
    variance_error: Exact
    r: Exact
    r_error: Exact
    r_most: Exact

    def gamma(self, k: int) -> float:
        return _gamma(k, self.precision)

    def z_error(self) -> Exact:
        roundings = self.gamma(8) * self.size * self.r_most
        error: Exact = np.abs(self.d) * self.r_error + self.mean_error * self.r_most + roundings
        return error


def batch_norm_budgets(
    layer: BatchNorm,
    x: Exact,
    parameters: Mapping[str, Exact],
    buffers: Mapping[str, Exact],
    grad_output: Exact,
    precision: str,
) -> dict[str, Exact]:
    """Bound the errors of a training pass, by the names of its quantities; see above."""
    channels = x.shape[1]
    grad = grad_output.reshape(len(x), channels, -1)
    weight, bias = np.ones((channels, 1)), np.zeros((channels, 1))
    if layer.affine:
        weight, bias = (np.abs(parameters[name])[:, None] for name in ("weight", "bias"))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        at = channel_terms(x.reshape(grad.shape), layer.eps, precision)
        size = weight * at.size * at.r_most + bias
        bounds = {
            "output": weight * at.z_error() + at.gamma(8) * size,
            "grad_input": weight * _normalised_gradient(at, grad),
            **_running(layer, at, buffers),
        }
        if layer.affine:
            bounds["grad_weight"] = _weight_gradient(at, grad)
            bounds["grad_bias"] = at.gamma(at.k) * _sum(np.abs(grad))
    shapes = {"output": x.shape, "grad_input": x.shape}
    grown = {"output": at.r_most, "grad_input": at.r_most**2, "grad_weight": at.r_most}
    underflow = at.k * float(np.finfo(precision).tiny)
    for name, bound in bounds.items():
        whole = bound + underflow * (1 + grown.get(name, 0))
        bounds[name] = np.where(np.isnan(whole), np.inf, whole).reshape(shapes.get(name, channels))
    return bounds


def channel_terms(x: Exact, eps: float, precision: str) -> ChannelTerms:
    """Return what the bounds are made of, of arrays (n, channels, places)."""
    m = x.shape[0] * x.shape[2]
    k = m + 2 * math.ceil(math.log2(m)) + 8
    g, limits = _gamma(k, precision), np.finfo(precision)
    average, most = _sum(np.abs(x)) / m, np.abs(x).max(axis=(0, 2), keepdims=True)
    mean = _sum(x) / m
    d = x - mean
    v, on_the_way = _sum(d**2) / m, g * most
    v_error = g * v + 3 * on_the_way * np.sqrt(v) + 2 * on_the_way**2 + k * float(limits.tiny)
    fits = m * most**2 < limits.max
    v_error = np.where(fits, v_error, np.inf)
    w = v + eps
    w_error = v_error + _gamma(2, precision) * w
    least = np.maximum(w - w_error, eps * (1 - _gamma(4, precision)) - float(limits.tiny))
    least = np.where(fits, np.maximum(least, 0), 0)
    r, r_most = 1 / np.sqrt(w), (1 + _gamma(3, precision)) / np.sqrt(least)
    r_error = r * np.minimum(w_error / (np.sqrt(w * least) + least), r_most / r)
    r_error = r_error + _gamma(3, precision) * r_most
    size = np.abs(x) + 2 * average
    mean_error = np.where(m * most < limits.max, g * average, np.inf)
    return ChannelTerms(precision, m, k, size, d, mean, mean_error, v, v_error, r, r_error, r_most)


def _normalised_gradient(at: ChannelTerms, grad: Exact) -> Exact:
    """Bound the error of r (G - a - z b)."""
    z, z_error = at.d * at.r, at.z_error()
    a, a_size, b = _sum(grad) / at.m, _sum(np.abs(grad)) / at.m, _sum(grad * z) / at.m
    b_error = _weight_gradient(at, grad) / at.m
    b_most = np.abs(b) + b_error
    inner = np.abs(grad) + np.abs(a) + np.abs(z * b)
    inner_error = at.gamma(at.k) * a_size + 3 * z_error * b_most + np.abs(z) * b_error
    size = np.abs(grad) + a_size + at.size * at.r_most * b_most
    error: Exact = at.r_error * inner + at.r_most * (inner_error + at.gamma(12) * size)
    return error


def _weight_gradient(at: ChannelTerms, grad: Exact) -> Exact:
    """Bound the error of the sum of G z."""
    return _sum(np.abs(grad) * (at.z_error() + at.gamma(at.k) * at.size * at.r_most))


def _running(layer: BatchNorm, at: ChannelTerms, buffers: Mapping[str, Exact]) -> dict[str, Exact]:
    unbiased = at.m / (at.m - 1)
    new = {
        "running_mean": (np.abs(at.mean), at.mean_error),
        "running_var": (unbiased * at.variance, unbiased * at.variance_error),
    }
    bounds = {}
    for name, (value, error) in new.items():
        old = np.abs(buffers[name])[:, None]
        size = old + layer.momentum * (value + error + old)
        bounds[name] = layer.momentum * error + at.gamma(8) * size
    return bounds


def _sum(values: Exact) -> Exact:
    """Sum over images and places."""
    total: Exact = values.sum(axis=(0, 2), keepdims=True)
    return total


def _gamma(k: int, precision: str) -> float:
    """Return gamma_k of a side and of the evaluation of its bound."""
    return gamma(k, precision) + gamma(k, "float64")
