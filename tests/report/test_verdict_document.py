"""docs/reference/verdict.md names every key of the document, and no other."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from cnnspec import SGD, ModelSpec, Training, compare_backends, parse_spec
from cnnspec.backends.numpy.add import AddNumPy
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.compare import parse_backend
from cnnspec.compare.verdict import Verdict
from cnnspec.compare.verdict.quantities import OF_LOSS, OF_PASS, OF_STEP
from cnnspec.documents import to_json
from cnnspec.report.verdict_document import verdict_document
from tests.compare.trajectory.edge import (
    BIAS_BEFORE_NORM,
    DATA,
    FAST,
    NoisyBias,
    data_on_the_edge,
    trained,
)
from tests.faulty import faulty
from tests.report.explained import DOCS, hold, paths

SPEC = parse_spec("""
input: [1, 8, 8]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - batch_norm
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 64, test_samples: 20}}
training: {epochs: 2, batch_size: 16}
""")
JOINED = parse_spec("""
input: [2, 4, 4]
layers:
  - residual: {body: [conv: {out_channels: 2, kernel_size: 1}, relu]}
  - flatten
  - linear: {out_features: 3}
""")
REPEATED = {"first_divergence": "findings[]", "trajectory.finding": "findings[]"}
"""Documents within the document that are explained elsewhere."""


class NoBackward(PoolNumPy):
    def input_gradient(self, grad_output: Any) -> Any:
        raise ValueError("no backward")


class DoublesBack(AddNumPy):
    """Sends each branch twice what it is due."""

    def input_gradients(self, grad_output: Any) -> Any:
        return [2 * grad for grad in super().input_gradients(grad_output)]


class HalvedGradient(ConvNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / 2}


class Learns(LinearNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        self.parameters["weight"] -= 0.1 * found["weight"]
        return found


NO_STEP = SPEC.model_copy(
    update={"training": Training(optimizer=SGD(learning_rate=0.0)), "data": None}
)
"""Trained at a rate of 0: no step is longer than its bounds."""


def document(*backends: Any, spec: ModelSpec = SPEC, **options: Any) -> Any:
    return document_of(compare_backends(spec, backends, **options))


def document_of(verdict: Verdict) -> Any:
    return json.loads(to_json(verdict_document(verdict)))


def with_jumps() -> list[Verdict]:
    """Return verdicts with a jump, and with a parameter that is not held."""
    torch, verdict = parse_backend("torch"), compare_backends(SPEC, steps=0)
    jump = trained(torch, data_on_the_edge(torch, "second", "there"))
    noisy = faulty(conv=NoisyBias)
    left_out = trained(noisy, DATA, plan=BIAS_BEFORE_NORM, training=FAST, steps=1)
    return [replace(verdict, trajectory=trajectory) for trajectory in (jump, left_out)]


@pytest.mark.torch
def test_every_key_is_explained() -> None:
    joined = document(parse_backend("numpy"), faulty(add=DoublesBack), spec=JOINED)
    documents = [
        document(parse_backend("numpy"), faulty(conv=HalvedGradient), mode="free", twins=2),
        document(parse_backend("numpy"), faulty(pool=NoBackward), steps=0),
        document(parse_backend("numpy"), faulty(linear=Learns), steps=0),
        joined,
        document("numpy", "torch"),
        document("numpy", "torch", spec=NO_STEP),
        *map(document_of, with_jumps()),
    ]
    assert documents[0]["trajectory"]["finding"]["layer"] == "conv1"
    assert documents[1]["not_compared"]
    assert [(at["layer"], at["quantity"], at["source"]) for at in joined["findings"]] == [
        ("residual1.add", "grad_input[0]", "residual1.body.relu1"),
        ("residual1.add", "grad_input[1]", "input"),
    ]
    hold({path for each in documents for path in paths(each, REPEATED)}, "verdict.md")


def test_every_quantity_is_named() -> None:
    (row,) = re.findall(
        r"^\| `findings\[\].quantity` .*", (DOCS / "verdict.md").read_text(), re.MULTILINE
    )
    of_layer = ("output", "grad_input", "grad_input[0]", "grad_<parameter>")
    assert [
        name for name in (*of_layer, *OF_LOSS, *OF_PASS, *OF_STEP) if f"`{name}`" not in row
    ] == []
