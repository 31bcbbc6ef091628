"""Whose error is it? Ours ends with 70 and a traceback; that of a side is part of the verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import compare_backends, parse_spec
from cnnspec.backends import numpy as engine
from cnnspec.backends.guard import METHODS
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.raised import told
from cnnspec.cli import main
from cnnspec.compare import BackendChoice, Verdict, parse_backend
from cnnspec.spec.layers import KINDS
from cnnspec.trace import LayerTrace, LossTrace, Trace
from tests.compare.any_kind import with_kind
from tests.faulty import faulty

SPEC = """
input: [2, 7, 6]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - batch_norm
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 3}
training: {batch_size: 4, optimizer: {adam: {}}}
"""
DIGITS = parse_spec(
    SPEC.replace("[2, 7, 6]", "[1, 8, 8]").replace("features: 3", "features: 10")
    + "data: {digits: {train_samples: 12, test_samples: 5}}\n"
)

SAMPLE = 31
"""Of so many cases one is always tried; the others are slow."""

FAULTS = """
from cnnspec.backends import numpy as engine

class Doubled(engine.LAYERS["linear"]):
    def forward(self, x):
        return 2 * super().forward(x)

class Learns(engine.LAYERS["linear"]):
    def parameter_gradients(self, grad_output):
        found = super().parameter_gradients(grad_output)
        self.parameters["weight"] -= 0.1 * found["weight"]
        return found

class Coarse(engine.LAYERS["linear"]):
    def forward(self, x):
        y = super().forward(x)
        return y.astype("float16").astype(y.dtype) if y.dtype == "float32" else y

class Halved(engine.LAYERS["linear"]):
    def parameter_gradients(self, grad_output):
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / 2}

def network(linear):
    def build(plan, training, *, device):
        return engine.NumPyNetwork(plan, training, backend="own", loss=engine.cross_entropy,
                                   layers=engine.LAYERS | {"linear": linear},
                                   optimizers=engine.OPTIMIZERS)
    return build

doubled, learns, coarse, halved = map(network, (Doubled, Learns, Coarse, Halved))
"""

OURS = {
    "cnnspec.compare.judging.judgement.diagnose_layer": "doubled",
    "cnnspec.compare.judging.observe.pair_budgets": "doubled",
    "cnnspec.compare.judging.judge.layer_budgets": "halved",
    "cnnspec.compare.faults.fault.measure": "doubled",
    "cnnspec.compare.judging.own_faults.unit_roundoff": "learns",
    "cnnspec.compare.judging.own_faults.measure": "coarse",
    "cnnspec.compare.bounds.layers.sum_budget": "doubled",
    "cnnspec.compare.kinds.loss.LossKind.budgets": "doubled",
    "cnnspec.compare.replay.whole_pass.layer_budgets": "doubled",
    "cnnspec.compare.replay.steps.pass_errors": "doubled",
    "cnnspec.compare.replay.steps.prediction_errors": "doubled",
}
"""What is ours and runs in a comparison, and with what fault beside it."""


def broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("in a line of ours")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Any]:
    def call(*arguments: str) -> tuple[int, str, str]:
        (tmp_path / "own.py").write_text(FAULTS)
        (tmp_path / "spec.yaml").write_text(SPEC)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["cnnspec", "compare", "spec.yaml", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), *capsys.readouterr()

    return call


@pytest.mark.parametrize(("ours", "fault"), OURS.items())
def test_an_error_of_ours_beside_a_fault_ends_with_70(
    ours: str, fault: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, broken)
    code, out, err = run("--backends", f"own.py:{fault},numpy")
    assert code == 70
    assert "Traceback" in err
    assert "ZeroDivisionError: in a line of ours" in err
    assert "this is an error of cnnspec's own" in err
    assert "DIFFERENT" not in out


@pytest.mark.parametrize("fault", sorted(set(OURS.values())))
def test_without_an_error_of_ours_the_fault_has_a_verdict(fault: str, run: Any) -> None:
    code, out, err = run("--backends", f"own.py:{fault},numpy")
    assert (code, "Traceback" in err) == (1, False)
    assert f"{fault} is wrong" in out or f"{fault} in float32 loses precision" in out


@pytest.mark.parametrize("method", ["replay", "replay_loss", "trace", "train_step", "update"])
def test_an_error_of_our_own_engine_is_ours(
    method: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumPyNetwork, method, broken)
    code, _, err = run("--backends", "numpy,loops")
    assert code == 70
    assert "this is an error of cnnspec's own" in err


def choices_of(network: type[NumPyNetwork]) -> tuple[BackendChoice, BackendChoice]:
    return parse_backend("numpy"), faulty(network=network)


def verdict_or_refusal(pair: tuple[BackendChoice, BackendChoice]) -> Verdict | str:
    """Compare; what is raised must be somebody else's."""
    try:
        return compare_backends(DIGITS, pair, steps=2)
    except Exception as error:
        said = told(error)
        if said is None:
            raise
        return said


