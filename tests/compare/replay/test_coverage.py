"""Everything is compared or listed, and what is not compared is never taken for the same."""

from typing import Any

import pytest

from cnnspec import ModelSpec, compare_backends, parse_spec, resolve
from cnnspec.address import LOSS, PASS, STEP, Layer
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.compare import Verdict, parse_backend
from tests.faulty import faulty

SPEC = parse_spec("""
input: [1, 5, 6]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - batch_norm
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 3}
training: {optimizer: {adam: {}}}
""")


class NoBackward(PoolNumPy):
    def input_gradient(self, grad_output: Any) -> Any:
        raise ValueError("no backward")


class NotOne(LinearNumPy):
    def forward(self, x: Any) -> Any:
        if x.shape[-1] == 1:
            raise ValueError("not a single image")
        return super().forward(x)


class NoLoss(NumPyNetwork):
    def replay_loss(self, logits: Any, labels: Any) -> Any:
        raise ValueError("no loss alone")


def compared(*, allow: tuple[str, ...] = (), spec: ModelSpec = SPEC, **parts: Any) -> Verdict:
    return compare_backends(spec, (parse_backend("numpy"), faulty(**parts)), allow=allow)


@pytest.mark.torch
def test_everything_is_counted() -> None:
    coverage = compare_backends(SPEC).coverage
    assert coverage.not_compared == ()
    assert coverage.complete
    assert coverage.counts == {
        "outputs": (6, 6),
        "input gradients": (6, 6),
        "parameter gradients": (6, 6),
        "buffers": (2, 2),
        "loss and its gradient": (2, 2),
        "updated parameters": (6, 6),
        "optimizer slots": (12, 12),
        "prediction": (1, 1),
    }
    plan = resolve(SPEC)
    assert len(plan.layers) == 6
    assert len(plan.parameters) == 6


def test_a_layer_that_raises_is_listed_with_the_reason() -> None:
    verdict = compared(pool=NoBackward)
    assert verdict.verdict == "different"
    assert verdict.coverage.counts["outputs"] == (5, 6)
    listed = {(item.address, item.quantity) for item in verdict.coverage.not_compared}
    assert listed == {
        (Layer("pool1"), "output"),
        (Layer("pool1"), "grad_input"),
        (PASS, None),
        (STEP, None),
    }
    reasons = {item.why for item in verdict.coverage.not_compared}
    assert reasons == {"faulty: ValueError: no backward"}


@pytest.mark.parametrize(
    ("allow", "verdict"),
    [
        (("pool1",), "different"),
        (("pool1", "whole pass"), "different"),
        (("pool1", "whole pass", "training step"), "same"),
        (("pool1.output", "whole pass", "training step"), "different"),
        (("pool1.output", "pool1.grad_input", "whole pass", "training step"), "same"),
        (("whole pass", "training step"), "different"),
    ],
)
def test_the_user_allows_by_name(allow: tuple[str, ...], verdict: str) -> None:
    assert compared(pool=NoBackward, allow=allow).verdict == verdict


def test_a_layer_that_raises_on_one_probe_alone_is_listed() -> None:
    verdict = compared(linear=NotOne)
    assert verdict.coverage.counts["outputs"] == (6, 6), "other probes reached it"
    (item,) = verdict.coverage.not_compared
    assert (item.layer, item.quantity) == ("linear1", None)
    assert verdict.verdict == "different"
    assert compared(linear=NotOne, allow=("linear1",)).verdict == "same"


def test_a_loss_that_raises_is_listed() -> None:
    verdict = compared(network=NoLoss)
    listed = {(item.address, item.quantity) for item in verdict.coverage.not_compared}
    assert listed >= {(LOSS, "loss"), (LOSS, "grad_logits")}
    assert verdict.verdict == "different"
