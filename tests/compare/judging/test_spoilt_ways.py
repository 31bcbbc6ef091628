"""What several layers read: who spoils it is named, where that gives just these numbers."""

from __future__ import annotations

import pytest

from cnnspec.address import Address, Layer
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.compare import compare_choices, parse_backend
from cnnspec.compare.planted import ways
from cnnspec.compare.verdict import Finding
from cnnspec.plan import resolve
from cnnspec.spec.load import parse_spec
from tests.faulty import faulty

SPEC = parse_spec("""
input: [1, 3, 2]
layers:
  - conv: {out_channels: 2, kernel_size: 2}
  - residual: {name: block, body: [relu, conv: {out_channels: 2, kernel_size: 1}]}
  - flatten
  - linear: {out_features: 3}
""")


def first_of(network: type[NumPyNetwork]) -> Finding:
    verdict = compare_choices(
        resolve(SPEC), SPEC.training, faulty("ours", network=network), parse_backend("loops")
    )
    assert verdict.verdict == "different"
    finding = verdict.findings[0]
    assert finding.wrong_side == "ours"
    return finding


def place(name: str, quantity: str) -> tuple[Address, str]:
    return Layer(name), quantity


@pytest.mark.parametrize(
    ("network", "reader"),
    [(ways.Overwritten, "block.body.relu1"), (ways.FirstKept, "block.add")],
)
def test_a_gradient_of_one_reader_alone(network: type[NumPyNetwork], reader: str) -> None:
    finding = first_of(network)
    assert (finding.address, finding.quantity) == place("conv1", "grad_output")
    assert finding.cause is not None
    assert finding.cause.code == "gradient-of-one-reader"
    assert finding.cause.sentence == (
        f"the gradient that {reader} sends back is taken alone; those of all 2 readers of conv1 "
        "are to be added"
    )
    assert finding.cause.help == "add what each reader sends back: `+=`, not `=`"


def test_another_gradient_has_no_such_cause() -> None:
    finding = first_of(ways.Averaged)
    assert (finding.address, finding.quantity) == place("conv1", "grad_output")
    assert finding.cause is not None
    assert finding.cause.code == "whole-is-not-its-parts"


def test_a_shortcut_that_a_relu_writes_over() -> None:
    finding = first_of(ways.ShortcutOverwritten)
    assert (finding.address, finding.quantity) == place("block.add", "output")
    assert finding.cause is not None
    assert finding.cause.code == "overwritten-by-a-reader"
    assert finding.cause.sentence == (
        "block.body.relu1 works in place on the output of conv1, which block.add reads after it"
    )
