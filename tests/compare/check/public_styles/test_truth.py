"""What each layer of the table is, by torch, called as its author means it: without `check`."""

from __future__ import annotations

import importlib
import json
import sys
import types
import warnings
from typing import Any

import numpy as np
import pytest

from tests.compare.check.public_styles import truth
from tests.compare.check.public_styles.table import BY_ID, ROWS, TELLING, Row
from tests.compare.check.public_styles.truth import Array, Bound, NotTakenError, Options, Trial

pytestmark = pytest.mark.torch


def load(row: Row) -> Any:
    text = row.file.read_text()
    if row.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        text = "\n".join(source for source in sources if "class" in source or "import" in source)
        text = text.replace("%matplotlib inline", "")
    module = types.ModuleType(f"public_styles_{row.style}")
    sys.modules[module.__name__] = module  # as dataclasses want it
    exec(compile(text, str(row.file), "exec"), module.__dict__)
    return module


def differences(row: Row) -> tuple[list[str], int]:
    """Say in which trials a layer is not what torch is, and how many fitted it."""
    bind = getattr(importlib.import_module(f"{__package__}.bindings.{row.style}"), row.name)
    found, fitting = [], 0
    tolerance = 1e-4 if row.style == "float32_only" else 1e-9
    for number, trial in enumerate(truth.trials(row.kind)):
        if trial.needs not in row.takes:
            continue
        module, rng = load(row), np.random.default_rng(number)
        p: Any = truth.parameters(row.kind, trial.options, rng)
        if row.kind in ("sgd", "adam"):
            p = [rng.normal(size=shape) for shape in trial.shapes]
        try:
            first = bind(module, trial.options, p)
        except NotTakenError:
            continue
        fitting += 1
        other = lambda: bind(module, trial.options, p)  # noqa: B023, E731
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                if row.kind in ("sgd", "adam"):
                    wrong = steps_differ(row.kind, first, trial, p, rng)
                elif row.kind == "cross_entropy":
                    wrong = loss_differs(first, trial, rng)
                elif row.kind == "dropout":
                    wrong = dropout_differs(first, trial, rng)
                else:
                    wrong = layer_differs(row.kind, first, other, trial, p, rng, tolerance)
        except Exception as error:  # whatever a stranger's code raises
            wrong = repr(error)
        if wrong:
            found.append(f"{trial}: {wrong}")
    return found, fitting


def steps_differ(
    kind: str, step: truth.Optimizer, trial: Trial, weights: list[Array], rng: np.random.Generator
) -> str:
    import torch

    wanted = [torch.tensor(w, requires_grad=True) for w in weights]
    o = trial.options
    optimizer: torch.optim.Optimizer = (
        torch.optim.Adam(wanted, lr=o.lr)
        if kind == "adam"
        else torch.optim.SGD(wanted, lr=o.lr, momentum=o.momentum, weight_decay=o.weight_decay)
    )
    for number in range(5):
        grads = [rng.normal(size=w.shape) for w in weights]
        for w, g in zip(wanted, grads):
            w.grad = torch.tensor(g)
        optimizer.step()
        for found, want in zip(step(grads), wanted):
            if not np.allclose(found, want.detach().numpy(), rtol=1e-9, atol=1e-11):
                return f"step {number}"
    return ""


def loss_differs(run: truth.Loss, trial: Trial, rng: np.random.Generator) -> str:
    import torch

    for shape in trial.shapes:
        logits = rng.normal(size=shape) * trial.scale
        labels = 1 + rng.integers(shape[1] - 1, size=shape[0])
        given = torch.tensor(logits, requires_grad=True)
        wanted = torch.nn.functional.cross_entropy(given, torch.tensor(labels))
        wanted.backward()
        before = logits.copy(), labels.copy()
        loss, gradient = run(logits, labels)
        if not (np.array_equal(before[0], logits) and np.array_equal(before[1], labels)):
            return "changes what it is given"
        if not np.allclose(loss, wanted.item(), rtol=1e-9, atol=1e-11):
            return f"loss {loss} for {wanted.item()}"
        if not np.allclose(gradient, given.grad.numpy(), rtol=1e-9, atol=1e-11):
            return "gradient"
    return ""


def dropout_differs(layer: Bound, trial: Trial, rng: np.random.Generator) -> str:
    keep = 1 - trial.options.p
    np.random.seed(0)
    x, d = 1 + rng.random(trial.shapes[0]), 1 + rng.random(trial.shapes[0])
    y = layer.forward(x)
    on = y != 0
    if abs(on.mean() - keep) > 0.12:
        return f"keeps {on.mean()} for {keep}"
    if not np.allclose(y, np.where(on, x / keep, 0)):
        return "output"
    if not np.allclose(layer.backward(d)["grad_input"], np.where(on, d / keep, 0)):
        return "gradient"
    if (on == on[0]).all():
        return "one mask for all images"
    if np.array_equal(layer.forward(x) != 0, on):
        return "the same mask again"
    assert layer.evaluate is not None
    return "" if np.allclose(layer.evaluate(x), x) else "evaluation"


def layer_differs(
    kind: str,
    layer: Bound,
    other: Any,
    trial: Trial,
    p: dict[str, Array],
    rng: np.random.Generator,
    tolerance: float,
) -> str:
    """Compare passes of several shapes, then one with another object's pass in between."""
    mean, var = np.zeros(3), np.ones(3)
    for shape in (*trial.shapes, trial.shapes[0]):
        between = shape == trial.shapes[0] and layer is not other
        x = (
            rng.integers(-2, 3, size=shape).astype(float)
            if trial.integers
            else rng.normal(size=shape)
        )
        x *= trial.scale
        given = x.copy()
        y = np.array(layer.forward(given))
        d = rng.normal(size=y.shape)
        wanted = truth.reference(kind, trial.options, p, x, d)
        if between and kind != "batch_norm":
            other().forward(x[:1] + 1)
        upstream = d.copy()
        got = {"output": y, **layer.backward(upstream)}
        if not (np.array_equal(given, x) and np.array_equal(upstream, d)):
            return "changes what it is given"
        for name, value in got.items():
            want = wanted[name]
            if np.shape(value) != want.shape or not np.allclose(
                value, want, rtol=tolerance, atol=tolerance * max(1.0, np.abs(want).max())
            ):
                return f"{name} after {shape}"
        if kind == "batch_norm":
            axes = tuple(axis for axis in range(x.ndim) if axis != 1)
            mean = 0.9 * mean + 0.1 * x.mean(axes)
            var = 0.9 * var + 0.1 * x.var(axes, ddof=1)
            assert layer.evaluate is not None
            if not np.allclose(layer.evaluate(x), evaluated(x, mean, var, p, trial.options)):
                return "evaluation"
    return ""


def evaluated(x: Array, mean: Array, var: Array, p: dict[str, Array], o: Options) -> Array:
    import torch

    t = [torch.tensor(value) for value in (x, mean, var, p["weight"], p["bias"])]
    y: Array = torch.nn.functional.batch_norm(*t, training=False, eps=o.eps).numpy()
    return y


def verify(row: Row) -> None:
    found, fitting = differences(row)
    assert fitting
    assert bool(found) == bool(row.wrong), found


@pytest.mark.parametrize("name", TELLING)
def test_the_most_telling_are_what_the_table_says(name: str) -> None:
    verify(BY_ID[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.id not in TELLING], ids=lambda row: row.id
)
def test_each_layer_is_what_the_table_says(row: Row) -> None:
    verify(row)
