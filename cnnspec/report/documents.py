"""JSON documents: what `--json` prints. Every document has `schema` and `version`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cnnspec.compare.verdict import Lockstep, Quantity, Verdict
from cnnspec.plan import Plan
from cnnspec.training.history import History

Document = dict[str, Any]


def to_json(document: Document) -> str:
    """Write a document; numbers that are not finite become null, as JSON has none."""
    return json.dumps(_finite(document), indent=2, allow_nan=False)


def plan_document(plan: Plan) -> Document:
    """Return what `cnnspec build --json` prints. Shapes leave out the batch."""
    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "output": layer.output,
            "parameters": layer.parameter_count,
            "macs": layer.macs,
        }
        for layer in plan.layers
    ]
    return _document(
        "build",
        name=plan.name,
        input=plan.input,
        layers=layers,
        parameters=plan.parameter_count,
        macs=plan.macs,
    )


def training_document(
    *, run: str | None, backend: str, history: History, test_accuracy: float
) -> Document:
    """Return what `cnnspec train --json` and `evaluate --json` print.

    Losses are means over images, accuracies fractions of 1, seconds wall time.
    """
    return _document(
        "training",
        run=run,
        backend=backend,
        epochs=[asdict(metrics) for metrics in history],
        test_accuracy=test_accuracy,
    )


def verdict_document(verdict: Verdict) -> Document:
    """Return what `cnnspec compare --json` prints."""
    first = verdict.first_divergence
    lockstep = verdict.lockstep
    divergence = asdict(first) | {"cause": None, "wrong_side": None} if first else None
    return _document(
        "compare",
        name=verdict.name,
        backends=verdict.backends,
        verdict=verdict.verdict,
        first_divergence=divergence,
        quantities=[_quantity(found) for found in verdict.quantities],
        compared=len(verdict.quantities),
        not_compared=[asdict(item) for item in verdict.not_compared],
        lockstep=_lockstep(lockstep) if lockstep else None,
        accuracy=lockstep.accuracy if lockstep else None,
        environment=verdict.environment,
    )


def _quantity(found: Quantity) -> Document:
    return asdict(found) | {"ok": found.ok}


def _lockstep(lockstep: Lockstep) -> Document:
    history = {
        backend: [asdict(metrics) for metrics in epochs]
        for backend, epochs in lockstep.history.items()
    }
    return asdict(lockstep) | {"history": history}


def _document(schema: str, **content: Any) -> Document:
    return {"schema": f"cnnspec/{schema}", "version": 1, **content}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
