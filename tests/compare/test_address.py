"""Layers may be called as parts are: `loss`, `optimizer`, `training`; neither hides the other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cnnspec import ModelSpec, compare_backends, parse_spec, resolve
from cnnspec.address import LOSS, OPTIMIZER, TRAINING, Layer
from cnnspec.backends import numpy as engine
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.cli.group import run
from cnnspec.compare import BackendChoice, Verdict, parse_backend
from cnnspec.compare.explaining.explained import place_of
from cnnspec.compare.explaining.failing_case import layer_case
from cnnspec.compare.explaining.shrink import shrink
from cnnspec.compare.planted import FAULTS, PlantedFault
from cnnspec.compare.planted.planting import faulty_builder
from cnnspec.compare.verdict.allowed import read_allowed
from cnnspec.documents import to_json
from cnnspec.errors import ComparisonError
from cnnspec.report.address import words
from cnnspec.report.verdict_document import verdict_document
from tests.faulty import faulty

CALLED = [
    ("loss", "optimizer"),
    ("training", "step"),
    pytest.param("network", "output", marks=pytest.mark.slow),
    pytest.param("both", "layer", marks=pytest.mark.slow),
]
"""Names of two layers of one spec."""


def spec_of(first: str, last: str) -> ModelSpec:
    """Return a spec whose conv and linear layer are called so."""
    return parse_spec(f"""
input: [1, 6, 5]
layers:
  - conv: {{out_channels: 3, kernel_size: 3, name: {first}}}
  - relu
  - flatten
  - linear: {{out_features: 4, name: {last}}}
training: {{optimizer: {{adam: {{}}}}}}
""")


class HalvedGradient(ConvNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / 2}


class NegatedGradient(LinearNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": -found["weight"]}


class Raises(LinearNumPy):
    def forward(self, x: Any) -> Any:
        raise ValueError("no forward")


def compared(spec: ModelSpec, *, allow: tuple[str, ...] = (), **layers: Any) -> Verdict:
    choices = parse_backend("numpy"), faulty(**layers)
    return compare_backends(spec, choices, mode="replay", allow=allow)


@pytest.mark.parametrize(("first", "last"), CALLED)
def test_a_fault_in_a_layer_of_any_name_is_found_laid_to_the_side_and_explained(
    first: str, last: str
) -> None:
    spoilt = {"conv": HalvedGradient, "linear": NegatedGradient}
    findings = compared(spec_of(first, last), **spoilt).findings
    found = {finding.address: finding.cause and finding.cause.code for finding in findings}
    assert found == {Layer(first): "scale", Layer(last): "scale"}
    assert {finding.quantity for finding in findings} == {"grad_weight"}
    assert {finding.wrong_side for finding in findings} == {"faulty"}


@pytest.mark.parametrize(("first", "last"), CALLED)
def test_without_a_fault_nothing_is_found(first: str, last: str) -> None:
    verdict = compare_backends(spec_of(first, last), ("numpy", "loops"), mode="replay")
    assert verdict.verdict == "same"
    assert verdict.coverage.not_compared == ()


def test_a_layer_called_as_a_part_and_the_part_itself_are_judged_apart() -> None:
    def doubled(logits: Any, labels: Any) -> Any:
        loss, grad = engine.cross_entropy(logits, labels)
        return 2 * loss, grad

    verdict = compared(spec_of("loss", "optimizer"), conv=HalvedGradient, loss=doubled)
    found = {(finding.address, finding.quantity): finding for finding in verdict.findings}
    assert found.keys() == {(Layer("loss"), "grad_weight"), (LOSS, "loss")}
    assert {finding.wrong_side for finding in found.values()} == {"faulty"}
    document = json.loads(to_json(verdict_document(verdict)))
    assert [(at["part"], at["layer"], at["quantity"]) for at in document["findings"]] == [
        ("layer", "loss", "grad_weight"),
        ("loss", None, "loss"),
    ]
    held = [(at["part"], at["layer"], at["quantity"]) for at in document["quantities"]]
    assert ("layer", "loss", "output") in held
    assert ("loss", None, "loss") in held


PLANTED = ["linear-weight-gradient-divided", "loss-double-softmax", "adam-eps-inside-root"]


@pytest.mark.torch
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in PLANTED])
@pytest.mark.parametrize("name", ["loss", pytest.param("optimizer", marks=pytest.mark.slow)])
def test_the_selftest_plants_and_finds_in_such_specs(fault: PlantedFault, name: str) -> None:
    spec = spec_of("first", name)
    plan = resolve(spec)
    choice = BackendChoice("numpy", "numpy", faulty_builder(fault, plan))
    (finding, *_) = compare_backends(spec, (choice, "loops"), mode="replay").findings
    assert finding.address == fault.place(plan)
    assert finding.wrong_side == "numpy"
    assert finding.cause
    assert finding.cause.code in fault.causes


def test_a_layer_called_loss_shrinks_as_a_layer() -> None:
    spec = spec_of("loss", "optimizer")
    choices = parse_backend("numpy"), faulty(conv=HalvedGradient)
    found = shrink(spec, choices, runs=3)
    assert found is not None
    assert found.failure.part == "conv"
    case = layer_case(found.spec, choices, found.verdict.findings[0])
    assert case is not None
    assert case.quantity == "grad_weight"


def test_what_is_allowed_is_the_one_or_the_other() -> None:
    plan = resolve(spec_of("loss", "last"))
    read = {
        "optimizer": (OPTIMIZER, None),
        "last": (Layer("last"), None),
        "layer last": (Layer("last"), None),
        "layer loss": (Layer("loss"), None),
        "the loss": (LOSS, None),
        "loss.output": (Layer("loss"), "output"),
        "layer loss.output": (Layer("loss"), "output"),
        "loss.grad_logits": (LOSS, "grad_logits"),
        "the loss.grad_logits": (LOSS, "grad_logits"),
        "the training": (TRAINING, None),
        "optimizer.loss.weight": (OPTIMIZER, "loss.weight"),
        "the optimizer.loss.weight.exp_avg": (OPTIMIZER, "loss.weight.exp_avg"),
    }
    for name, place in read.items():
        assert read_allowed(plan, [name]) == {place}, name


def test_a_name_that_may_mean_two_things_is_refused() -> None:
    plan = resolve(spec_of("loss", "training"))
    for name in ("loss", "training"):
        with pytest.raises(ComparisonError) as refused:
            read_allowed(plan, [name])
        assert f"the layer `{name}`" in str(refused.value)
        assert f"write `layer {name}` or `the {name}`" in str(refused.value)
    for name in ("layer conv9", "the conv1", "the layer", "loss.nothing", "layer"):
        with pytest.raises(ComparisonError, match="names nothing that is compared"):
            read_allowed(plan, [name])


def test_a_layer_called_as_a_part_is_allowed_by_its_own_name() -> None:
    spec = spec_of("first", "loss")
    passes = ("whole pass", "training step")
    assert compared(spec, linear=Raises, allow=("the loss", *passes)).verdict == "different"
    assert compared(spec, linear=Raises, allow=("layer loss", *passes)).verdict == "same"


def test_words_tell_a_layer_from_the_part_that_it_is_called_as() -> None:
    assert words(Layer("conv1")) == "conv1"
    assert words(Layer("loss")) == "layer loss"
    assert words(LOSS) == "loss"


@pytest.mark.torch
def test_two_runs_of_such_a_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text("""
input: [1, 8, 8]
layers:
  - flatten: {name: loss}
  - linear: {out_features: 10, name: optimizer}
