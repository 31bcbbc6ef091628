"""The corpus: files with mistakes (`bad/`) and files with warnings alone (`odd/`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from cnnspec.data import survey
from cnnspec.data.remarks import Range, remarks
from cnnspec.errors import SpecError
from cnnspec.spec import NPZ, DataSource, Diagnostic, Inspection, Limits, inspect_spec, load_spec
from cnnspec.spec.data.contents import Contents, Survey
from cnnspec.spec.format import format_spec
from cnnspec.spec.source import MAX_BYTES

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
ODD = sorted((HERE / "odd").glob("*.yaml"))

VALID = "input: [1, 8, 8]\nlayers:\n  - flatten\n  - linear: {out_features: 10}\n"


def inspect(path: Path) -> Inspection:
    """Read a file of the corpus; it is named without its folder."""
    return inspect_spec(path.read_bytes(), file=path.name)


def rendering(diagnostics: Iterable[Diagnostic], width: int | None = None) -> str:
    """Write problems as a terminal shows them."""
    return "\n\n".join(problem.render(width) for problem in diagnostics) + "\n"


def _unreadable() -> tuple[Diagnostic, ...]:
    try:
        load_spec("no-such-file.yaml")
    except SpecError as error:
        return error.diagnostics
    raise AssertionError


def _found(text: str | bytes, *overrides: str) -> tuple[Diagnostic, ...]:
    return inspect_spec(text, file="model.yaml", overrides=overrides).diagnostics


def _not_laid_out() -> tuple[Diagnostic, ...]:
    with mock.patch("cnnspec.spec.format.write", return_value="name: other\n"):
        try:
            format_spec(VALID, file="model.yaml")
        except SpecError as error:
            return error.diagnostics
    raise AssertionError


NPZ_SPEC = f"{VALID}data: {{npz: {{path: /no/such/file.npz}}}}\n"


def _looked(
    *overrides: str, look: Callable[[DataSource, Limits], Survey] = survey
) -> tuple[Diagnostic, ...]:
    return inspect_spec(NPZ_SPEC, file="model.yaml", overrides=overrides, look=look).diagnostics


def _seen(*problems: Diagnostic, **contents: Any) -> Callable[[], tuple[Diagnostic, ...]]:
    return lambda: _looked(look=lambda data, limits: Survey(Contents(**contents), problems))


ELSEWHERE: dict[str, Callable[[], tuple[Diagnostic, ...]]] = {
    "unreadable": _unreadable,
    "too-large": lambda: _found(b"#" * (MAX_BYTES + 1)),
    "override": lambda: _found(VALID, "layers.conv1.padding=1"),
    "unreadable-data": lambda: _looked("data.npz.path=/dev/null"),
    "missing-data": _looked,
    "too-much-data": _seen(shape=(1, 8, 8), classes=10, train_images=10**8),
    "odd-pixels": _seen(*remarks(NPZ(path="mine.npz"), Range(0, 255))),
    "not-laid-out": _not_laid_out,
    "too-many-problems": lambda: _found(VALID + "".join(f"o{n}: 1\n" for n in range(123))),
}
"""Codes that no file of the corpus has, and what produces each."""