def answering(method: str, answer: Callable[[Any], Any]) -> type[NumPyNetwork]:
    """Return a network of somebody else's, one of whose methods answers something else."""

    def asked(self: Any, *given: Any, **options: Any) -> Any:
        return answer(getattr(NumPyNetwork, method)(self, *given, **options))

    return type("Other", (NumPyNetwork,), {method: asked})


def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the same change of every array of a tuple."""
    return lambda arrays: tuple(map(change, arrays))


def of_layer(**changes: Any) -> Callable[[Any], Any]:
    """Return a change of what one layer gives, alone or within a pass."""

    def other(found: LayerTrace) -> LayerTrace:
        changed = {name: change(getattr(found, name)) for name, change in changes.items()}
        return LayerTrace(**(vars(found) | changed))

    def answer(found: Any) -> Any:
        if isinstance(found, LayerTrace):
            return other(found)
        return Trace({name: other(layer) for name, layer in found.layers.items()}, found.loss)

    return answer


ANY: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda found: None,
    "a number": lambda found: 3,
    "a word": lambda found: "no array",
    "a list": lambda found: [1.0, 2.0],
    "a mapping": lambda found: {"conv1.weight": None},
    "an array of objects": lambda found: np.array([None, {}], dtype=object),
    "a tuple": lambda found: (None, None),
    "itself twice": lambda found: (found, found),
}
LAYERS: dict[str, Callable[[Any], Any]] = {
    "no output": of_layer(output=lambda y: None),
    "a scalar": of_layer(output=lambda y: y.sum()),
    "lists": of_layer(grad_inputs=each(lambda g: g.tolist())),
    "objects": of_layer(grad_inputs=each(lambda g: g.astype(object))),
    "complex numbers": of_layer(output=lambda y: y.astype(complex)),
    "whole numbers": of_layer(output=lambda y: y.astype(int)),
    "one image less": of_layer(output=lambda y: y[1:], grad_inputs=each(lambda g: g[1:])),
    "channels last": of_layer(output=lambda y: np.moveaxis(y, 1, -1)),
    "transposed": of_layer(output=lambda y: y.T, grad_inputs=each(lambda g: g.T)),
    "nothing of it": of_layer(output=lambda y: y[:0], grad_inputs=each(lambda g: g[:0])),
    "one axis more": of_layer(output=lambda y: y[None], grad_inputs=each(lambda g: g[None])),
    "no gradients": of_layer(grad_parameters=lambda found: {}),
    "no mapping": of_layer(grad_parameters=lambda found: list(found)),
    "transposed gradients": of_layer(
        grad_parameters=lambda found: {name: array.T for name, array in found.items()}
    ),
    "gradients without axes": of_layer(
        grad_parameters=lambda found: {name: np.array(array.sum()) for name, array in found.items()}
    ),
    "no buffers": of_layer(buffers=lambda found: {}),
    "buffers of one number": of_layer(
        buffers=lambda found: {name: array[:1] for name, array in found.items()}
    ),
    "NaN": of_layer(output=lambda y: y * np.nan, grad_inputs=each(lambda g: g * np.nan)),
    "infinity": of_layer(output=lambda y: y + np.inf, grad_inputs=each(lambda g: g - np.inf)),
}
OTHERS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "replay": LAYERS,
    "trace": LAYERS
    | {
        "one layer less": lambda found: Trace(dict(list(found.layers.items())[1:]), found.loss),
        "another order": lambda found: Trace(dict(reversed(found.layers.items())), found.loss),
        "no loss": lambda found: Trace(found.layers, None),  # type: ignore[arg-type]
    },
    "replay_loss": {
        "losses": lambda found: LossTrace(np.ones(3), found.grad_logits),  # type: ignore[arg-type]
        "transposed": lambda found: LossTrace(found.loss, found.grad_logits.T),
        "a scalar": lambda found: LossTrace(found.loss, np.array(found.grad_logits.sum())),
        "no gradient": lambda found: LossTrace(found.loss, None),  # type: ignore[arg-type]
        "NaN": lambda found: LossTrace(np.nan, found.grad_logits * np.nan),
    },
    "predict": {
        "transposed": lambda logits: logits.T,
        "classes": lambda logits: logits.argmax(axis=1),
        "one class less": lambda logits: logits[:, 1:],
        "NaN": lambda logits: logits * np.nan,
    },
    "train_step": {
        "losses": lambda taken: (np.ones(3), taken.outputs),
        "lists": lambda taken: (taken.loss, taken.outputs.tolist()),
        "transposed": lambda taken: (taken.loss, taken.outputs.T),
        "NaN": lambda taken: (taken.loss, taken.outputs * np.nan),
    },
    "state": {
        "one array less": lambda state: dict(list(state.items())[1:]),
        "another shape": lambda state: {name: array.T for name, array in state.items()},
        "one array more": lambda state: state | {"own.counter": np.zeros(())},
    },
    "optimizer_state": {
        "other names": lambda slots: {f"own.{name}": array for name, array in slots.items()},
        "another shape": lambda slots: {name: array.ravel()[:1] for name, array in slots.items()},
        "one array more": lambda slots: slots | {"own.step": np.zeros(())},
    },
    "load_state": {},
    "load_optimizer_state": {},
    "update": {},
}


def test_every_method_is_tried() -> None:
    assert OTHERS.keys() == set(METHODS)


def by_turns(cases: list[Any]) -> list[Any]:
    """Let the network be the second side in one case, and the first in the next."""
    return [(*case, at % 2 == 1) for at, case in enumerate(cases)]


def sampled(cases: list[Any]) -> list[Any]:
    """Mark all cases but a sample as slow."""
    return [
        case if at % SAMPLE == 0 else pytest.param(*case, marks=pytest.mark.slow)
        for at, case in enumerate(cases)
    ]


@pytest.mark.parametrize(
    ("method", "which", "turned"),
    sampled(
        by_turns(
            [(method, which) for method, others in OTHERS.items() for which in (*ANY, *others)]
        )
    ),
)
def test_whatever_somebody_s_network_answers_is_no_error_of_ours(
    method: str, which: str, turned: bool
) -> None:
    answer = (ANY | OTHERS[method])[which]
    choices = choices_of(answering(method, answer))
    harmless = which in ("one array more", "another order") or method.startswith("load")
    harmless |= method == "update"
    found = verdict_or_refusal(choices[::-1] if turned else choices)
    if isinstance(found, Verdict):
        assert found.verdict == ("same" if harmless else "different")
    else:  # of a network that cannot even be asked
        assert "`faulty` returned " in found


@pytest.mark.parametrize(
    ("method", "error", "turned"),
    sampled(
        by_turns(
            [
                (method, error)
                for method in METHODS
                for error in (KeyError("weight"), SystemExit(3), MemoryError("too large"))
            ]
        )
    ),
)
def test_whatever_somebody_s_network_raises_is_no_error_of_ours(
    method: str, error: BaseException, turned: bool
) -> None:
    def raises(found: Any) -> Any:
        raise error

    choices = choices_of(answering(method, raises))
    found = verdict_or_refusal(choices[::-1] if turned else choices)
    assert not isinstance(found, Verdict) or found.verdict == "different"


PARTS: list[tuple[str, str]] = [
    (kind, quantity)
    for kind in KINDS  # the spec has no branches that would be joined
    for quantity in ("forward", "input_gradient", "parameter_gradients")
    if quantity != "parameter_gradients" or kind in ("conv", "linear", "batch_norm")
]
SHAPES: dict[str, Callable[[Any], Any]] = {
    "one less": lambda array: array[1:],
    "transposed": lambda array: array.T,
    "flat": np.ravel,
    "summed": lambda array: np.asarray(array.sum()),
    "none": lambda array: array[:0],
    "one axis more": lambda array: array[None],
    "doubled": lambda array: np.concatenate([array, array]),
    "NaN": lambda array: array * np.nan,
}


@pytest.mark.parametrize(
    ("kind", "method", "shape"),
    sampled([(kind, method, shape) for kind, method in PARTS for shape in SHAPES]),
)
def test_a_layer_of_any_shape_has_a_verdict(kind: str, method: str, shape: str) -> None:
    right, change = engine.LAYERS[kind], SHAPES[shape]

    def other(self: Any, *given: Any) -> Any:
        found = getattr(right, method)(self, *given)
        if isinstance(found, dict):
            return {name: change(array) for name, array in found.items()}
        return change(found)

    layer = type("Other", (right,), {method: other})
    sides = parse_backend("numpy"), faulty(**{kind: layer})
    verdict = compare_backends(with_kind(DIGITS, kind), sides, steps=1)
    unchanged = kind == "batch_norm" and method == "parameter_gradients"
    unchanged &= shape in ("transposed", "flat")  # vectors
    assert verdict.verdict == ("same" if unchanged else "different")
