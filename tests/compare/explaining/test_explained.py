"""--explain: the terms of a budget are those that give it, and an unknown name lists the names."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from cnnspec import ModelSpec, Verdict, compare_backends, parse_spec, resolve
from cnnspec.address import Layer
from cnnspec.backends import builder_of
from cnnspec.backends.answers import slots_of
from cnnspec.compare import BackendChoice, parse_backend
from cnnspec.compare.causes.help import HELP
from cnnspec.compare.explaining.explained import (
    NOT_AGAIN,
    Explained,
    comparisons_of,
    explain,
    place_of,
)
from cnnspec.compare.kinds import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.compare.verdict import Comparison
from cnnspec.compare.verdict.names import called as names_of
from cnnspec.compare.verdict.quantities import WHOLE_PASS
from cnnspec.errors import ComparisonError
from cnnspec.spec.optimizers import SGD, Adam

TEXT = """
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3, name: first}
  - batch_norm
  - relu
  - pool: {kind: avg, kernel_size: 2}
  - flatten
  - linear: {out_features: 4, name: loss}
training: {optimizer: {adam: {}}}
"""
SPEC = parse_spec(TEXT)
PLAN = resolve(SPEC)
CHOICES: tuple[BackendChoice, BackendChoice] = (parse_backend("numpy"), parse_backend("loops"))


@pytest.fixture(scope="module")
def verdict() -> Any:
    return compare_backends(SPEC, CHOICES, mode="replay")


def called(verdict: Verdict, spec: ModelSpec, name: str) -> list[Comparison]:
    return comparisons_of(verdict, place_of(resolve(spec), spec.training, name))


def explained(verdict: Any, name: str) -> list[Explained]:
    return list(explain(PLAN, SPEC.training, CHOICES, called(verdict, SPEC, name)))


@pytest.mark.parametrize("name", ["first.output", "first.grad_weight", "pool1.grad_input"])
def test_the_terms_of_a_sum_give_its_bound(name: str, verdict: Any) -> None:
    checked = 0
    for each in explained(verdict, name):
        terms = {term.name: term.value for term in each.terms}
        if "S" not in terms:
            continue
        u, k = terms["u"], terms["k"]
        assert terms["gamma_k"] == k * u / (1 - k * u)
        side = terms["gamma_k"] * terms["S"] + u * terms["|y|"]
        assert terms["one side"] == pytest.approx(side, rel=1e-12)
        sides = 2 if each.found.precision == "float64" else 1
        assert each.found.budget == pytest.approx(sides * side, rel=1e-6)
        checked += 1
    assert checked >= 2, "in both precisions"


def test_what_has_no_single_k_says_so_and_shows_its_terms(verdict: Any) -> None:
    for name, term in (
        ("batch_norm1.output", "d_variance"),
        ("batch_norm1.running_var", "d_variance"),
        ("the loss.loss", "errors"),
        ("the loss.grad_logits", "d_p"),
        ("optimizer.first.weight.exp_avg", "d_m"),
    ):
        first = explained(verdict, name)[0]
        assert term in {item.name for item in first.terms}
        assert first.formula.startswith("no single k: ")


BENDING = """
input: [2, 4, 5]
layers:
  - leaky_relu: {negative_slope: 0.1}
  - gelu
  - batch_norm
  - global_pool: {kind: KIND}
  - flatten
