"""What trains and predicts is held to account: in a row, in both precisions, by both batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from cnnspec import ModelSpec, compare_backends, parse_spec
from cnnspec.address import LOSS, OPTIMIZER, STEP, Address, Layer
from cnnspec.backends.network import Batch, StepResult
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.numpy.adam import AdamNumPy
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.relu import ReLUNumPy
from cnnspec.compare import BackendChoice, parse_backend
from cnnspec.compare.verdict import Finding, Verdict
from cnnspec.compare.verdict.quantities import WHOLE_PASS
from tests.faulty import faulty

TEXT = """
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - batch_norm
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 100, test_samples: 50}}
training: {batch_size: 32, optimizer: {adam: {learning_rate: 1e-3, weight_decay: 1e-4}}}
"""
SPEC = parse_spec(TEXT)
PLAIN = parse_spec(TEXT.replace("  - batch_norm\n", ""))
MOMENTUM = parse_spec(
    TEXT.replace("adam: {learning_rate: 1e-3, weight_decay: 1e-4}", "sgd: {momentum: 0.9}")
)


def judged(choice: BackendChoice, spec: ModelSpec = SPEC) -> Verdict:
    return compare_backends(spec, (parse_backend("numpy"), choice), steps=0)


def first(choice: BackendChoice, spec: ModelSpec = SPEC) -> Finding:
    found = judged(choice, spec).first_divergence
    assert found is not None
    assert found.wrong_side == "faulty"
    return found


class OtherOrder(NumPyNetwork):
    """Right: the batch is taken from its end, so all sums have another order."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        taken = super().train_step(batch.taken(slice(None, None, -1)), learning_rate, step)
        return StepResult(taken.loss, taken.outputs[::-1])

    def predict(self, images: Any) -> Any:
        return super().predict(images[::-1])[::-1]


@pytest.mark.parametrize(
    ("spec", "precision"),
    [
        pytest.param(SPEC, "float32", id="adam-float32"),
        pytest.param(MOMENTUM, "float64", id="momentum-float64"),
        *(
            pytest.param(spec, precision, id=f"{name}-{precision}", marks=pytest.mark.slow)
            for name, spec, precision in [
                *(("plain", PLAIN, precision) for precision in ("float32", "float64")),
                *(("adam", SPEC, "float64"), ("momentum", MOMENTUM, "float32")),
            ]
        ),
    ],
)
def test_sums_in_another_order_are_the_same(spec: ModelSpec, precision: str) -> None:
    """Even the bias before a batch norm, whose gradient is 0 but for rounding."""
    training = spec.training.model_copy(update={"precision": precision})
    other = faulty(network=OtherOrder)
    verdict = judged(other, spec.model_copy(update={"training": training}))
    assert verdict.findings == ()
    assert verdict.verdict == "same"
    steps = [found for found in verdict.comparisons if found.address == STEP]
    assert max(found.ratio for found in steps) > 0  # they do differ


class KeepsItsGradients(NumPyNetwork):
    kept: Any = None

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        before, slots = self.state(), self.optimizer_state()
        trace = self.trace(batch, step=step)
        gradients = {
            f"{name}.{parameter}": gradient
            for name, layer in trace.layers.items()
            for parameter, gradient in layer.grad_parameters.items()
        }
        if self.kept:
            gradients = {name: gradients[name] + self.kept[name] for name in gradients}
        self.kept = gradients
        taken = super().train_step(batch, learning_rate, step)
        buffers = {name: self.state()[name] for name in self.plan.buffers}
        self.load_state(before | buffers)
        self.load_optimizer_state(slots)
        self.update(gradients, learning_rate, step)
        return taken


class LosesItsSlots(NumPyNetwork):
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        for slot in self._optimizer.slots.values():
            slot[...] = 0
        return super().train_step(batch, learning_rate, step)


class AlwaysStepOne(NumPyNetwork):
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        return super().train_step(batch, learning_rate, 1)


