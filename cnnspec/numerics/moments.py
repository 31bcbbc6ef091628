"""Mean and variance as balls that hold them in every sane way to compute them.

Of m values x with mean mu and biased variance v, A is the mean of |x| and M its maximum;
K = m + 2 log2(m) + 8 is the longest chain of roundings, and g its gamma_K.

The mean. A sum in any order is off by g A, and so is Welford's running mean, whose errors obey
k e_k <= (k - 1) e_(k-1) + 2 u |x_k - mu_(k-1)| + u k |mu_k|, where k |mu_k| <= m A. On the way
to the last k it is off by at most E = g M.

The variance. In two passes, the squares of x - mu' sum to m (v + (mu' - mu)^2): off by
g v + 2 E^2. Welford's sums a_k b_k, a_k = x_k - mu_(k-1), b_k = x_k - mu_k, are exactly m v in
total; errors of both means move that by at most E sum(|a| + |b|) + m E^2. As
b_k = (1 - 1/k) a_k, sum a^2 <= 2 m v and sum b^2 <= m v (k > 1): by Cauchy and Schwarz the first
term is at most (1 + sqrt 2) m E sqrt v. Both together: g v + 3 E sqrt v + 2 E^2. The middle term is
the condition number of Chan, Golub and LeVeque (1983). The mean of squares less the square of the
mean is off by g M^2: it is not sane where |mu| is far above sqrt v.

Values that are off by at most e move the mean by at most the mean of e, and the variance, by Cauchy
and Schwarz, by at most 2 sqrt v Q + Q^2, Q being the root of the mean of e^2.

The bounds are evaluated in float64 themselves: g is that of both. Where a sum or a sum of squares
overflows, nothing can be said.
"""

from __future__ import annotations

import math

import numpy as np

from cnnspec.numerics.ball import Axes, Ball, count
from cnnspec.numerics.budget import Exact, gamma


def moments(x: Ball, axes: Axes) -> tuple[Ball, Ball]:
    """Return the mean and the biased variance along axes, which stay."""
    at, m, limits = x.arithmetic, count(x.shape, axes), np.finfo(x.arithmetic.precision)
    k = (m + 2 * math.ceil(math.log2(m)) + 8) if at.charge else 0
    g = gamma(k, at.precision) + gamma(k, "float64")

    def average(array: Exact) -> Exact:
        return np.asarray(array.mean(axes, keepdims=True))

    with np.errstate(all="ignore"):
        size = np.abs(x.value) + 2 * x.radius
        most = size.max(axes, keepdims=True)
        mean = average(x.value)
        variance = average((x.value - mean) ** 2)
        off = np.sqrt(average(x.radius**2))
        deviation, on_the_way = np.sqrt(variance) + off, g * most
        underflow = np.where(most > 0, k * float(limits.tiny), 0.0)  # 0 is exact
        of_mean = average(x.radius) + g * average(size) + underflow
        carried = (2 * np.sqrt(variance) + off) * off
        own = g * deviation**2 + 3 * on_the_way * deviation + 2 * on_the_way**2 + underflow
        # the bounds are means of so many numbers themselves
        of_mean, of_variance = (
            bound * (1 + gamma(4 * m, "float64")) for bound in (of_mean, carried + own)
        )
        largest = float(limits.max)
        return (
            at.ball(mean, np.where(m * most < largest, of_mean, at.unknown)),
            at.ball(variance, np.where(m * most**2 < largest, of_variance, at.unknown)),
        )
