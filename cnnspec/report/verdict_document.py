"""A verdict for tools: what `cnnspec compare --json` prints.

docs/reference/verdict.md explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnnspec.compare.verdict import (
    Cause,
    Comparison,
    Consequence,
    Coverage,
    Finding,
    Kinks,
    Trajectory,
    Verdict,
)
from cnnspec.documents import Document, document
from cnnspec.report.address import at_address, sides_words, where

VERSION = 3


def verdict_document(verdict: Verdict) -> Document:
    """Return the document of a verdict."""
    first, trajectory = verdict.first_divergence, verdict.trajectory
    return document(
        "compare",
        version=VERSION,
        name=verdict.name,
        backends=verdict.backends,
        verdict=verdict.verdict,
        first_divergence=_finding(first) if first else None,
        compared=len(verdict.comparisons),
        **replay_content(
            verdict.comparisons,
            verdict.coverage,
            verdict.findings,
            verdict.kinks,
            verdict.follows,
        ),
        trajectory=_trajectory(trajectory) if trajectory else None,
        accuracy=trajectory.accuracy if trajectory else None,
        **verdict.provenance,
    )


def replay_content(
    quantities: Sequence[Comparison],
    coverage: Coverage,
    findings: Sequence[Finding],
    kinks: Sequence[Kinks],
    follows: Sequence[Consequence],
) -> Document:
    """Return what a replay found, as part of a document."""
    return {
        "findings": [_finding(finding) for finding in findings],
        "follows": [_follows(item) for item in follows],
        "quantities": [_quantity(found) for found in quantities],
        "coverage": {name: list(count) for name, count in coverage.counts.items()},
        "not_compared": [at_address(item) for item in coverage.not_compared],
        "few_images": list(coverage.few),
        "silent": [{"side": side, "precision": precision} for side, precision in coverage.silent],
        "kinks": [
            {"layer": kink.layer, "decisions": kink.decisions, "near": kink.near} for kink in kinks
        ],
    }


def _finding(finding: Finding) -> Document:
    worst = finding.worst
    return {
        **where(finding.address),
        "quantity": finding.quantity,
        "source": finding.source,
        "precision": finding.precision,
        "backend": sides_words(finding.sides),
        "step": finding.step,
        "probe": worst.probe if worst else None,
        "position": worst.position if worst else None,
        "beyond": worst.beyond if worst else None,
        "elements": worst.elements if worst else None,
        "max_abs": worst.max_abs if worst else None,
        "difference": worst.difference if worst else None,
        "found": worst.found if worst else None,
        "wanted": worst.wanted if worst else None,
        "budget": worst.budget if worst else None,
        "ratio": worst.ratio if worst else None,
        "wrong_side": finding.wrong_side,
        "judge": finding.judge,
        "cause": _cause(finding.cause) if finding.cause else None,
        "causes": {side: _cause(cause) for side, cause in finding.causes.items()},
    }


def _cause(cause: Cause) -> Document:
    return {"code": cause.code, "sentence": cause.sentence, "help": cause.help or None}


def _follows(item: Consequence) -> Document:
    found = item.comparison
    return where(found.address) | {
        "quantity": found.quantity,
        "precision": found.precision,
        "backend": sides_words(found.sides),
        "rule": item.rule,
    }


def _quantity(found: Comparison) -> Document:
    document = at_address(found) | {"ok": found.ok}
    named = {"sides": ("backend", sides_words(found.sides))}
    return dict(named.get(key, (key, value)) for key, value in document.items())


def _trajectory(trajectory: Trajectory) -> dict[str, Any]:
    history = {
        side: [asdict(metrics) for metrics in epochs] for side, epochs in trajectory.history.items()
    }
    finding = _finding(trajectory.finding) if trajectory.finding else None
    return asdict(trajectory) | {"history": history, "finding": finding}