class ScalesSmallerBatches(NumPyNetwork):
    largest = 0

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        self.largest = max(self.largest, len(batch.images))
        rate = learning_rate * len(batch.images) / self.largest
        return super().train_step(batch, rate, step)


class HalfTheRateInFloat32(NumPyNetwork):
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        rate = learning_rate / 2 if self._dtype == np.float32 else learning_rate
        return super().train_step(batch, rate, step)


class WithoutDecay(NumPyNetwork):
    """The decay of 1e-4 moves a weight by some 1e-9: less than float32 could tell."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        options = self._optimizer._options  # type: ignore[attr-defined]
        self._optimizer._options = options.model_copy(  # type: ignore[attr-defined]
            update={"weight_decay": 0.0}
        )
        taken = super().train_step(batch, learning_rate, step)
        self._optimizer._options = options  # type: ignore[attr-defined]
        return taken


class BuffersStay(NumPyNetwork):
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        before = {name: self.state()[name] for name in self.plan.buffers}
        taken = super().train_step(batch, learning_rate, step)
        self.load_state(self.state() | before)
        return taken


@pytest.mark.parametrize(
    ("network", "spec"),
    [
        (KeepsItsGradients, SPEC),
        pytest.param(LosesItsSlots, SPEC, marks=pytest.mark.slow),
        (LosesItsSlots, MOMENTUM),
        (AlwaysStepOne, SPEC),
        (ScalesSmallerBatches, MOMENTUM),
        (WithoutDecay, SPEC),
        (BuffersStay, SPEC),
    ],
)
def test_faults_of_training_alone_are_found(network: type[NumPyNetwork], spec: ModelSpec) -> None:
    finding = first(faulty(network=network), spec)
    assert (finding.address, finding.precision) == (STEP, "float64")


def test_faults_of_float32_alone_are_found() -> None:
    finding = first(faulty(network=HalfTheRateInFloat32))
    assert (finding.address, finding.precision) == (STEP, "float32")

    class Predicts(NumPyNetwork):
        def predict(self, images: Any) -> Any:
            logits = super().predict(images)
            return logits[:, ::-1] if self._dtype == np.float32 else logits

    finding = first(faulty(network=Predicts))
    assert (finding.address, finding.quantity) == (STEP, "predicted logits")
    assert finding.precision == "float32"


class OffInAWholePass(ConvNumPy):
    """Wrong in float32, where the layer is not run alone."""

    whole = False

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        return y + np.float32(1e-4) if self.whole and y.dtype == np.float32 else y


class RunsItsLayersOtherwise(NumPyNetwork):
    def train_step(self, *given: Any) -> StepResult:
        with self._whole():
            return super().train_step(*given)

    def trace(self, batch: Batch, *, step: int) -> Any:
        with self._whole():
            return super().trace(batch, step=step)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        conv = self._layers["conv1"]
        assert isinstance(conv, OffInAWholePass)
        conv.whole = True
        yield
        conv.whole = False


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["batch_norm", "plain"])
def test_a_whole_pass_in_float32_is_its_parts(spec: ModelSpec) -> None:
    found = first(faulty(network=RunsItsLayersOtherwise, conv=OffInAWholePass), spec)
    assert (found.layer, found.quantity, found.precision) == ("conv1", "output", "float32")
    assert found.worst is not None
    assert found.worst.probe == WHOLE_PASS
    assert found.cause is not None
    assert found.cause.code == "whole-is-not-its-parts"


def test_a_step_that_overwrites_its_images_is_found() -> None:
    class Overwrites(NumPyNetwork):
        def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
            taken = super().train_step(batch, learning_rate, step)
            batch.images[...] = 0
            return taken

    finding = first(faulty(network=Overwrites))
    assert (finding.address, finding.quantity) == (STEP, "own input")
    assert finding.cause is not None
    assert finding.cause.code == "changes-input"


def test_a_step_that_fails_is_no_step_that_is_right() -> None:
    class Fails(NumPyNetwork):
        def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
            raise SystemExit(0)

    verdict = judged(faulty(network=Fails))
    assert verdict.verdict == "different"
    (item,) = verdict.coverage.not_compared
    assert item.address == STEP
    assert "`faulty` calls sys.exit(0) in train_step" in item.why


class OnLargeBatches(ConvNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        return found if grad_output.shape[-1] <= 8 else found | {"weight": found["weight"] / 2}


class UpToSix(ReLUNumPy):
    def forward(self, x: Any) -> Any:
        return np.minimum(super().forward(x), 6)


class RoundsItsInput(LinearNumPy):
    def forward(self, x: Any) -> Any:
        return super().forward(x.astype(np.float32).astype(x.dtype))


class OtherwiseLater(AdamNumPy):
    def step(self, parameters: Any, gradients: Any, learning_rate: float, step: int) -> None:
        super().step(parameters, gradients, learning_rate / (2 if step > 5 else 1), step)


def last_class_is_the_one_before(logits: Any, labels: Any) -> Any:
    return cross_entropy(logits, np.minimum(labels, logits.shape[1] - 2))


IN_FLOAT64 = parse_spec(TEXT.replace("batch_size: 32", "batch_size: 32, precision: float64"))


@pytest.mark.parametrize(
    ("choice", "spec", "place", "quantity"),
    [
        pytest.param(
            faulty(conv=OnLargeBatches),
            SPEC,
            Layer("conv1"),
            "grad_weight",
            marks=pytest.mark.slow,
        ),
        (faulty(relu=UpToSix), SPEC, Layer("relu1"), "output"),
        (faulty(linear=RoundsItsInput), IN_FLOAT64, Layer("linear1"), "output"),
        pytest.param(
            faulty(optimizers={"adam": OtherwiseLater}),
            SPEC,
            OPTIMIZER,
            "conv1.weight",
            marks=pytest.mark.slow,
        ),
        (faulty(loss=last_class_is_the_one_before), SPEC, LOSS, "loss"),
    ],
)
def test_probes_reach_where_faults_hide(
    choice: BackendChoice, spec: ModelSpec, place: Address, quantity: str
) -> None:
    without_data = spec.model_copy(update={"data": None})
    finding = first(choice, without_data)
    assert (finding.address, finding.quantity) == (place, quantity)


def test_predictions_of_many_images_are_compared() -> None:
    class Chunks(NumPyNetwork):
        def predict(self, images: Any) -> Any:
            logits = super().predict(images)
            logits[64:] = 0
            return logits

    finding = first(faulty(network=Chunks))
    assert (finding.address, finding.quantity) == (STEP, "predicted logits")


@pytest.mark.torch
@pytest.mark.slow
def test_bounds_that_say_nothing_are_told() -> None:
    """Behind six batch norms, rounding of float32 may carry further than a step."""
    block = "  - linear: {out_features: 8}\n  - batch_norm\n  - relu\n"
    deep = parse_spec(
        f"input: [1, 4, 4]\nlayers:\n  - flatten\n{6 * block}  - linear: {{out_features: 3}}\n"
    )
    verdict = compare_backends(deep, steps=0)
    assert verdict.verdict == "same"
    assert set(verdict.coverage.silent) == {("numpy", "float32"), ("torch", "float32")}
    assert compare_backends(PLAIN, steps=0).coverage.silent == ()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own code
@pytest.mark.parametrize("spec", [SPEC, MOMENTUM], ids=["adam", "momentum"])
def test_compiled_networks_are_the_same(spec: ModelSpec) -> None:
    verdict = compare_backends(spec, ("numpy", "torch@compile"), steps=0)
    assert verdict.findings == ()
    assert verdict.coverage.not_compared == ()
    assert verdict.verdict == "same"
