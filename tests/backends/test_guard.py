"""Somebody else's backend: what it raises is told as its own, and an exit is no verdict."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import BackendError, build, compare_backends, parse_spec, resolve
from cnnspec.address import TRAINING
from cnnspec.backends import backend_names
from cnnspec.backends.guard import guarded
from cnnspec.backends.network import Batch
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.backends.raised import told
from cnnspec.compare import parse_backend
from tests.faulty import faulty

SPEC = parse_spec("""
input: [1, 8, 8]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 64, test_samples: 20}}
""")
PLAN = resolve(SPEC)


class Raises(ConvNumPy):
    def forward(self, x: Any) -> Any:
        raise ValueError("bad forward")


class Exits(ConvNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        raise SystemExit(0)


class NoBackward(PoolNumPy):
    def input_gradient(self, grad_output: Any) -> Any:
        raise NotImplementedError("no backward yet")


class Dies(NumPyNetwork):
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> Any:
        if step == 2:
            raise RuntimeError("I died")
        return super().train_step(batch, learning_rate, step)


class NoStep(NumPyNetwork):
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> Any:
        super().train_step(batch, learning_rate, step)


class Transposed(NumPyNetwork):
    def predict(self, images: Any) -> Any:
        return super().predict(images).T


def raises(*_: Any, **__: Any) -> Any:
    raise KeyError("weight")


def exits(*_: Any, **__: Any) -> Any:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (raises, f"`own` cannot build a network: KeyError: 'weight' ({__file__}, line "),
        (exits, "`own` cannot build a network: it calls sys.exit(0)"),
        (lambda plan: plan, "TypeError: <lambda>() got an unexpected keyword argument 'device'"),
        (lambda *_, **__: None, "`own` returned None, which is no network"),
        (lambda *_, **__: PLAN, "`own` returned a `Plan`, which is no network"),
    ],
)
def test_a_builder_that_fails(builder: Any, message: str) -> None:
    with pytest.raises(BackendError) as caught:
        guarded(builder, "own")(PLAN, SPEC.training, device="cpu")
    assert message in str(caught.value)


def test_a_network_that_lacks_a_method() -> None:
    class NoReplay:
        def __getattr__(self, name: str) -> Any:
            if name.startswith("replay"):
                raise AttributeError(name)
            return print

    with pytest.raises(BackendError, match="returned a `NoReplay`, which has no `replay`, `replay"):
        guarded(lambda *_, **__: NoReplay(), "own")(PLAN, SPEC.training, device="cpu")


def test_an_error_says_whose_it_is() -> None:
    network = faulty(conv=Raises).build(PLAN, SPEC.training)
    with pytest.raises(ValueError, match="bad forward") as caught:
        network.predict(np.zeros((1, 1, 8, 8), np.float32))
    line = told(caught.value)
    assert line
    assert line.startswith("ValueError: bad forward, raised by the backend `faulty` in predict (")
    assert f"{Path(__file__).name}, line " in line
    assert "raise ValueError" in line
    assert told(ValueError("of cnnspec")) is None


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("fault", [Raises, Exits])
def test_a_layer_that_fails_is_not_compared_on_either_side(fault: Any, first: bool) -> None:
    choices = faulty(conv=fault), parse_backend("numpy")
    verdict = compare_backends(SPEC, choices if first else choices[::-1])
    missing = [item for item in verdict.coverage.not_compared if item.layer == "conv1"]
    assert {item.quantity for item in missing} >= {"output", "grad_input"}
    assert {item.why.startswith("faulty: ") for item in missing} == {True}
    assert verdict.verdict == "different"
    assert {kinks.layer for kinks in verdict.kinks} == {"relu1", "pool1"}, "by the other side"


def test_an_exit_names_its_line() -> None:
    verdict = compare_backends(SPEC, (parse_backend("numpy"), faulty(conv=Exits)), steps=0)
    why = verdict.coverage.not_compared[0].why
    assert "`faulty` calls sys.exit(0) in replay (" in why
    assert "raise SystemExit(0))" in why


@pytest.mark.parametrize(
    ("parts", "reason", "steps"),
    [
        ({"network": Dies}, "RuntimeError: I died", 1),
        ({"network": NoStep}, "BackendError: `faulty` returned None from train_step; wanted", 0),
        ({"pool": NoBackward}, "NotImplementedError: no backward yet", 0),
        ({"conv": Exits}, "BackendError: `faulty` calls sys.exit(0) in train_step (", 0),
    ],
)
def test_a_training_that_fails_stops(parts: Any, reason: str, steps: int) -> None:
    trajectory = compare_backends(SPEC, (parse_backend("numpy"), faulty(**parts))).trajectory
    assert trajectory is not None
    assert trajectory.total_steps == steps
    assert trajectory.stopped["faulty"].startswith(reason)
    assert trajectory.finding is not None
    assert trajectory.finding.wrong_side == "faulty"


def test_a_network_that_cannot_be_tested_is_not_compared() -> None:
    verdict = compare_backends(SPEC, (parse_backend("numpy"), faulty(conv=Raises)))
    assert verdict.trajectory is None
    last = verdict.coverage.not_compared[-1]
    assert (last.address, last.allowed) == (TRAINING, False)
    assert last.why.startswith("ValueError: bad forward, raised by the backend `faulty`")


def test_predictions_of_another_shape_are_not_compared() -> None:
    verdict = compare_backends(SPEC, (parse_backend("numpy"), faulty(network=Transposed)))
    assert verdict.verdict == "different"
    last = verdict.coverage.not_compared[-1]
    assert last.address == TRAINING
    assert last.why == (
        "the faulty network predicts an array of shape (10, 20); wanted the logits, 20 images x 10 "
        "classes"
    )


def test_an_error_of_cnnspec_is_no_backend_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("of cnnspec")

    monkeypatch.setattr(NumPyNetwork, "train_step", broken)
    with pytest.raises(ValueError, match="of cnnspec"):
        compare_backends(SPEC, ("numpy", "loops"))


class Entries:
    def __init__(self, value: str) -> None:
        self._entry = importlib.metadata.EntryPoint("other", value, "cnnspec.backends")

    def __call__(self, **_: Any) -> Iterator[Any]:
        yield self._entry


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no_such_module:build", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("cnnspec.plan:nothing", "AttributeError: module 'cnnspec.plan' has no attribute"),
    ],
)
def test_a_package_whose_backend_cannot_be_loaded(
    value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", Entries(value))
    assert "other" in backend_names()
    with pytest.raises(BackendError, match="the backend `other` cannot be loaded from") as caught:
        build(PLAN, SPEC.training, "other")
    assert message in str(caught.value)
