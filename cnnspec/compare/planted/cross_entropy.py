"""Faults planted into cross-entropy. Logits are the engine's: (classes, n)."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.compare.planted.families import LossFamily
from cnnspec.trace import Array

CROSS_ENTROPY = LossFamily("loss", "cross_entropy")

Result = tuple[float, Array]


def softmax(logits: Array, axis: int = 0) -> Array:
    """Return exp(z) / sum of exp(z), stably."""
    exponentials: Array = np.exp(logits - logits.max(axis=axis, keepdims=True))
    shares: Array = exponentials / exponentials.sum(axis=axis, keepdims=True)
    return shares


def one_hot(logits: Array, labels: Labels) -> Array:
    """Return 1 at each image's label, else 0."""
    hot = np.zeros_like(logits)
    hot[labels, np.arange(len(labels))] = 1
    return hot


def at_labels(numbers: Array, labels: Labels) -> Array:
    """Return the number at each image's label."""
    picked: Array = numbers[labels, np.arange(len(labels))]
    return picked


@CROSS_ENTROPY.fault("summed", "loss", "sum-not-mean")
def summed(logits: Array, labels: Labels) -> Result:
    """The sum over the batch, not the mean."""
    loss, grad = cross_entropy(logits, labels)
    return loss * len(labels), grad * len(labels)


@CROSS_ENTROPY.fault("minus-the-maximum-of-the-batch", "loss", "batch-maximum")
def minus_maximum_of_batch(logits: Array, labels: Labels) -> Result:
    """The greatest logit of the batch is subtracted, not of each image."""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max())
        p = e / e.sum(axis=0)
        loss = float(-np.mean(np.log(at_labels(p, labels))))
        return loss, (p - one_hot(logits, labels)) / len(labels)


@CROSS_ENTROPY.fault("gradient-not-divided", "grad_logits", "sum-not-mean")
def gradient_not_divided(logits: Array, labels: Labels) -> Result:
    """The gradient is not divided by the batch size."""
    loss, grad = cross_entropy(logits, labels)
    return loss, grad * len(labels)


@CROSS_ENTROPY.fault("gradient-divided-twice", "grad_logits", "divided-twice")
def gradient_divided_twice(logits: Array, labels: Labels) -> Result:
    """The gradient is divided by the batch size twice."""
    loss, grad = cross_entropy(logits, labels)
    return loss, grad / len(labels)


@CROSS_ENTROPY.fault("mean-over-classes", "loss", "divided-by-classes")
def mean_over_classes(logits: Array, labels: Labels) -> Result:
    """The mean is taken over images and classes."""
    hot = one_hot(logits, labels)
    _, grad = cross_entropy(logits, labels)
    shifted = logits - logits.max(axis=0)
    logs = shifted - np.log(np.exp(shifted).sum(axis=0))
    return float(-np.mean(hot * logs)), grad / len(logits)


@CROSS_ENTROPY.fault("gradient-ascends", "grad_logits", "sign")
def gradient_ascends(logits: Array, labels: Labels) -> Result:
    """The gradient has the wrong sign."""
    loss, grad = cross_entropy(logits, labels)
    return loss, -grad


@CROSS_ENTROPY.fault("double-softmax", "loss", "double-softmax")
def double_softmax(logits: Array, labels: Labels) -> Result:
    """The probabilities of a softmax are passed on as logits."""
    return cross_entropy(softmax(logits), labels)


@CROSS_ENTROPY.fault("no-maximum", "loss", "no-maximum")
def no_maximum(logits: Array, labels: Labels) -> Result:
    """The greatest logit is not subtracted: exp overflows."""
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=0)
        loss = -np.mean(np.log(at_labels(p, labels)))
        return float(loss), (p - one_hot(logits, labels)) / len(labels)


@CROSS_ENTROPY.fault("no-maximum-in-log-sum", "loss", "no-maximum")
def no_maximum_in_log_sum(logits: Array, labels: Labels) -> Result:
    """Log of the sum of exp(z), as it stands: it overflows."""
    with np.errstate(all="ignore"):
        losses = np.log(np.exp(logits).sum(axis=0)) - at_labels(logits, labels)
        return float(np.mean(losses)), cross_entropy(logits, labels)[1]


@CROSS_ENTROPY.fault("log-of-softmax", "loss", "log-of-softmax")
def log_of_softmax(logits: Array, labels: Labels) -> Result:
    """The logarithm of a softmax that has underflowed to 0."""
    with np.errstate(divide="ignore"):
        loss = -np.mean(np.log(at_labels(softmax(logits), labels)))
    return float(loss), cross_entropy(logits, labels)[1]


@CROSS_ENTROPY.fault("log-of-base-2", "loss", "log-base")
def log_of_base_2(logits: Array, labels: Labels) -> Result:
    """The logarithm of base 2."""
    loss, grad = cross_entropy(logits, labels)
    return float(loss / np.log(2)), grad


@CROSS_ENTROPY.fault("one-hot-missing", "grad_logits", "one-hot-missing")
def one_hot_missing(logits: Array, labels: Labels) -> Result:
    """The labels are not subtracted."""
    loss, _ = cross_entropy(logits, labels)
    return loss, softmax(logits) / len(labels)


