"""Running a class in settings of a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.process.run import run_child
from cnnspec.compare.check.rules import resolved


def run_all(
    graders: Mapping[str, LayerGrader],
    request: dict[str, Any],
    limit: float,
    on_setting: Callable[[str], None] = lambda key: None,
    built_in: Mapping[str, Any] = MappingProxyType({}),
    **how: bool,
) -> Results:
    """Let a class run in every setting; `built_in` are values that it has no parameter for."""
    settings: list[dict[str, Any]] = []
    given: dict[str, dict[str, Any]] = {}
    for key, grader in graders.items():
        given[f"{key}-weights"] = grader.weights
        for number, probe in enumerate(grader.probes):
            given[f"{key}-p{number}"] = {"x": probe.x, "grad_output": probe.grad_output}
        values = resolved(built_in, grader.setting.layer)
        settings.append(grader.request(key) | {"values": values} | how)
    return run_child(request | {"settings": settings}, given, limit, on_setting)
