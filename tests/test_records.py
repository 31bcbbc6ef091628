"""Specs, plans and what comes of them can be copied and pickled, as values."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from cnnspec import build, compare_backends, load_data, parse_spec, resolve, train
from cnnspec.backends.network import Batch
from cnnspec.data import Dataset, Split
from cnnspec.spec.model import ModelSpec

SPEC = parse_spec("""
input: [1, 8, 8]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - batch_norm
  - relu
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 40, test_samples: 20}}
training: {epochs: 1, batch_size: 20}
""")
PLAN = resolve(SPEC)

RECORDS: dict[str, Callable[[], Any]] = {
    "spec": lambda: SPEC,
    "plan": lambda: PLAN,
    "layer": lambda: PLAN.layers[1],
    "data": lambda: load_data(SPEC.data),
    "trace": lambda: build(PLAN, SPEC.training).trace(Batch(*batch()), step=1),
    "history": lambda: train(build(PLAN, SPEC.training), load_data(SPEC.data), SPEC.training),
    "verdict": lambda: compare_backends(SPEC, ("numpy", "loops"), steps=2),
}

WAYS: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda record: pickle.loads(pickle.dumps(record)),
}


def batch() -> tuple[Any, Any]:
    return np.ones((4, 1, 8, 8), np.float32), np.arange(4)


def as_values(record: Any) -> Any:
    """Return a record as dictionaries and tuples, and arrays as their bytes."""
    if isinstance(record, np.ndarray | np.generic):
        return str(record.dtype), record.shape, record.tobytes()
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
        return type(record).__name__, as_values(fields)
    if isinstance(record, Mapping):
        return {key: as_values(value) for key, value in record.items()}
    if isinstance(record, tuple | list):
        return type(record).__name__, [as_values(value) for value in record]
    return repr(record) if isinstance(record, float) else record


@pytest.fixture(scope="module", params=RECORDS)
def record(request: pytest.FixtureRequest) -> Any:
    return RECORDS[request.param]()


@pytest.mark.parametrize("way", WAYS)
def test_a_record_can_be_copied(record: Any, way: str) -> None:
    found = WAYS[way](record)
    assert type(found) is type(record)
    assert as_values(found) == as_values(record)


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_plan_can_be_built_and_not_be_changed(way: str) -> None:
    plan = WAYS[way](PLAN)
    for shapes in (plan.layers[1].parameters, plan.layers[1].buffers):
        with pytest.raises(TypeError, match="does not support item assignment"):
            shapes["weight"] = (1,)
    network = build(plan, SPEC.training)
    wanted = build(PLAN, SPEC.training).predict(batch()[0])
    np.testing.assert_array_equal(network.predict(batch()[0]), wanted)


def test_values_tell_records_apart() -> None:
    one, other = (Dataset("a", Split(np.zeros(2), np.zeros(n)), None) for n in (2, 3))  # type: ignore[arg-type]
    assert as_values(one) != as_values(other)
    assert as_values(SPEC) != as_values(ModelSpec(input=SPEC.input, layers=SPEC.layers))
