"""Who is wrong, and why: backends that err in known ways before the judge."""

from typing import Any

import numpy as np
import pytest

from cnnspec import parse_spec, resolve
from cnnspec.address import LOSS, OPTIMIZER
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.sgd import SGDNumPy
from cnnspec.compare import (
    BackendChoice,
    Finding,
    Verdict,
    compare_choices,
    parse_backend,
    plain_network,
)
from cnnspec.compare.judging import judge as judges
from tests.faulty import faulty

SPEC = parse_spec("""
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3, padding: 1}
  - relu
  - pool: {kernel_size: 3, stride: 2}
  - flatten
  - linear: {out_features: 4}
training: {optimizer: {sgd: {momentum: 0.9}}}
""")
NUMPY, TORCH, LOOPS = map(parse_backend, ("numpy", "torch", "loops"))


class DoubledOutput(LinearNumPy):
    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)


class NegatedInputGradient(ConvNumPy):
    def input_gradient(self, grad_output: Any) -> Any:
        return -super().input_gradient(grad_output)


class TripledBiasGradient(LinearNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": 3 * found["bias"]}


class NoisyOutput(LinearNumPy):
    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        return y + 1e-7 * np.sin(1e5 * y)


def judged(first: BackendChoice, second: BackendChoice, spec: Any = SPEC) -> Verdict:
    return compare_choices(resolve(spec), spec.training, first, second)


def only(verdict: Verdict) -> Finding:
    (finding,) = (found for found in verdict.findings if found.precision == "float64")
    return finding


@pytest.mark.parametrize("right", [NUMPY, TORCH, LOOPS], ids=lambda choice: choice.label)
@pytest.mark.parametrize("swapped", [False, True])
def test_the_faulty_side_is_named(right: BackendChoice, swapped: bool) -> None:
    wrong = faulty(conv=NegatedInputGradient)
    finding = only(judged(*((wrong, right) if swapped else (right, wrong))))
    assert (finding.layer, finding.quantity) == ("conv1", "grad_input")
    assert finding.wrong_side == "faulty"
    judge = "the NumPy engine" if right is LOOPS else "the textbook loops"
    assert finding.judge == f"{judge}, whose gradient agrees with central differences"
    assert finding.cause is not None
    assert "-1 times the expected one" in finding.cause.sentence


def test_forward_is_judged_without_differences() -> None:
    findings = judged(NUMPY, faulty(linear=DoubledOutput)).findings
    assert (findings[0].layer, findings[0].quantity) == ("linear1", "output")
    assert findings[0].judge == "the textbook loops"


def test_both_sides_may_be_wrong() -> None:
    a, b = faulty("a", linear=DoubledOutput), faulty("b", linear=NoisyOutput)
    first = judged(a, b).findings[0]
    assert (first.layer, first.quantity, first.wrong_side) == ("linear1", "output", "both")
    assert list(first.causes) == ["a"], "noise has no cause"


def test_no_third_implementation_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "JUDGES", {"numpy": "the NumPy engine"})
    first = judged(NUMPY, faulty(linear=DoubledOutput)).findings[0]
    assert first.wrong_side is None
    assert first.judge == "there is no third implementation here to judge"


@pytest.mark.torch
def test_a_judge_who_contradicts_his_own_differences_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cnnspec.backends.loops.linear import LinearLoops

    original = LinearLoops.parameter_gradients
    monkeypatch.setattr(
        LinearLoops,
        "parameter_gradients",
        lambda self, grad: original(self, grad) | {"bias": 5 * grad.sum(axis=0)},
    )
    finding = only(judged(TORCH, faulty(linear=TripledBiasGradient)))
    assert (finding.layer, finding.quantity) == ("linear1", "grad_bias")
    assert finding.wrong_side is None
    assert finding.judge == "the textbook loops and central differences do not agree"