@CROSS_ENTROPY.fault("one-hot-not-divided", "grad_logits", "one-hot-not-divided")
def one_hot_not_divided(logits: Array, labels: Labels) -> Result:
    """The labels are subtracted after the division by the batch size."""
    loss, _ = cross_entropy(logits, labels)
    return loss, softmax(logits) / len(labels) - one_hot(logits, labels)


@CROSS_ENTROPY.fault("softmax-jacobian-missing", "grad_logits", "softmax-jacobian-missing")
def softmax_jacobian_missing(logits: Array, labels: Labels) -> Result:
    """The gradient is that of the probabilities, -1/p at the label."""
    loss, grad = cross_entropy(logits, labels)
    images = np.arange(len(labels))
    grad[...] = 0
    with np.errstate(divide="ignore"):
        grad[labels, images] = -1 / at_labels(softmax(logits), labels) / len(labels)
    return loss, grad


@CROSS_ENTROPY.fault("label-alone", "grad_logits", "label-alone")
def label_alone(logits: Array, labels: Labels) -> Result:
    """Only the label's class has a gradient."""
    loss, grad = cross_entropy(logits, labels)
    return loss, grad * one_hot(logits, labels)


@CROSS_ENTROPY.fault("eps-in-log", "loss", "eps-in-log")
def eps_in_log(logits: Array, labels: Labels) -> Result:
    """Log(p + 1e-9) for log p."""
    p = at_labels(softmax(logits), labels)
    return float(-np.mean(np.log(p + 1e-9))), cross_entropy(logits, labels)[1]


@CROSS_ENTROPY.fault("clipped", "loss", "clipped")
def clipped(logits: Array, labels: Labels) -> Result:
    """The probabilities are clipped to 1e-7 and 1 - 1e-7."""
    p = np.clip(softmax(logits), 1e-7, 1 - 1e-7)
    loss = float(-np.mean(np.log(at_labels(p, labels))))
    return loss, (p - one_hot(logits, labels)) / len(labels)


@CROSS_ENTROPY.fault("squared-error", "loss", "squared-error")
def squared_error(logits: Array, labels: Labels) -> Result:
    """The squared error of the softmax."""
    p, n = softmax(logits), len(labels)
    error = p - one_hot(logits, labels)
    grad = 2 * p * (error - (p * error).sum(axis=0)) / n
    return float((error**2).sum() / n), grad


@CROSS_ENTROPY.fault("squared-error-of-logits", "loss", "squared-error")
def squared_error_of_logits(logits: Array, labels: Labels) -> Result:
    """The mean squared error of the logits."""
    error = logits - one_hot(logits, labels)
    return float(np.mean(error**2)), 2 * error / error.size


@CROSS_ENTROPY.fault("label-shifted", "loss", "label-shifted")
def label_shifted(logits: Array, labels: Labels) -> Result:
    """Classes are counted from 1."""
    return cross_entropy(logits, (labels + 1) % len(logits))


@CROSS_ENTROPY.fault("softmax-over-the-batch", "loss", "batch-axis")
def softmax_over_the_batch(logits: Array, labels: Labels) -> Result:
    """The softmax runs over the batch, not over the classes."""
    p = softmax(logits, axis=1)
    with np.errstate(divide="ignore"):
        loss = float(-np.mean(np.log(at_labels(p, labels))))
    return loss, (p - one_hot(logits, labels)) / len(labels)


@CROSS_ENTROPY.fault("no-normaliser", "loss", "no-normaliser")
def no_normaliser(logits: Array, labels: Labels) -> Result:
    """Minus the label's logit: the logarithm of the sum is left out."""
    loss = float(-np.mean(at_labels(logits, labels)))
    return loss, -one_hot(logits, labels) / len(labels)


@CROSS_ENTROPY.fault("no-logarithm", "loss", "no-logarithm")
def no_logarithm(logits: Array, labels: Labels) -> Result:
    """Minus the label's probability, without the logarithm."""
    p, hot = softmax(logits), one_hot(logits, labels)
    own = at_labels(p, labels)
    return float(-np.mean(own)), own * (p - hot) / len(labels)


@CROSS_ENTROPY.fault("label-smoothing", "loss", "label-smoothing")
def label_smoothing(logits: Array, labels: Labels) -> Result:
    """Labels smoothed by 0.1."""
    shifted = logits - logits.max(axis=0)
    logs = shifted - np.log(np.exp(shifted).sum(axis=0))
    target = 0.9 * one_hot(logits, labels) + 0.1 / len(logits)
    loss = float(-(target * logs).sum() / len(labels))
    return loss, (softmax(logits) - target) / len(labels)


@CROSS_ENTROPY.fault("last-image-alone", "loss", "one-image")
def last_image_alone(logits: Array, labels: Labels) -> Result:
    """The loss is overwritten image by image, not added."""
    _, grad = cross_entropy(logits, labels)
    last, _ = cross_entropy(logits[:, -1:], labels[-1:])
    return last / len(labels), grad


@CROSS_ENTROPY.fault("in-float16", "grad_logits", "low-precision")
def in_float16(logits: Array, labels: Labels) -> Result:
    """The gradient is rounded to float16."""
    loss, grad = cross_entropy(logits, labels)
    return loss, grad.astype(np.float16).astype(logits.dtype)
