"""Cross-entropy: the formula, conventions by hand, and faulty losses, written image by image.

The mean over the batch, from logits, without overflow. Each fault is named, and nothing else is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.backends.network import Network
from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.faults.fault import LossSituation, Observation
from cnnspec.compare.probes.draw import loss_probes
from cnnspec.plan import resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import Flatten, Linear
from cnnspec.spec.losses import DEFAULT_LOSS
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Kind
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import Exact, assert_within, each_backend, each_precision, normal
from tests.compare.bounds.loss_bounds import loss_bounds

CASES: dict[str, Kind] = {"without options": DEFAULT_LOSS}
"""Its settings: each option has another value than its default in one of them."""

LOGITS: dict[str, Array] = {
    "random": 3 * normal((5, 4), "logits"),
    "single": 3 * normal((1, 4), "logits", "single"),
    "one-class": normal((3, 1), "logits", "one class"),
    "two-classes": normal((6, 2), "logits", "two classes"),
    "many-classes": normal((2, 300), "logits", "many classes"),
    "large-batch": normal((200, 3), "logits", "large batch"),
    "equal": np.full((3, 5), 7.0),
    "extreme": stream(0, "tests", "extreme").choice([-1e4, 0.0, 1e4], (20, 4)),
    "extreme-single": np.array([[1e4, -1e4, 0.0]]),
    "all-1e4": np.full((2, 3), 1e4),
    "all-minus-1e4": np.full((2, 3), -1e4),
    "near-equal-large": 1e4 + np.array([[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]),
}


def loss_network(backend: str, precision: str) -> Network:
    plan = resolve(ModelSpec(input=(1, 1, 1), layers=[Flatten(), Linear(out_features=2)]))
    return build(plan, Training(precision=precision), backend)


def cross_entropy(logits: Exact, labels: Array) -> tuple[float, Exact]:
    """Return the mean of log(sum(exp z)) - z[label] and its gradient, number by number."""
    losses, gradients = [], []
    for z, label in zip(logits.tolist(), labels.tolist()):
        top = max(z)
        total = math.fsum(math.exp(value - top) for value in z)
        losses.append(math.log(total) + (top - z[label]))
        gradients.append([math.exp(value - top) / total for value in z])
        gradients[-1][label] -= 1
    return math.fsum(losses) / len(losses), np.array(gradients) / len(losses)


@each_backend
@each_precision
@pytest.mark.parametrize("probe", LOGITS)
def test_cross_entropy_is_the_formula(backend: str, precision: str, probe: str) -> None:
    logits = LOGITS[probe].astype(precision).astype(np.float64)
    network = loss_network(backend, precision)
    for shift in range(logits.shape[1]) if logits.shape[1] < 10 else (0, 7):
        labels = (np.arange(len(logits)) + shift) % logits.shape[1]
        loss, grad = cross_entropy(logits, labels)
        found = network.replay_loss(logits, labels)
        loss_budget, grad_budget = (
            own + formulas
            for own, formulas in zip(
                loss_bounds(logits, labels, precision),
                loss_bounds(logits, labels, "float64"),
            )
        )
        assert_within(found.loss, loss, loss_budget, "loss")
        assert_within(found.grad_logits, grad, grad_budget, "grad_logits")
        assert found.grad_logits.dtype == precision


def loss_of(
    backend: str, precision: str, logits: list[list[float]], labels: list[int]
) -> tuple[float, Array]:
    found = loss_network(backend, precision).replay_loss(np.array(logits), np.array(labels))
    return found.loss, found.grad_logits


@each_backend
@each_precision
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_cross_entropy_is_a_mean(backend: str, precision: str, batch: int) -> None:
    logits, labels = np.zeros((batch, 2)), np.zeros(batch, int)
    loss, grad = loss_of(backend, precision, logits.tolist(), labels.tolist())
    loss_budget, grad_budget = loss_bounds(logits, labels, precision)
    assert_within(loss, math.log(2), loss_budget, "loss")
    assert_within(grad, np.array([[-0.5, 0.5]] * batch) / batch, grad_budget, "grad_logits")


@each_backend
@each_precision
def test_cross_entropy_does_not_overflow(backend: str, precision: str) -> None:
    # exp(-20000) is 0 in both precisions: all of this is exact.
    logits = [[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4], [-1e4, -3e4]]
    loss, grad = loss_of(backend, precision, logits, [0, 1, 1, 0])
    assert loss == 2e4 / 4
    assert grad.tolist() == [[0, 0], [0.25, -0.25], [0, 0], [0, 0]]


@each_backend
@each_precision
def test_cross_entropy_does_not_lose_large_equal_logits(backend: str, precision: str) -> None:
    for size in (1e4, -1e4):
        logits, labels = np.full((1, 2), size), np.array([1])
        loss, grad = loss_of(backend, precision, logits.tolist(), [1])
        loss_budget, grad_budget = loss_bounds(logits, labels, precision)
        assert_within(loss, math.log(2), loss_budget, "loss")
        assert_within(grad, np.array([[0.5, -0.5]]), grad_budget, "grad_logits")


CLASSES = 4

Loss = Callable[[Exact, list[int]], tuple[float, Exact]]


def softmax(row: Exact) -> Exact:
    e = np.exp(row - max(row))
    return e / sum(e)


def log_softmax(row: Exact) -> Exact:
    return row - max(row) - math.log(sum(np.exp(row - max(row))))


def one_hot(label: int) -> Exact:
    return np.array([float(k == label) for k in range(CLASSES)])


def by_image(loss: Callable[[Exact, int], float], grad: Callable[[Exact, int], Exact]) -> Loss:
    """Make the mean over a batch of what is written for one image."""

    def mean(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
        losses = [loss(row, label) for row, label in zip(logits, labels)]
        grads = [grad(row, label) / len(labels) for row, label in zip(logits, labels)]
        return sum(losses) / len(labels), np.array(grads)

    return mean


def of_image(row: Exact, label: int) -> float:
    return float(-log_softmax(row)[label])


def grad_of_image(row: Exact, label: int) -> Exact:
    return softmax(row) - one_hot(label)


right = by_image(of_image, grad_of_image)


def naive(row: Exact) -> Exact:
    return np.exp(row) / sum(np.exp(row))


def log(number: float) -> float:
    return float(np.log(number))


def through_softmax(row: Exact, upstream: Exact) -> Exact:
    p = softmax(row)
    jacobian = np.array([[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))])
    return jacobian @ upstream


def summed(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    loss, grad = right(logits, labels)
    return loss * len(labels), grad * len(labels)


def divided_twice(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    loss, grad = right(logits, labels)
    return loss / len(labels), grad / len(labels)


def times(factor: float) -> Loss:
    def scaled(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
        loss, grad = right(logits, labels)
        return loss * factor, grad * factor

    return scaled


def over_batch(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    columns = np.array([softmax(column) for column in logits.T]).T
    losses = [-log(columns[i, label]) for i, label in enumerate(labels)]
    grads = [(columns[i] - one_hot(label)) / len(labels) for i, label in enumerate(labels)]
    return sum(losses) / len(labels), np.array(grads)


def minus_maximum(axis: int | None) -> Loss:
    def loss(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
        e = np.exp(logits - logits.max(axis=axis))
        p = e / e.sum(axis=1, keepdims=True)
        losses = [-log(row[label]) for row, label in zip(p, labels)]
        grads = [(row - one_hot(label)) / len(labels) for row, label in zip(p, labels)]
        return sum(losses) / len(labels), np.array(grads)

    return loss


def minus_batch_maximum_in_logs(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    d = logits - logits.max()
    log_p = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
    losses = [-row[label] for row, label in zip(log_p, labels)]
    grads = [(np.exp(row) - one_hot(label)) / len(labels) for row, label in zip(log_p, labels)]
    return sum(losses) / len(labels), np.array(grads)


def shifted(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    return right(logits, [(label + 1) % CLASSES for label in labels])


def in_float32(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    loss, grad = right(logits, labels)
    return float(np.float32(loss)), grad.astype(np.float32).astype(np.float64)


def clipped(row: Exact) -> Exact:
    return np.array([min(max(p, 1e-7), 1 - 1e-7) for p in softmax(row)])


def at_columns(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    rows = np.array([softmax(row) for row in logits])
    loss = -np.mean([[log(row[label]) for label in labels] for row in rows])
    rows[:, labels] -= 1
    return float(loss), rows / len(labels)


FAULTS: dict[str, tuple[str, str | None, Loss]] = {
    "[:, labels]": ("labels-of-batch", "labels-of-batch", at_columns),
    "sum for mean": ("sum-not-mean", "sum-not-mean", summed),
    "divided twice": ("divided-twice", "divided-twice", divided_twice),
    "divided by classes": ("divided-by-classes", "divided-by-classes", times(1 / CLASSES)),
    "sign": ("sign", "sign", times(-1)),
    "times 3": ("scale", "scale", times(3)),
    "base 2": ("log-base", "log-base", times(1 / math.log(2))),
    "base 10": ("log-base", "log-base", times(1 / math.log(10))),
    "zero": ("zero", "zero", times(0)),
    "double softmax": (
        "double-softmax",
        "double-softmax",
        by_image(
            lambda row, label: of_image(softmax(row), label),
            lambda row, label: through_softmax(row, grad_of_image(softmax(row), label)),
        ),
    ),
    "double softmax, inner gradient alone": (
        "double-softmax",
        "double-softmax",
        by_image(
            lambda row, label: of_image(softmax(row), label),
            lambda row, label: grad_of_image(softmax(row), label),
        ),
    ),
    "no maximum": (
        "no-maximum",
        "no-maximum",
        by_image(
            lambda row, label: -log(naive(row)[label]),
            lambda row, label: naive(row) - one_hot(label),
        ),
    ),
    "no maximum, log of the sum": (
        "no-maximum",
        None,
        by_image(lambda row, label: log(sum(np.exp(row))) - row[label], grad_of_image),
    ),
    "log of softmax": (
        "log-of-softmax",
        None,
        by_image(lambda row, label: -log(softmax(row)[label]), grad_of_image),
    ),
    "one-hot missing": (
        "no-normaliser",
        "one-hot-missing",
        by_image(lambda row, label: -row[label], lambda row, label: softmax(row)),
    ),
    "one-hot added": (
        "no-logarithm",
        "one-hot-added",
        by_image(
            lambda row, label: -softmax(row)[label],
            lambda row, label: softmax(row) + one_hot(label),
        ),
    ),
    "label alone": (
        "no-logarithm",
        "label-alone",
        by_image(
            lambda row, label: 1 - softmax(row)[label],
            lambda row, label: grad_of_image(row, label) * one_hot(label),
        ),
    ),
    "jacobian missing": (
        "eps-in-log",
        "softmax-jacobian-missing",
        by_image(
            lambda row, label: -log(softmax(row)[label] + 1e-9),
            lambda row, label: np.array(
                [np.divide(-1, softmax(row)[k]) if k == label else 0.0 for k in range(CLASSES)]
            ),
        ),
    ),
    "eps of 1e-12": (
        "eps-in-log",
        None,
        by_image(lambda row, label: -log(softmax(row)[label] + 1e-12), grad_of_image),
    ),
    "eps of 1e-300": (
        "eps-in-log",
        None,
        by_image(lambda row, label: -log(softmax(row)[label] + 1e-300), grad_of_image),
    ),
    "clipped": (
        "clipped",
        "clipped",
        by_image(
            lambda row, label: -log(clipped(row)[label]),
            lambda row, label: clipped(row) - one_hot(label),
        ),
    ),
    "squared error of the softmax": (
        "squared-error",
        "squared-error",
        by_image(
            lambda row, label: float(sum((softmax(row) - one_hot(label)) ** 2)),
            lambda row, label: through_softmax(row, 2 * (softmax(row) - one_hot(label))),
        ),
    ),
    "squared error of the logits": (
        "squared-error",
        "squared-error",
        by_image(
            lambda row, label: float(sum((row - one_hot(label)) ** 2) / CLASSES),
            lambda row, label: 2 * (row - one_hot(label)) / CLASSES,
        ),
    ),
    "logits for probabilities": (
        "no-normaliser",
        "logits-as-probabilities",
        by_image(lambda row, label: -row[label], lambda row, label: row - one_hot(label)),
    ),
    "label shifted": ("label-shifted", "label-shifted", shifted),
    "softmax over the batch": ("batch-axis", "batch-axis", over_batch),
    "batch's maximum": ("batch-maximum", "batch-maximum", minus_maximum(None)),
    "batch's maximum, log-softmax": (
        "batch-maximum",
        "batch-maximum",
        minus_batch_maximum_in_logs,
    ),
    "class's maximum": ("batch-axis", "batch-axis", minus_maximum(0)),
    "label smoothing": (
        "label-smoothing",
        "label-smoothing",
        by_image(
            lambda row, label: float(
                -sum((0.9 * one_hot(label) + 0.1 / CLASSES) * log_softmax(row))
            ),
            lambda row, label: softmax(row) - 0.9 * one_hot(label) - 0.1 / CLASSES,
        ),
    ),
    "float32": ("low-precision", "low-precision", in_float32),
}


def observe(loss: Loss, quantity: str) -> list[Observation[LossSituation]]:
    observations = []
    which = ["loss", "grad_logits"].index(quantity)
    certain = 1e4 * np.eye(CLASSES)  # of the right class
    for name, drawn in [*loss_probes(CLASSES, 0), ("certain", certain)]:
        logits = drawn.astype(np.float64)
        labels = [index % CLASSES for index in range(len(logits))]
        with np.errstate(all="ignore"):
            found = loss(logits, labels)[which]
        observations.append(
            Observation(
                LossSituation(DEFAULT_LOSS, name, logits, np.array(labels)),
                quantity,
                np.asarray(found),
                np.asarray(right(logits, labels)[which]),
                2 * loss_bounds(logits, np.array(labels), "float64")[which],
            )
        )
    return observations


def code(loss: Loss, quantity: str) -> str | None:
    cause = diagnose_loss(observe(loss, quantity))
    return cause and cause.code


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str) -> None:
    of_loss, of_grad, loss = FAULTS[name]
    assert code(loss, "loss") == of_loss
    assert code(loss, "grad_logits") == of_grad


@pytest.mark.parametrize("quantity", ["loss", "grad_logits"])
def test_the_right_loss_has_no_cause(quantity: str) -> None:
    assert code(right, quantity) is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (at >= 2))
        for at, name in enumerate(list(FAULTS)[::9])
    ],
)
@pytest.mark.parametrize("quantity", ["loss", "grad_logits"])
def test_a_fault_with_noise_on_it_is_not_named(name: str, quantity: str) -> None:
    random = stream(0, "tests", "noise", name)

    def noisy(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
        loss, grad = FAULTS[name][2](logits, labels)
        noise = 1e-6 * random.normal(size=grad.shape)
        return loss + 1e-6 * random.normal(), grad + noise

    assert code(noisy, quantity) is None


def test_numbers_that_are_all_nan_have_no_cause() -> None:
    assert code(times(math.nan), "loss") is None
    assert code(times(math.nan), "grad_logits") is None


def test_two_faults_at_once_are_both_said() -> None:
    def smoothed_sum(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
        loss, grad = FAULTS["label smoothing"][2](logits, labels)
        return loss * len(labels), grad * len(labels)

    cause = diagnose_loss(observe(smoothed_sum, "loss"))
    assert cause
    assert cause.sentence == (
        "the labels are smoothed by 0.1; the loss takes them as they are. Besides, the code takes "
        "the sum over the batch; the mean is wanted"
    )


def test_a_factor_that_two_mistakes_make_is_named() -> None:
    cause = diagnose_loss(
        observe(lambda *given: tuple(2 * each for each in summed(*given)), "loss")
    )
    assert cause is not None
    assert cause.sentence == (
        "the code takes the sum over the batch; the mean is wanted. Besides, the result is doubled"
    )


def test_one_hot_of_one_image_alone_is_named() -> None:
    def of_last_image(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
        loss, grad = right(logits, labels)
        for row, label in zip(grad[:-1], labels):
            row[label] += 1 / len(labels)
        return loss, grad

    cause = diagnose_loss(observe(of_last_image, "grad_logits"))
    assert cause is not None
    assert "at the label of the last image alone" in cause.sentence


def test_what_overflows_alone_is_named_where_only_large_logits_are_wrong() -> None:
    def by_product(row: Exact, label: int) -> float:
        return -float(sum(one_hot(label) * np.log(softmax(row))))

    loss = by_image(by_product, lambda row, label: softmax(row) - one_hot(label))
    extreme = [at for at in observe(loss, "loss") if at.situation.probe == "extreme"]
    cause = diagnose_loss(extreme)
    assert cause is not None
    assert cause.code == "overflow"
    assert "which overflows; or " in cause.sentence
    assert cause.sentence.endswith("; or the code takes the logarithm of a softmax, which may be 0")


def by_log_sum(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    top = logits.max(axis=1, keepdims=True)
    log_sum = top + np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    own = np.array([one_hot(label) for label in labels])
    grad = (np.exp(logits - log_sum) - own) / len(labels)
    return float(np.mean(log_sum - (logits * own).sum(axis=1, keepdims=True))), grad


def by_sums_apart(logits: Exact, labels: list[int]) -> tuple[float, Exact]:
    top = logits.max(axis=1)
    log_sum = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    loss = (np.sum(log_sum) - sum(row[label] for row, label in zip(logits, labels))) / len(labels)
    return float(loss), by_log_sum(logits, labels)[1]


@pytest.mark.parametrize("form", [by_log_sum, by_sums_apart])
@pytest.mark.parametrize("quantity", ["loss", "grad_logits"])
def test_the_maximum_may_be_added_back(form: Loss, quantity: str) -> None:
    assert all(at.right for at in observe(form, quantity))
