"""The pictures of docs/ are what is drawn and printed. `make golden` draws them anew."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from cnnspec import load_spec, resolve
from cnnspec.report.graph import plan_svg
from cnnspec.spec.load import parse_spec
from tests.docs.pages import ROOT, blocks
from tests.docs.terminal import answer

DOCS = ROOT / "docs"
COLUMNS = 80

Golden = Callable[[str, Path], None]


@pytest.mark.parametrize("name", ["lenet5", "resnet20"])
def test_plans(golden: Golden, name: str) -> None:
    plan = resolve(load_spec(ROOT / "specs" / f"{name}.yaml"))
    golden(plan_svg(plan), DOCS / f"{name}.svg")


def test_residual(golden: Golden) -> None:
    """Of the spec that the page about pictures shows."""
    (spec,) = (block for block in blocks(DOCS / "reference" / "build.md") if block.file)
    golden(plan_svg(resolve(parse_spec(spec.text))), DOCS / "residual.svg")


SPEC = """\
name: small
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3}
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 64, test_samples: 32}}
"""
COMPARE = "cnnspec compare small.yaml --backends numpy,notebook_layers.py:NetworkTies --mode replay"


@pytest.mark.slow
def test_compare(golden: Golden, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SPEC)
    layers = (ROOT / "examples" / "notebook_layers.py").read_text()
    (tmp_path / "notebook_layers.py").write_text(layers)
    printed = answer(f"{COMPARE} 2> progress.txt", tmp_path, coloured=True)
    golden(picture_of(COMPARE, printed), DOCS / "compare.svg")


def picture_of(command: str, printed: str) -> str:
    """Draw a terminal in which a command was typed."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), legacy_windows=False)
    console.print(Text(f"$ {command}\n", style="bold"))
    console.print(Text.from_ansi(printed))
    drawn = console.export_svg(title="cnnspec compare", unique_id="compare")
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # which is elsewhere
