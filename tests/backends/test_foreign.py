"""What somebody else's code does to the whole process is put back, and ends no judging."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import BackendError, Network, build, compare_backends, parse_spec, resolve
from cnnspec.backends import builder_of
from cnnspec.backends.foreign import foreign
from cnnspec.backends.guard import METHODS, guarded
from cnnspec.backends.network import Batch
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.raised import MOST, in_words, message_of, told
from tests.faulty import faulty

SPEC = parse_spec("""
input: [1, 8, 8]
layers: [conv: {out_channels: 2, kernel_size: 3}, relu, flatten, linear: {out_features: 10}]
data: {digits: {train_samples: 64, test_samples: 20}}
training: {optimizer: adam}
""")
PLAN = resolve(SPEC)
IMAGES = np.zeros((2, 1, 8, 8), np.float32)

OWN = """
from cnnspec.backends.numpy import NumPyNetwork
Network = NumPyNetwork
"""


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Strict(NumPyNetwork):
    """Has NumPy raise on everything, but where its own passes underflow."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in METHODS:
            return found

        def strict(*given: Any, **options: Any) -> Any:
            with np.errstate(all="ignore"):
                answer = found(*given, **options)
            np.seterr(all="raise")
            return answer

        return strict


def raising(error: BaseException) -> Network:
    class Raising(NumPyNetwork):
        def predict(self, images: Any) -> Any:
            raise error

    return faulty(label="own", network=Raising).build(PLAN, SPEC.training)


def test_what_is_asked_of_numpy_holds_for_somebody_elses_code_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cnnspec.backends.foreign._theirs", {})
    before = np.geterr()
    with foreign():
        np.seterr(all="raise")
    assert np.geterr() == before
    with foreign(), pytest.raises(FloatingPointError):
        np.float32(1e-30) * np.float32(1e-30)
    assert np.geterr() == before


def test_a_network_that_has_numpy_raise_is_judged_as_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cnnspec.backends.foreign._theirs", {})
    with np.errstate():
        verdict = compare_backends(SPEC, (faulty(network=Strict), "numpy"), steps=0)
    assert verdict.verdict == "same"


def test_streams_are_put_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(f"import io, sys\nsys.stdout = sys.stderr = io.StringIO()\n{OWN}")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    before = sys.stdout, sys.stderr
    builder_of(f"{file}:Network")
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize(
    "error", [GeneratorExit("gone"), asyncio.CancelledError("gone"), BaseException("gone")]
)
def test_what_is_no_exception_is_told_as_theirs(error: BaseException, tmp_path: Path) -> None:
    network = raising(error)
    with pytest.raises(BackendError, match=r"`own` raises \w+: gone in predict \(") as caught:
        network.predict(IMAGES)
    assert told(caught.value)

    def builder(*_: Any, **__: Any) -> Any:
        raise error

    with pytest.raises(BackendError, match=r"`own` cannot build a network: \w+: gone"):
        guarded(builder, "own")(PLAN, SPEC.training)
    (tmp_path / "own.py").write_text("raise GeneratorExit('gone')")
    with pytest.raises(BackendError, match=r"own\.py fails: GeneratorExit: gone"):
        builder_of(f"{tmp_path / 'own.py'}:Network")


def test_ctrl_c_stays_ctrl_c() -> None:
    network = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        network.predict(IMAGES)


def test_an_error_without_words_and_one_with_too_many() -> None:
    assert in_words(SpeechlessError()) == "SpeechlessError: (its own message cannot be made)"
    assert message_of(ValueError("x" * 10**6)) == "x" * MOST + "..."
    network = raising(SpeechlessError())
    with pytest.raises(SpeechlessError) as caught:
        network.predict(IMAGES)
    assert "own message cannot be made" in (told(caught.value) or "")


@pytest.mark.torch
@pytest.mark.parametrize(
    "line", ["torch.set_grad_enabled(False)", "torch.set_default_device('meta')"]
)
def test_torch_computes_whatever_a_file_has_set(line: str) -> None:
    import torch

    labels = np.array([0, 1])
    was = torch.is_grad_enabled()
    reference = build(PLAN, SPEC.training, "torch")
    losses = [reference.train_step(Batch(IMAGES, labels), 0.1, step).loss for step in (1, 2)]
    try:
        exec(line, {"torch": torch})
        network = build(PLAN, SPEC.training, "torch")
        network.load_state(build(PLAN, SPEC.training, "torch").state())
        trace = network.trace(Batch(IMAGES, labels), step=1)
        replayed = network.replay("linear1", [trace.layers["flatten1"].output], np.ones((2, 10)))
        network.replay_loss(trace.layers["linear1"].output, labels)
        network.predict(IMAGES)
        found = [network.train_step(Batch(IMAGES, labels), 0.1, step).loss for step in (1, 2)]
    finally:
        torch.set_grad_enabled(was)
        torch.set_default_device(None)
    assert replayed.grad_parameters
    assert found == losses
