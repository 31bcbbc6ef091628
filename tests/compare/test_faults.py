"""Faults planted in the NumPy backend: `compare` exits with 1 and names layer and quantity."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import compare_backends, parse_spec
from cnnspec.address import PASS
from cnnspec.backends.numpy import LAYERS, LOSSES, NumPyNetwork
from cnnspec.backends.numpy.adam import AdamNumPy
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.cli.group import run
from cnnspec.compare import parse_backend
from cnnspec.compare.planted import FAULTS
from cnnspec.plan import resolve
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.layers import KINDS
from tests.compare.any_kind import with_kind
from tests.faulty import faulty

SPEC = """
name: small
input: [1, 8, 8]
layers:
  - conv: {out_channels: 2, kernel_size: 3, padding: 1}
  - relu
  - pool: {kernel_size: 3, stride: 2}
  - flatten
  - linear: {out_features: 10}
data: digits
training:
  batch_size: 5
  optimizer: {adam: {learning_rate: 1e-3}}
"""

SLOW = pytest.mark.slow
"""The same fault once more, in another place or of another size."""

Compare = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Compare:
    def compare(text: str = SPEC, *options: str) -> tuple[int, dict[str, Any]]:
        spec = tmp_path / "spec.yaml"
        spec.write_text(text)
        code = run(["compare", str(spec), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return compare


def first(document: dict[str, Any]) -> tuple[str, str, str]:
    found = document["first_divergence"]
    return found["layer"] or found["part"], found["quantity"], found["precision"]


def faulty_layers(document: dict[str, Any]) -> set[str]:
    return {found["layer"] or found["part"] for found in document["quantities"] if not found["ok"]}


def plant(
    monkeypatch: pytest.MonkeyPatch, kind: type, method: str, change: Callable[[Any], Any]
) -> None:
    original = getattr(kind, method)
    monkeypatch.setattr(kind, method, lambda self, *given: change(original(self, *given)))


@pytest.mark.torch
def test_no_fault_is_no_difference(compare: Compare) -> None:
    code, document = compare(SPEC, "--steps", "5")
    assert code == 0
    assert document["verdict"] == "same"
    assert document["first_divergence"] is None
    assert all(found["ok"] for found in document["quantities"])
    assert document["trajectory"]["total_steps"] == 5


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_flipped_sign_in_input_gradient_is_named(
    kind: str, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = with_kind(parse_spec(SPEC), kind)
    names = [at.name for at in resolve(spec).layers if at.kind == kind]
    plant(monkeypatch, LAYERS[kind], "input_gradient", lambda grad: -grad)
    code, document = compare(dump_spec(spec), "--steps", "0")
    assert code == 1
    assert document["verdict"] == "different"
    assert first(document) == (names[0], "grad_input", "float64")
    assert faulty_layers(document) == {*names}


@pytest.mark.torch
@pytest.mark.parametrize(
    ("kind", "parameter"),
    [
        ("conv", "weight"),
        ("linear", "bias"),
        pytest.param("conv", "bias", marks=SLOW),
        pytest.param("linear", "weight", marks=SLOW),
    ],
)
def test_flipped_sign_in_parameter_gradient_is_named(
    kind: str, parameter: str, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(
        monkeypatch,
        LAYERS[kind],
        "parameter_gradients",
        lambda found: found | {parameter: -found[parameter]},
    )
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == (f"{kind}1", f"grad_{parameter}", "float64")
    bad = {found["quantity"] for found in document["quantities"] if not found["ok"]}
    assert bad == {f"grad_{parameter}"}


@pytest.mark.torch
def test_forward_fault_is_named(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, ConvNumPy, "forward", lambda y: y[:, ::-1])
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("conv1", "output", "float64")


@pytest.mark.torch
def test_fault_of_one_part_in_ten_billion_is_found(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, LinearNumPy, "input_gradient", lambda grad: grad * (1 + 1e-10))
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("linear1", "grad_input", "float64")


@pytest.mark.torch
def test_lost_precision_is_found_in_float32_alone(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def through_half(y: Any) -> Any:
        return y.astype(np.float16).astype(y.dtype) if y.dtype == np.float32 else y

    plant(monkeypatch, LinearNumPy, "forward", through_half)
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("linear1", "output", "float32")
    bad = {found["backend"] for found in document["quantities"] if not found["ok"]}
    assert bad == {"numpy"}


@pytest.mark.torch
def test_last_maximum_instead_of_first_is_found_on_ties(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    ties_to_the_last = next(fault.part for fault in FAULTS if fault.name == "pool-ties-to-the-last")

    class RouteToLast(ties_to_the_last):
        def input_gradient(self, grad_output: Any) -> Any:
            route = ties_to_the_last if self._kind == "max" else PoolNumPy
            return route.input_gradient(self, grad_output)

    monkeypatch.setitem(LAYERS, "pool", RouteToLast)
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("pool1", "grad_input", "float64")
    probes = {found["probe"] for found in document["quantities"] if not found["ok"]}
    assert probes & {"ties", "data"}
    assert probes <= {"ties", "data", "whole pass"}


@pytest.mark.torch
def test_wrong_shape_is_a_difference(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(
        monkeypatch,
        LinearNumPy,
        "parameter_gradients",
        lambda found: found | {"bias": found["bias"][:1]},
    )
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("linear1", "grad_bias", "float64")


@pytest.mark.torch
def test_loss_fault_is_named(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    def summed(logits: Any, labels: Any) -> tuple[float, Any]:
        loss, grad = cross_entropy(logits, labels)
        return loss, grad * len(labels)

    monkeypatch.setitem(LOSSES, "cross_entropy", summed)
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("loss", "grad_logits", "float64")
    assert faulty_layers(document) == {"loss"}


@pytest.mark.torch
def test_optimizer_fault_is_named(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(self: Any, parameters: Any, gradients: Any, learning_rate: float, step: int) -> None:
        original(self, parameters, gradients, learning_rate, 1_000_000)  # no bias correction

    original = AdamNumPy.step
    monkeypatch.setattr(AdamNumPy, "step", step)
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("optimizer", "conv1.weight", "float64")
    assert faulty_layers(document) == {"optimizer"}


@pytest.mark.torch
def test_layer_that_spoils_its_neighbour_is_found_in_the_whole_pass(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = PoolNumPy.forward

    def in_place(self: Any, x: Any) -> Any:
        y = original(self, x)
        x[...] = 7  # what the layer before keeps for its gradient
        return y

    monkeypatch.setattr(PoolNumPy, "forward", in_place)
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    bad = [found for found in document["quantities"] if not found["ok"]]
    assert ("relu1", "grad_input", "whole pass") in {
        (found["layer"], found["quantity"], found["probe"]) for found in bad
    }


@pytest.mark.torch
def test_training_that_only_one_backend_survives_is_a_difference(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = NumPyNetwork.train_step

    def train_step(self: Any, batch: Any, rate: float, step: int) -> Any:
        taken = original(self, batch, rate, step)
        return taken._replace(loss=math.nan) if step == 7 else taken

    monkeypatch.setattr(NumPyNetwork, "train_step", train_step)
    code, document = compare(SPEC, "--steps", "8")
    assert code == 1
    found = document["first_divergence"]
    assert (found["part"], found["layer"]) == ("training", None)
    assert (found["quantity"], found["step"]) == ("loss", 7)
    assert list(document["trajectory"]["stopped"]) == ["numpy"]


@pytest.mark.torch
def test_bias_that_is_never_added_is_found_where_biases_start_at_0(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LinearNumPy.forward

    def without_bias(self: Any, x: Any) -> Any:
        return original(self, x) - self.parameters["bias"][:, None]

    monkeypatch.setattr(LinearNumPy, "forward", without_bias)
    code, document = compare(SPEC + "initialization: {normal: {std: 0.1}}\n", "--steps", "0")
    assert code == 1
    assert first(document) == ("linear1", "output", "float64")


@pytest.mark.torch
def test_fault_of_a_training_step_alone_is_found(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = NumPyNetwork.train_step
    monkeypatch.setattr(
        NumPyNetwork,
        "train_step",
        lambda self, batch, rate, step: original(self, batch, -rate, step),
    )
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("training step", "conv1.weight", "float64")
    assert faulty_layers(document) == {"training step"}


@pytest.mark.torch
def test_fault_of_a_prediction_alone_is_found(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, NumPyNetwork, "predict", lambda logits: logits[:, ::-1])
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("training step", "predicted logits", "float64")


@pytest.mark.torch
@pytest.mark.parametrize("factor", [1 / 32, *(pytest.param(x, marks=SLOW) for x in (0.0, 32.0))])
def test_only_the_faulty_side_is_accused(
    factor: float, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(
        monkeypatch,
        LinearNumPy,
        "parameter_gradients",
        lambda found: {name: array * factor for name, array in found.items()},
    )
    code, document = compare(SPEC, "--steps", "0")
    assert code == 1
    assert first(document) == ("linear1", "grad_weight", "float64")
    bad = {found["backend"] for found in document["quantities"] if not found["ok"]}
    assert "torch" not in bad


@pytest.mark.torch
def test_missing_gradient_is_a_difference() -> None:
    class NoBiasGradient(ConvNumPy):
        def parameter_gradients(self, grad_output: Any) -> Any:
            return {"weight": super().parameter_gradients(grad_output)["weight"]}

    choices = faulty(conv=NoBiasGradient), parse_backend("torch")
    finding = compare_backends(parse_spec(SPEC), choices, steps=0).first_divergence
    assert finding is not None
    assert (finding.layer, finding.quantity) == ("conv1", "grad_bias")
    assert (finding.precision, finding.wrong_side) == ("float64", "faulty")


@pytest.mark.torch
def test_layer_that_breaks_the_next_one_is_named() -> None:
    class OneChannelLess(ConvNumPy):
        def forward(self, x: Any) -> Any:
            return super().forward(x)[1:]

    choices = faulty(conv=OneChannelLess), parse_backend("torch")
    verdict = compare_backends(parse_spec(SPEC), choices, steps=0)
    finding = verdict.first_divergence
    assert finding is not None
    assert (finding.layer, finding.quantity) == ("conv1", "output")
    missing = [item for item in verdict.coverage.not_compared if item.address == PASS]
    assert missing[0].why.startswith("faulty: ")


def test_an_error_of_our_own_is_not_taken_for_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*given: Any, **options: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("cnnspec.compare.compare_backends", broken)
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    assert run(["compare", str(spec)]) == 70
    assert "KeyError: 'ours'" in capsys.readouterr().err
