"""The pictures of docs/ are what is drawn. `make golden` draws them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cnnspec import load_spec, resolve
from cnnspec.report.graph import plan_svg
from tests.docs.pages import ROOT

DOCS = ROOT / "docs"

Golden = Callable[[str, Path], None]


def test_lenet5(golden: Golden) -> None:
    plan = resolve(load_spec(ROOT / "specs" / "lenet5.yaml"))
    golden(plan_svg(plan), DOCS / "lenet5.svg")
