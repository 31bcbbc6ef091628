"""Random trees: laid out alike however they are written, and kept by the dialect."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from cnnspec.difference import compare_specs
from cnnspec.plan import INPUT, resolve, write_out
from cnnspec.spec.composites import count_layers
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.format import format_spec
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec
from tests.contract.random_trees import decorated_trees

normal_run = settings(max_examples=20, deadline=None, derandomize=True)
slow_run = settings(max_examples=1000, deadline=None, derandomize=True)


def check(spec: ModelSpec) -> None:
    plan = resolve(spec)
    known = {INPUT: spec.input}
    for at in plan.layers:
        assert at.input_shapes == tuple(known[source] for source in at.inputs)
        assert at.name not in known
        known[at.name] = at.output  # type: ignore[assignment]
    assert len(plan.layers) == count_layers(spec.layers)
    for defaults in (False, True):
        text = dump_spec(spec, defaults=defaults)
        assert parse_spec(text) == spec
        assert format_spec(text) == text
    out = write_out(spec)
    assert write_out(out) == out
    assert resolve(out).state == plan.state
    assert compare_specs(spec, out).same


@normal_run
@given(decorated_trees())
def test_a_tree_is_kept(spec: ModelSpec) -> None:
    check(spec)


@pytest.mark.slow
@slow_run
@given(decorated_trees())
def test_a_tree_is_kept_1000(spec: ModelSpec) -> None:
    check(spec)