data: {digits: {train_samples: 40, test_samples: 20}}
training: {epochs: 1}
""")
    (tmp_path / "own.py").write_text("""
from cnnspec.backends import numpy as engine

class Linear(engine.LAYERS["linear"]):
    def forward(self, x):
        return 1.5 * super().forward(x)

def Network(plan, training, *, device):
    return engine.NumPyNetwork(plan, training, backend="own", loss=engine.cross_entropy,
                               layers=engine.LAYERS | {"linear": Linear},
                               optimizers=engine.OPTIMIZERS)
""")

    def cnnspec(*arguments: str) -> tuple[int, str]:
        code = run(arguments)
        return code, " ".join(capsys.readouterr().out.split())

    for backend in ("numpy", "loops", "own.py:Network"):
        assert cnnspec("train", "own.yaml", "--backend", backend)[0] == 0
    first, second, third = (f"runs/model-{number}" for number in (1, 2, 3))
    assert cnnspec("compare", first, second)[1].startswith("SAME: ")
    code, said = cnnspec("compare", first, third, "--backends", "numpy,own.py:Network")
    assert code == 1
    assert "not the same function: layer optimizer differs" in said


BLOCKS = """
input: [3, 6, 6]
layers:
  - residual: {name: training, body: [conv: {out_channels: 3, kernel_size: 1}]}
  - repeat: {times: 9, layers: [residual: {name: step, body: [relu]}]}
  - flatten
  - linear: {out_features: 3}
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("body", "`body`; there are: training.body.conv1, "),
        (
            "residual9",
            "repeat1.8.step.body.relu1, repeat1.8.step.add, 10 more layers, loss, optimizer",
        ),
        ("training.body.conv2", "`training.body.conv2`; did you mean `training.body.conv1`? There"),
        ("layer training.add2", "did you mean `training.add`? There are: "),
        ("training.add.outputs", "did you mean `training.add.output`? There are of `training.add`"),
        (
            "training.add.x",
            "There are of `training.add`: training.add.output, training.add.grad_input[0], ",
        ),
        ("layer training", "`layer training` is a block, and no layer; name one of its layers: "),
        ("repeat1.2", "layers: repeat1.2.step.body.relu1, repeat1.2.step.add"),
        ("", "10 more layers, loss, optimizer, training step"),
    ],
)
def test_an_unknown_name_lists_layers_in_blocks_too(name: str, said: str) -> None:
    spec = parse_spec(BLOCKS)
    plan = resolve(spec)
    with pytest.raises(ComparisonError, match=re.escape(said)) as allowing:
        read_allowed(plan, [name])
    with pytest.raises(ComparisonError, match=re.escape(said)) as explaining:
        place_of(plan, spec.training, name)
    assert max(len(str(refused.value)) for refused in (allowing, explaining)) < 700