"""


@cache
def compared(kind: str) -> tuple[ModelSpec, Verdict]:
    spec = parse_spec(BENDING.replace("KIND", kind))
    return spec, compare_backends(spec, CHOICES, mode="replay")


def explained_steps(kind: str, name: str) -> list[Explained]:
    spec, found = compared(kind)
    of_parts = [each for each in called(found, spec, name) if each.probe != WHOLE_PASS]
    assert {each.precision for each in of_parts} == {"float32", "float64"}
    return list(explain(resolve(spec), spec.training, CHOICES, of_parts))


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("leaky_relu1.output", ["slope", "output"]),
        ("leaky_relu1.grad_input", ["slope", "grad_input"]),
        ("gelu1.output", ["phi", "output"]),
        ("gelu1.grad_input", ["phi", "density", "grad_input"]),
        ("batch_norm1.grad_bias", ["grad_bias"]),
        ("batch_norm1.running_mean", ["mean", "running_mean"]),
        ("batch_norm1.grad_input", ["mean", "variance", "root", "z", "grad_input"]),
        ("global_pool1.output", ["output"]),
        ("global_pool1.grad_input", ["spread", "grad_input"]),
    ],
)
def test_the_steps_that_lead_to_a_quantity_explain_its_bound(name: str, steps: list[str]) -> None:
    quantity = name.partition(".")[2]
    for each in explained_steps("avg", name):
        assert [term.name for term in each.terms] == [
            "u",
            *(term for step in steps for term in (step, f"d_{step}")),
        ]
        own = {term.name: term.value for term in each.terms}[f"d_{quantity}"]
        sides = 2 if each.found.precision == "float64" else 1
        assert each.found.budget == pytest.approx(sides * own, rel=1e-6)


@pytest.mark.parametrize("quantity", ["output", "grad_input"])
def test_a_maximum_copies_where_an_average_rounds(quantity: str) -> None:
    for each in explained_steps("max", f"global_pool1.{quantity}"):
        assert each.formula == "k = 0: it must be equal to the bit"
        assert [term.name for term in each.terms] == ["u", "k"]
        assert each.found.budget == 0


def test_what_copies_and_what_must_not_change_is_exact(verdict: Any) -> None:
    assert explained(verdict, "relu1.output")[0].formula == "k = 0: it must be equal to the bit"
    assert explained(verdict, "first.own weights")[0].formula.startswith("exact: ")
    assert "carried" in explained(verdict, "training step.predicted logits")[0].formula


def test_every_comparison_can_be_explained(verdict: Any) -> None:
    found = list(explain(PLAN, SPEC.training, CHOICES, verdict.comparisons))
    assert [each.found for each in found] == list(verdict.comparisons)
    assert all(each.formula for each in found)


def test_a_probe_that_is_not_drawn_again_is_said(verdict: Any) -> None:
    """How many images a network of somebody's own is given hangs on how long it takes."""
    found = next(found for found in verdict.comparisons if found.address == Layer("first"))
    other = replace(found, probe="drawn before", precision="float64")
    (said,) = explain(PLAN, SPEC.training, CHOICES, [other])
    assert (said.terms, said.formula) == ((), NOT_AGAIN)


def test_the_last_step_of_an_update_gives_its_bound() -> None:
    spec = parse_spec(TEXT.replace("adam: {}", "sgd: {momentum: 0.9}"))
    verdict = compare_backends(spec, CHOICES, mode="replay")
    quantities = called(verdict, spec, "optimizer.first.weight")
    (pair, *_) = explain(resolve(spec), spec.training, CHOICES, quantities)
    terms = {term.name: term.value for term in pair.terms}
    assert pair.found.precision == "float64"
    assert pair.found.budget == pytest.approx(2 * terms["d_weights"], rel=1e-12)
    assert {"w", "g", "buffer", "d_buffer", "moved", "d_moved"} <= terms.keys()


def test_a_layer_called_loss_and_the_loss(verdict: Any) -> None:
    assert {f.layer for f in called(verdict, SPEC, "loss.output")} == {"loss"}
    assert {f.layer for f in called(verdict, SPEC, "loss.loss")} == {None}
    with pytest.raises(ComparisonError, match="--explain `loss` means two things"):
        called(verdict, SPEC, "loss")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("first.outputs", "did you mean `first.output`?"),
        ("nothing", "`nothing`; there are: first, "),
        ("output", "`output`; there are: first, "),
        ("frist", "did you mean `first`? There are: first, "),
        ("first.grad", "There are of `first`: first.output, "),
        ("", "``; there are: first, "),
    ],
)
def test_an_unknown_name_lists_the_names_before_anything_is_compared(name: str, hint: str) -> None:
    with pytest.raises(ComparisonError, match=re.escape("names nothing that is compared")) as no:
        place_of(PLAN, SPEC.training, name)
    assert hint.split(", ")[0] in str(no.value)
    assert len(str(no.value)) < 300


def test_every_name_of_a_verdict_is_known_before(verdict: Any) -> None:
    for found in verdict.comparisons:
        for part in names_of(found.address):
            place = found.address, found.quantity
            assert place_of(PLAN, SPEC.training, f"{part}.{found.quantity}") == place
        assert place_of(PLAN, SPEC.training, part) == (found.address, None)


@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9), Adam()])
@pytest.mark.parametrize("backend", ["numpy", "loops", "torch"])
def test_the_slots_that_are_wanted_are_those_that_backends_have(
    backend: str, optimizer: Any
) -> None:
    training = SPEC.training.model_copy(update={"optimizer": optimizer})
    network = builder_of(backend)(PLAN, training, device="cpu")
    own = {name: array.shape for name, array in network.optimizer_state().items()}
    assert own == slots_of(PLAN, optimizer)


def test_help_is_of_codes_that_are_there() -> None:
    from pathlib import Path

    folder = Path(__file__).parents[3] / "cnnspec" / "compare"
    source = "".join(path.read_text() for path in folder.rglob("*.py") if path.name != "help.py")
    assert [code for code in HELP if f'"{code}"' not in source] == []
    for kind in (*LAYERS.values(), *LOSSES.values(), *OPTIMIZERS.values()):
        own = [code for code in kind.help if source.count(f'"{code}"') < 2]
        assert own == [], "its line of help is the only place where it is named"
