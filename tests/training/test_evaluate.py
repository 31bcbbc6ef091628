"""Loss and accuracy on a set of images."""

import math

import numpy as np
import pytest

from cnnspec import Flatten, Linear, ModelSpec, build, resolve
from cnnspec.data import Split
from cnnspec.training import evaluate
from cnnspec.training.evaluate import mean_cross_entropy


def test_mean_cross_entropy_by_hand() -> None:
    logits = np.log(np.array([[1.0, 2.0, 1.0], [3.0, 1.0, 4.0]]))
    labels = np.array([1, 0])
    wanted = (-math.log(2 / 4) - math.log(3 / 8)) / 2
    assert mean_cross_entropy(logits, labels) == pytest.approx(wanted, rel=1e-15)


def test_logits_may_be_shifted_and_huge() -> None:
    logits = np.array([[1000.0, 1001.0], [-2000.0, -2000.0]], np.float32)
    wanted = (math.log1p(math.exp(-1)) + math.log(2)) / 2
    assert mean_cross_entropy(logits, np.array([1, 0])) == pytest.approx(wanted, rel=1e-14)
    far = np.array([[3e38, -3e38]], np.float32)
    assert mean_cross_entropy(far, np.array([0])) == 0
    assert mean_cross_entropy(far, np.array([1])) == pytest.approx(6e38, rel=1e-6)


def test_logits_are_not_changed() -> None:
    logits = np.array([[1.0, 2.0]])
    mean_cross_entropy(logits, np.array([0]))
    assert logits.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("count", [1, 249, 250, 251, 600])
def test_every_image_counts_once_however_many_there_are(count: int) -> None:
    spec = ModelSpec(input=(1, 2, 2), layers=[Flatten(), Linear(out_features=3)])
    network = build(resolve(spec), spec.training)
    random = np.random.default_rng(0)
    split = Split(
        random.normal(size=(count, 1, 2, 2)).astype(np.float32), random.integers(3, size=count)
    )
    found = evaluate(network, split)
    state = network.state()
    logits = split.images.reshape(count, 4).astype(float) @ state["linear1.weight"].T.astype(float)
    logits += state["linear1.bias"]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted = -np.log(shares[np.arange(count), split.labels]).mean()
    assert found.loss == pytest.approx(wanted, rel=1e-6)
    assert np.array_equal(found.predictions, shares.argmax(axis=1))
    assert found.accuracy == (shares.argmax(axis=1) == split.labels).sum() / count
    assert isinstance(found.accuracy, float)
    after = network.state()
    assert all(np.array_equal(after[name], array) for name, array in state.items())
