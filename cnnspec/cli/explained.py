"""`cnnspec compare --explain NAME`: the budgets of a quantity in numbers, behind the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.compare import Verdict
    from cnnspec.spec.model import ModelSpec


def check_explained(spec: ModelSpec, name: str) -> None:
    """Refuse a name of which nothing will be compared, before anything is."""
    from cnnspec.compare.explaining.explained import place_of
    from cnnspec.plan import resolve

    place_of(resolve(spec), spec.training, name)


def print_explained(
    spec: ModelSpec,
    backends: tuple[str, str],
    verdict: Verdict,
    name: str,
    device: str,
    data_dir: str | None,
) -> None:
    """Show what the budgets of a quantity are made of."""
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import prints_on_stderr
    from cnnspec.compare import parse_backend
    from cnnspec.compare.explaining.explained import comparisons_of, explain, place_of
    from cnnspec.data import load_data
    from cnnspec.plan import resolve
    from cnnspec.report.explained import explained_parts

    plan = resolve(spec)
    comparisons = comparisons_of(verdict, place_of(plan, spec.training, name))
    if not comparisons:
        Output().print("", f"{name}: it was not compared")
        return
    choices = parse_backend(backends[0], device), parse_backend(backends[1], device)
    split = load_data(spec.data, data_dir, limits=spec.limits).train if spec.data else None
    with prints_on_stderr():
        found = list(explain(plan, spec.training, choices, comparisons, split))
    Output().print("", *(part for each in found for part in explained_parts(each)), sep="\n")
