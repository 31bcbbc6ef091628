"""What bounds are made of that are no plain sums, and have no single k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import Exact
from cnnspec.compare.budget_learning import adam_terms, softmax_terms
from cnnspec.compare.budget_norm import channel_terms
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_learning import GivenUpdate, slots_of_one
from cnnspec.compare.verdict import Quantity
from cnnspec.spec.layers import BatchNorm
from cnnspec.spec.optimizers import Adam, AnyOptimizer
from cnnspec.trace import Array

COMPOSED = "no single k: its bound is put together in"


@dataclass(frozen=True)
class Term:
    """One number that a bound is made of."""

    name: str
    value: float
    meaning: str


Terms = tuple[tuple[Term, ...], str]
"""Terms, and how the bound comes of them, in words."""


def norm_terms(found: Quantity, probe: LayerProbe) -> Terms:
    """Explain batch norm, whose bounds are put together from those of mean and variance."""
    layer = probe.at.layer
    assert isinstance(layer, BatchNorm)
    x = probe.x.astype(np.float64).reshape(len(probe.x), probe.x.shape[1], -1)
    at = channel_terms(x, layer.eps, found.precision)
    channel = found.position[1 if found.quantity in ("output", "grad_input") else 0]

    def of(array: Exact) -> float:
        return float(np.broadcast_to(array, (1, x.shape[1], 1))[0, channel, 0])

    return (
        (
            Term("channel", channel, "of the worst number"),
            Term("m", at.m, "values in each channel"),
            Term("K", at.k, "the longest chain of roundings: m + 2 log2(m) + 8"),
            Term("mean", of(at.mean), "of the channel"),
            Term("d_mean", of(at.mean_error), "what the mean may be off by: gamma_K mean |x|"),
            Term("variance", of(at.variance), "of the channel"),
            Term("d_var", of(at.variance_error), "what the variance may be off by"),
            Term("r", of(at.r), "1 / sqrt(variance + eps)"),
            Term("d_r", of(at.r_error), "what r may be off by"),
        ),
        f"{COMPOSED} compare/budget_norm.py from what mean, variance and r may be off by",
    )


def loss_terms(found: Quantity, logits: Array, labels: Labels) -> Terms:
    """Return those of the loss, or of its gradient."""
    at = softmax_terms(logits.astype(np.float64), labels, found.precision)
    n = len(logits)
    terms = [Term("n", n, "images"), Term("classes", logits.shape[1], "terms of each sum")]
    if found.quantity == "loss":
        terms += [
            Term("losses", float(np.mean(at.losses)), "mean size of an image's terms"),
            Term("errors", float(np.mean(at.errors)), "mean of what a loss may be off by"),
        ]
        return (
            tuple(terms),
            f"{COMPOSED} compare/budget_learning.py: 2 (errors + gamma_(n + 1) (losses + "
            "errors)), for each side",
        )
    image, of_class = found.position
    terms += [
        Term("|d|", float(abs(at.d[image, of_class])), "the logit below the greatest"),
        Term("p", float(at.p[image, of_class]), "the softmax"),
        Term("log s", float(at.log_s[image, 0]), "s: the sum of exp(d)"),
        Term("r", float(at.r[image, 0]), "by how much s may be off, relatively"),
    ]
    return (
        tuple(terms),
        f"{COMPOSED} compare/budget_learning.py: 2 p (u (2 |d| + 9 (log s + 1)) + r) / n, and "
        "three roundings, for each side",
    )


def update_terms(
    found: Quantity, given: GivenUpdate, parameter: str, options: AnyOptimizer
) -> Terms:
    """Return those of a weight, or of a slot, after an update."""
    w, g = (float(arrays[parameter][found.position]) for arrays in (given.weights, given.gradients))
    terms = [
        Term("step", given.step, "its number"),
        Term("w", w, "the weight before"),
        Term("g", g, "its gradient"),
    ]
    if not isinstance(options, Adam):
        slot = found.quantity != parameter
        k = 5 if slot else 11
        return (
            (*terms, Term("k", k, "roundings, each constant, product and sum being one")),
            "gamma_k of the magnitudes of what is added up, for each side",
        )
    return _adam(found, given, parameter, terms, options)


def _adam(
    found: Quantity, given: GivenUpdate, parameter: str, terms: list[Term], options: Adam
) -> Terms:
    at = adam_terms(
        options,
        given.weights[parameter].astype(np.float64),
        slots_of_one(given.slots, parameter),
        given.gradients[parameter].astype(np.float64),
        given.learning_rate,
        given.step,
        found.precision,
    )

    def of(array: Exact) -> float:
        return float(array[found.position])

    return (
        (
            *terms,
            Term("m", of(at.m), "the first moment"),
            Term("d_m", of(at.m_error), "what it may be off by: 8 roundings"),
            Term("v", of(at.v), "the second moment"),
            Term("d_v", of(at.v_error), "what it may be off by: 11 roundings"),
            Term("divisor", of(at.divisor), "sqrt(v / (1 - beta2^t)) + eps"),
            Term("d_divisor", of(at.divisor_error), "what it may be off by"),
            Term("moved", of(at.moved), "the size of the step"),
            Term("d_moved", of(at.update_error), "what the step may be off by"),
        ),
        f"{COMPOSED} compare/budget_learning.py from d_m, d_v and d_divisor, for each side",
    )