@pytest.mark.torch
@pytest.mark.parametrize("quantity", ["output", "grad_input", "grad_weight", "grad_bias"])
@pytest.mark.parametrize("judge", ["loops", "numpy", "torch"])
@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "linear1", "batch_norm1"])
def test_judges_agree_with_their_differences(judge: str, quantity: str, layer: str) -> None:
    from cnnspec.compare.replay.probes import probes_of
    from cnnspec.compare.sides.isolation import Isolation
    from cnnspec.compare.sides.side import probe_weights
    from cnnspec.compare.verdict.quantities import quantities_of

    spec = parse_spec("""
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3, stride: 2, padding: 1}
  - batch_norm
  - relu
  - pool: {kernel_size: 2, stride: 1}
  - flatten
  - linear: {out_features: 4}
""")
    plan = resolve(spec)
    if quantity not in quantities_of(plan.layer(layer)) or quantity == "output":
        return
    weights = probe_weights(plan, 0)
    isolation = Isolation(plan, spec.training, (NUMPY, TORCH), weights)
    third = judges.Judge(plan, spec.training, judge, weights)
    probes = [probe for probe in probes_of(isolation, None).layers if probe.at.name == layer]
    said = third.checked_by_differences(probes, quantity)
    assert said is not None
    assert said.endswith("agrees with central differences")


@pytest.mark.torch
def test_a_wrong_loss_and_a_wrong_optimizer_are_judged() -> None:
    def summed(logits: Any, labels: Any) -> Any:
        loss, grad = cross_entropy(logits, labels)
        return loss * len(labels), grad

    finding = only(judged(TORCH, faulty(loss=summed)))
    assert (finding.address, finding.quantity) == (LOSS, "loss")
    assert finding.wrong_side == "faulty"
    assert finding.cause is not None

    class Uphill(SGDNumPy):
        def step(self, parameters: Any, gradients: Any, learning_rate: float, step: int) -> None:
            super().step(parameters, gradients, -learning_rate, step)

    findings = judged(TORCH, faulty(optimizers={"sgd": Uphill})).findings
    assert {finding.address for finding in findings} == {OPTIMIZER}
    assert {finding.wrong_side for finding in findings} == {"faulty"}
    assert all(finding.cause and finding.cause.code == "ascent" for finding in findings)


class UpdatesItself(LinearNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        for name, gradient in found.items():
            self.parameters[name] -= 0.25 * gradient
        return found


def test_a_layer_that_updates_its_own_weights() -> None:
    findings = [
        found
        for found in judged(NUMPY, faulty(linear=UpdatesItself)).findings
        if found.quantity == "own weights"
    ]
    assert {finding.layer for finding in findings} == {"linear1"}
    assert findings[0].wrong_side == "faulty"
    assert findings[0].cause is not None
    assert findings[0].cause.code == "updates-own-weights"
    assert "by 0.25 times the gradient" in findings[0].cause.sentence


def test_a_network_that_overwrites_its_input() -> None:
    from cnnspec.backends.numpy import NumPyNetwork

    class Overwrites(NumPyNetwork):
        def replay(self, layer: str, inputs: Any, *given: Any, **options: Any) -> Any:
            found = super().replay(layer, inputs, *given, **options)
            inputs[0][...] *= 2
            return found

    finding = judged(NUMPY, faulty(network=Overwrites)).findings[0]
    assert finding.quantity == "own input"
    assert finding.cause is not None
    assert finding.cause.code == "changes-input"


@pytest.mark.parametrize(("dtype", "name"), [(np.float16, "float16"), ("bfloat16", "bfloat16")])
def test_lost_precision_is_named(dtype: Any, name: str) -> None:
    def rounded(array: Any) -> Any:
        if dtype != "bfloat16":
            return array.astype(dtype).astype(array.dtype)
        bits = array.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return bits.view(np.float32).astype(array.dtype)

    class Coarse(LinearNumPy):
        def forward(self, x: Any) -> Any:
            y = super().forward(x)
            return y if y.dtype == np.float64 else rounded(y)

    verdict = judged(NUMPY, faulty(linear=Coarse))
    finding = verdict.first_divergence
    assert finding is not None
    assert (finding.layer, finding.quantity, finding.precision) == ("linear1", "output", "float32")
    assert finding.wrong_side == "faulty"
    assert finding.cause is not None
    assert f"rounded to {name} " in finding.cause.sentence


@pytest.mark.slow
def test_a_layer_by_hand_that_overwrites_its_input() -> None:
    class InPlace:
        def forward(self, x: Any) -> Any:
            self.on = x > 0
            x *= self.on
            return x

        def backward(self, grad: Any) -> Any:
            return grad * self.on

    def build(plan: Any, training: Any, *, device: str) -> Any:
        return plain_network(plan, training, layers={"relu": InPlace}, device=device)

    finding = judged(LOOPS, BackendChoice.of_builder("student", build)).findings[0]
    assert (finding.layer, finding.quantity, finding.wrong_side) == (
        "relu1",
        "own input",
        "student",
    )
