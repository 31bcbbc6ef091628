"""`cnnspec compare --explain NAME`: the budgets of a quantity in numbers, behind the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.compare import Verdict
    from cnnspec.spec.model import ModelSpec


def check_explained(spec: ModelSpec, name: str) -> None:
    """Refuse a name of which nothing will be compared, before anything is."""
    from cnnspec.compare.explaining.explained import check_name
    from cnnspec.plan import resolve

    check_name(resolve(spec), spec.training, name)


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
    from cnnspec.compare.explaining.explained import explain, quantities_called
    from cnnspec.data import load_data
    from cnnspec.plan import resolve
    from cnnspec.report.explained import explained_parts

    quantities = quantities_called(verdict, name)
    choices = parse_backend(backends[0], device), parse_backend(backends[1], device)
    split = load_data(spec.data, data_dir, limits=spec.limits).train if spec.data else None
    with prints_on_stderr():
        found = list(explain(resolve(spec), spec.training, choices, quantities, split))
    Output().print("", *(part for each in found for part in explained_parts(each)), sep="\n")
