"""Long names of layers are broken behind dots, and nothing else is."""

import pytest

from cnnspec.printable import behind_dots
from cnnspec.spec.diagnostics import Diagnostic

NAME = "repeat1.0.residual1.body.parallel1.paths.0.conv1"


@pytest.mark.parametrize(
    ("word", "room", "pieces"),
    [
        (NAME, 48, [NAME]),
        (NAME, 47, ["repeat1.0.residual1.body.parallel1.paths.0.", "conv1"]),
        (f"{NAME}:", 30, ["repeat1.0.residual1.body.", "parallel1.paths.0.conv1:"]),
        (NAME, 12, ["repeat1.0.", "residual1.", "body.", "parallel1.", "paths.0.", "conv1"]),
        ("under_" * 5, 12, ["under_" * 5]),
        ("../a.folder/conv1.yaml", 12, ["../a.folder/conv1.yaml"]),
        ("...", 1, ["..."]),
        ("layers[3].conv.kernel_size", 12, ["layers[3].", "conv.", "kernel_size"]),
        ("", 0, [""]),
    ],
)
def test_names_are_broken_behind_dots(word: str, room: int, pieces: list[str]) -> None:
    assert behind_dots(word, room) == pieces


def test_problems_name_layers_whole_or_break_them_behind_dots() -> None:
    problem = Diagnostic("branches-differ", f"{NAME}: body gives 8 x 4 x 4", ("layers",))
    assert problem.render(60).startswith(f"branches-differ:\n  {NAME}: body\n  gives 8")
    assert problem.render(40).splitlines()[:3] == [
        "branches-differ:",
        "  repeat1.0.residual1.body.parallel1.",
        "  paths.0.conv1: body gives 8 x 4 x 4",
    ]
