"""The closed list of faults of a cross-entropy, as steps of its formula that they replace."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import BESIDES, Fault, LossSituation, Observation
from cnnspec.compare.faults.formula import pairs
from cnnspec.compare.kinds.cross_entropy.formula import MEAN, of_label
from cnnspec.numerics import Ball
from cnnspec.numerics.formula import Computation, Step, Steps

CrossEntropyFault = Fault[LossSituation]


fault = MEAN.spoiling()


def _batch(at: Computation) -> Any:
    return at.n


ONE, TWO = lambda at: 1, lambda at: 2

SHARES: list[tuple[str, str, Step, Step]] = [
    ("sign", "the sign is turned round", lambda at: -1, ONE),
    ("sum-not-mean", "the code takes the sum over the batch; the mean is wanted", _batch, ONE),
    ("divided-twice", "the result is divided by the batch size twice", ONE, _batch),
    (
        "divided-by-classes",
        "the mean is taken over the classes, too; the mean over the batch alone is wanted",
        ONE,
        lambda at: at.classes,
    ),
    (
        "divided-by-classes",
        "the sum over the batch is divided by the number of classes; the batch size is wanted",
        _batch,
        lambda at: at.classes,
    ),
    ("scale", "the result is doubled", TWO, ONE),
    ("scale", "the result is halved", ONE, TWO),
    (
        "log-base",
        "the logarithm is that of base 2; the natural one is wanted",
        ONE,
        lambda at: math.log(2),
    ),
    (
        "log-base",
        "the logarithm is that of base 10; the natural one is wanted",
        ONE,
        lambda at: math.log(10),
    ),
]
"""Factors before the mean that come in by mistake: what it is multiplied by, and divided by."""


def _times(*shares: tuple[str, str, Step, Step]) -> Step:
    """Return what the sum over the batch is divided by, where factors are before the mean."""

    def divisor(at: Computation) -> Any:
        over: float = at.n
        for _, _, times, by in shares:
            over = over * by(at) / times(at)
        return over

    return divisor


DIVISORS = [fault(*share[:2], {"divisor": _times(share)}) for share in SHARES]
"""Faults of the factor 1/n."""

TWO_DIVISORS = [
    replace(
        fault(one[0], f"{one[1]}{BESIDES}{other[1]}", {"divisor": _times(one, other)}),
        besides=other[0],
    )
    for one, other in combinations(SHARES, 2)
]


def _product(at: Computation) -> Any:
    """A one-hot row times the logarithms: 0 x -inf is no number."""
    return -(at.own * at.log_p).sum(1)


_OF_SOFTMAX: Steps = {"log_p": lambda at: at.p.log()}
_OF_LOG_SOFTMAX: Steps = {"p": lambda at: (at.d - at.total.log()).exp()}
_NO_MAXIMUM: Steps = {"d": lambda at: at.z, "log_p": lambda at: at.d - at.total.log()}
_BATCH_MAXIMUM: Steps = {
    "top": lambda at: at.z.max((0, 1)),
    "log_p": lambda at: at.d - at.total.log(),
}
_BY_PRODUCT: Steps = {"terms": _product}
_UNDERFLOW = "the code takes the logarithm of a softmax, which may be 0"
_OVERFLOW = "the code takes exp of the logits as they are, which overflows"
_VANISHES = (
    "the greatest logit of the whole batch is subtracted, not of each row: a row far below it "
    "becomes 0/0"
)

way = MEAN.spoiling(overflows=True)

WAYS = [
    *(
        way(code, sentence, {**steps, **more})
        for code, sentence, steps in [
            ("no-maximum", _OVERFLOW, _NO_MAXIMUM),
            ("batch-maximum", _VANISHES, _BATCH_MAXIMUM),
        ]
        for more in [{}, _OF_SOFTMAX, {**_OF_SOFTMAX, **_BY_PRODUCT}, _OF_LOG_SOFTMAX]
    ),
    way("log-of-softmax", _UNDERFLOW, _OF_SOFTMAX),
    way("log-of-softmax", _UNDERFLOW, {**_OF_SOFTMAX, **_BY_PRODUCT}),
]
"""Ways to the same function that fail on large logits."""


def _at_label(at: Computation, row: Ball) -> Any:
    """Put (n, 1) numbers at the labels of (n, classes) zeros."""
    return row.moved(lambda column: np.where(at.own.value == 1, column, 0.0))


def _through_softmax(grad_p: Step) -> Step:
    """Return dloss/dlogits for a dloss/dp."""

    def step(at: Computation) -> Any:
        upstream = grad_p(at)
        return at.p * (upstream - (at.p * upstream).sum(1)) / at.divisor

    return step


def _softmax(z: Ball, axis: int = 1) -> Ball:
    e = (z - z.max(axis)).exp()
    return e / e.sum(axis)


def _double_softmax() -> Iterator[CrossEntropyFault]:
    sentence = "the softmax is taken twice: the loss takes logits, and is given probabilities"

    def grad(at: Computation) -> Any:
        inner, upstream = at.z, at.p - at.own
        return inner * (upstream - (inner * upstream).sum(1)) / at.divisor

    again: Steps = {"z": lambda at: _softmax(at.logits)}
    yield fault("double-softmax", sentence, {**again, "grad": grad})
    yield fault("double-softmax", f"{sentence}; the gradient of the second one is left out", again)


def _epsilons() -> Iterator[CrossEntropyFault]:
    """Yield what people do about log(0)."""

    def added(eps: float) -> Steps:
        def grad(at: Computation) -> Any:
            p = of_label(at, at.p)
            return (at.p - at.own) * (p / (p + eps)) / at.divisor

        return {"log_p": lambda at: (at.p + eps).log(), "grad": grad}

    def clipped(eps: float, most: float) -> Steps:
        return {
            "p": lambda at: (at.e / at.total).clip(eps, most),
            "log_p": lambda at: at.p.log(),
        }

    def in_total(eps: float) -> Steps:
        return {"total": lambda at: at.e.sum(1) + eps, "log_p": lambda at: at.p.log()}

    for eps in (10.0**-power for power in range(5, 16)):
        yield fault("eps-in-log", f"the code takes log(p + {eps:g}); log p is wanted", added(eps))
        for most in (1.0, 1 - eps):
            sentence = f"the probabilities are clipped to [{eps:g}, {most:.16g}]"
            yield fault("clipped", sentence, clipped(eps, most))
        yield fault("eps-in-softmax", f"{eps:g} is added to the sum of the softmax", in_total(eps))
    for eps in (1e-16, 1e-20, 1e-30, 1e-100, 1e-300):
        yield fault("eps-in-log", f"the code takes log(p + {eps:g}); log p is wanted", added(eps))


_FACTORS: list[tuple[str, Step]] = [
    ("", lambda at: 1.0),
    (", halved", lambda at: 0.5),
    (", by class", lambda at: 1 / at.classes),
    (", by class and halved", lambda at: 0.5 / at.classes),
]


def _squared_errors() -> Iterator[CrossEntropyFault]:
    """Yield mean squared errors: of which numbers, halved or not, over the classes or not."""
    squared: Steps = {
        "terms": lambda at: at.factor * (at.error * at.error).sum(1),
        "upstream": lambda at: 2 * at.factor * at.error,
    }
    of_softmax: Steps = {
        "error": lambda at: at.p - at.own,
        "grad": _through_softmax(lambda at: at.upstream),
    }
    of_logits: Steps = {
        "error": lambda at: at.z - at.own,
        "grad": lambda at: at.upstream / at.divisor,
    }
    for suffix, factor in _FACTORS:
        for of, steps in [("the softmax", of_softmax), ("the logits", of_logits)]:
            sentence = f"the loss is the squared error of {of}{suffix}; the cross-entropy is "
            sentence += "wanted"
            yield fault("squared-error", sentence, {**squared, **steps, "factor": factor})


_SHARES: list[tuple[str, Step]] = [
    ("", lambda at: 1),
    (", over the classes", lambda at: at.classes),
]


def _binary() -> Iterator[CrossEntropyFault]:
    """Yield binary cross-entropies, one for each class."""

    def terms(at: Computation) -> Any:
        other = 1 - at.own
        return -(at.own * at.p.log() + other * (1 - at.p).log()).sum(1) / at.share

    def upstream(at: Computation) -> Any:
        return ((1 - at.own) / (1 - at.p) - at.own / at.p) / at.share

    sigmoid: Steps = {"p": lambda at: 1 / (1 + (-at.z).exp())}
    for suffix, share in _SHARES:
        own: Steps = {"share": share, "terms": terms}
        grad: Steps = {"grad": lambda at: (at.p - at.own) / at.share / at.divisor}
        yield fault(
            "binary-cross-entropy",
            f"the loss is a binary cross-entropy of each class's sigmoid{suffix}; the softmax's "
            "cross-entropy is wanted",
            {**own, **sigmoid, **grad},
        )
        yield fault(
            "binary-cross-entropy",
            f"the loss is a binary cross-entropy of each class's probability{suffix}; that of the "
            "label alone is wanted",
            {**own, "grad": _through_softmax(upstream)},
        )
    yield fault(
        "sigmoid-for-softmax",
        "the code takes a sigmoid of each logit; the softmax is wanted",
        {**sigmoid, "log_p": lambda at: at.p.log()},
    )


def _smoothed(share: float) -> CrossEntropyFault:
    steps: Steps = {
        "target": lambda at: (1 - share) * at.own + share / at.classes,
        "terms": lambda at: -(at.target * at.log_p).sum(1),
        "grad": lambda at: (at.p - at.target) / at.divisor,
    }
    return fault(
        "label-smoothing",
        f"the labels are smoothed by {share:g}; the loss takes them as they are",
        steps,
    )


def _over_everything(at: Computation) -> Any:
    top = np.max(at.z.value)
    return at.z - top


def _shifted(by: int) -> Steps:
    return {"labels": lambda at: (at.given_labels + by) % at.classes}


_MINUS_ONE_OVER_P = (
    "the gradient is that of the probabilities, -1/p: the gradient of the softmax is left out"
)

_WRONG_INPUT: list[CrossEntropyFault] = [
    *_double_softmax(),
    fault("label-shifted", "the class after the label is taken for the label", _shifted(1)),
    fault("label-shifted", "the class before the label is taken for the label", _shifted(-1)),
    fault(
        "batch-axis",
        "the softmax runs over the batch; it belongs over the classes",
        {"axis": lambda at: 0},
    ),
    fault(
        "batch-axis",
        "the softmax runs over the whole batch at once; it belongs over the classes of each image",
        {"d": _over_everything, "total": lambda at: at.e.sum(1).sum(0)},
    ),
    fault(
        "batch-axis",
        "the greatest logit of each class over the batch is subtracted; that of each row is wanted",
        {"top": lambda at: at.z.max(0)},
    ),
]


def _one_image() -> Iterator[CrossEntropyFault]:
    """Yield losses that are overwritten, not added up, and then divided or not."""
    for which, at_end in [("last", slice(-1, None)), ("first", slice(1))]:
        term = partial(_terms, at_end)
        sentence = f"only the {which} image counts"
        yield fault("one-image", sentence, {"loss": term})
        yield fault("one-image", f"{sentence}, and is divided by the batch size", _divided(term))


def _terms(which: slice, at: Computation) -> Ball:
    terms: Ball = at.terms
    return terms.moved(lambda column: column[which])


def _divided(term: Step) -> Steps:
    return {"loss": lambda at: term(at) / at.divisor}


def _labels_of_batch(at: Computation) -> Any:
    """Return how many images of the batch have each class for a label: `[:, labels]` has all."""
    counts: Any = at.own.sum(0)
    return counts


def _any_label(at: Computation) -> Any:
    """Return 1 for each class that some image has: an index with repeats subtracts once."""
    return at.own.max(0)


def _of_columns(over: Step) -> Steps:
    """Return what `[:, labels]` gives, where `[np.arange(n), labels]` is meant."""
    return {
        "terms": lambda at: -(at.log_p * _labels_of_batch(at)).sum(1) / over(at),
        "grad": lambda at: (at.p * at.n - _labels_of_batch(at)) / over(at) / at.divisor,
    }


_COLUMNS: list[CrossEntropyFault] = [
    fault(
        "labels-of-batch",
        f"each row takes the logarithms at every label of the batch{how}; its own is wanted",
        _of_columns(over),
    )
    for how, over in [("", _batch), (", added up", ONE)]
]

_WRONG_LOSS: list[CrossEntropyFault] = [
    fault(
        "no-normaliser",
        "the loss is minus the logit of the label: the logarithm of the sum is left out",
        {"log_p": lambda at: at.z, "grad": lambda at: -at.own / at.divisor},
    ),
    fault(
        "no-normaliser",
        "exp of the logits is taken for probabilities: it is never divided by the sum",
        {"p": lambda at: at.e, "log_p": lambda at: at.d},
    ),
    fault(
        "no-logarithm",
        "the loss is minus the probability of the label: the logarithm is left out",
        {"terms": lambda at: -of_label(at, at.p), "grad": _through_softmax(lambda at: -at.own)},
    ),
    fault(
        "no-logarithm",
        "the loss is 1 minus the probability of the label; minus its logarithm is wanted",
        {"terms": lambda at: 1 - of_label(at, at.p)},
    ),
    fault(
        "log-of-mean",
        "the code takes the logarithm of the mean probability; the mean of the logarithms is "
        "wanted",
        {"loss": lambda at: -(of_label(at, at.p).sum(0) / at.n).log()},
    ),
    *_one_image(),
    *_COLUMNS,
    fault(
        "logits-as-probabilities",
        "the code takes the logarithm of the logits: it takes them for probabilities",
        {
            "p": lambda at: at.z,
            "log_p": lambda at: at.z.log(),
            "grad": lambda at: _at_label(at, -1 / of_label(at, at.z)) / at.divisor,
        },
    ),
    fault(
        "logits-as-probabilities",
        "the gradient is (logits - one-hot) / n: the logits are taken for probabilities",
        {"grad": lambda at: (at.z - at.own) / at.divisor},
    ),
]


def _own_of_one(at: Computation, number: int) -> Any:
    """Return the gradient with the one-hot label of one image."""
    one = np.zeros((at.n, 1))
    one[number] = 1
    return (at.p - at.own * one) / at.divisor


_WRONG_GRADIENT: list[CrossEntropyFault] = [
    fault(code, sentence, {"grad": grad})
    for code, sentence, grad in [
        (
            "one-hot-missing",
            "the gradient is softmax / n: the one-hot labels are never subtracted",
            lambda at: at.p / at.divisor,
        ),
        (
            "one-hot-missing",
            "1 is subtracted at the label of the last image alone; each image has a label",
            lambda at: _own_of_one(at, -1),
        ),
        (
            "one-hot-missing",
            "1 is subtracted at the label of the first image alone; each image has a label",
            lambda at: _own_of_one(at, 0),
        ),
        (
            "one-hot-added",
            "the gradient is (softmax + one-hot) / n: the labels are added; they are to be "
            "subtracted",
            lambda at: (at.p + at.own) / at.divisor,
        ),
        (
            "one-hot-everywhere",
            "the gradient is (softmax - 1) / n: 1 is subtracted from every class; it belongs "
            "to the label's alone",
            lambda at: (at.p - 1) / at.divisor,
        ),
        (
            "labels-of-batch",
            "1 is subtracted in each row at every label of the batch; it belongs at the row's own",
            lambda at: (at.p - _any_label(at)) / at.divisor,
        ),
        (
            "one-hot-not-divided",
            "the gradient is softmax / n - one-hot: 1 is subtracted after the division by the "
            "batch size",
            lambda at: at.p / at.n - at.own,
        ),
        (
            "softmax-not-divided",
            "the gradient is softmax - one-hot / n: only the labels are divided by the batch size",
            lambda at: at.p - at.own / at.n,
        ),
        (
            "label-alone",
            "the gradient is 0 but for the label's class; every class has one",
            lambda at: _at_label(at, of_label(at, at.p) - 1) / at.divisor,
        ),
        (
            "softmax-jacobian-missing",
            _MINUS_ONE_OVER_P,
            lambda at: _at_label(at, -1 / of_label(at, at.p)) / at.divisor,
        ),
        (
            "softmax-jacobian-missing",
            _MINUS_ONE_OVER_P,
            lambda at: -(at.own / at.p) / at.divisor,
        ),
        (
            "softmax-jacobian-twice",
            "the gradient is passed through the softmax twice",
            _through_softmax(lambda at: at.p - at.own),
        ),
    ]
]


_ZERO = fault(
    "zero",
    "every number is 0: the result is never computed, or lost",
    {"loss": lambda at: at.arithmetic.ball(0.0), "grad": lambda at: 0 * at.z},
)
_ZERO = replace(_ZERO, says_found=True)

_OTHERS = [
    _ZERO,
    *_WRONG_INPUT,
    *_WRONG_GRADIENT,
    *_WRONG_LOSS,
    *_epsilons(),
    *_squared_errors(),
    *_binary(),
    *map(_smoothed, (0.1, 0.05, 0.2)),
]

FAULTS = [*DIVISORS, *WAYS, *_OTHERS]


def two_faults(observation: Observation[LossSituation]) -> Iterator[CrossEntropyFault]:
    """Yield faults that are made two at a time, and both spoil what is observed."""
    yield from TWO_DIVISORS
    yield from pairs(WAYS, DIVISORS, observation)
    yield from pairs(_OTHERS, [*WAYS, *DIVISORS], observation)


HELP = {
    "sum-not-mean": "divide by the batch size",
    "divided-twice": "divide once",
    "divided-by-classes": "divide by the batch size alone",
    "no-maximum": "subtract the greatest logit before exp",
    "batch-maximum": "subtract the maximum of each row: max(axis=1, keepdims=True)",
    "log-of-softmax": "use the log-softmax: z - max - log(sum(exp(z - max)))",
    "double-softmax": "give the loss the logits, not probabilities",
    "one-hot-missing": "subtract 1 at the label's class",
    "one-hot-added": "subtract the labels",
    "one-hot-everywhere": "subtract 1 at the label's class alone",
    "batch-axis": "take the softmax over axis 1",
    "label-smoothing": "leave out the label smoothing",
    "binary-cross-entropy": "use the softmax over the classes, and the label's probability alone",
    "sigmoid-for-softmax": "use the softmax over the classes",
    "clipped": "use the log-softmax, which needs no clipping",
    "eps-in-log": "use the log-softmax, which needs no eps",
    "eps-in-softmax": "subtract the greatest logit before exp: the sum is then never 0",
    "overflow": "use the log-softmax: z - max - log(sum(exp(z - max)))",
    "label-alone": "return (softmax - one-hot) / n, for every class",
    "one-hot-not-divided": "return (softmax - one-hot) / n: divide the whole difference",
    "softmax-not-divided": "return (softmax - one-hot) / n: divide the whole difference",
    "softmax-jacobian-missing": "return (softmax - one-hot) / n",
    "softmax-jacobian-twice": "return (softmax - one-hot) / n: the softmax's gradient is in it",
    "labels-of-batch": "index the rows, too: [np.arange(n), labels] in place of [:, labels]",
    "label-shifted": "take the labels as they are: they count from 0",
    "log-base": "use the natural logarithm: np.log",
    "log-of-mean": "take the logarithm of each image's probability, then the mean",
    "logits-as-probabilities": "take the softmax of the logits first",
    "no-logarithm": "take minus the logarithm of the label's probability",
    "no-normaliser": "divide by the sum of exp, or subtract its logarithm",
    "one-image": "add up the losses of all images",
    "sign": "turn the sign round: the loss is minus a logarithm",
    "squared-error": "take minus the logarithm of the label's probability",
    "zero": "check that the result is computed, and returned",
}
