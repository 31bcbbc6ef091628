"""What tables and sentences do with names that are longer than a line."""

import pytest
from rich.text import Text

from cnnspec.cli.console import Output

NAME = "repeat1.0.residual1.body.parallel1.paths.0.conv1"


def printed(
    text: Text, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    Output().print(text)
    return capsys.readouterr().out


def test_names_that_have_no_room_in_a_line_are_broken_behind_dots(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Text(f"at most 0.53 of it: {NAME}, weight gradient", style="green")
    assert printed(text, capsys, monkeypatch, 60) == (
        f"at most 0.53 of it:\n{NAME}, weight\ngradient\n"
    )
    assert printed(text, capsys, monkeypatch, 40) == (
        "at most 0.53 of it:\nrepeat1.0.residual1.body.parallel1.\npaths.0.conv1, weight gradient\n"
    )


def test_colours_stay_where_a_name_is_broken() -> None:
    console = Output()
    text = Text.assemble(("a ", "red"), (NAME, "green"), " b", style="bold")
    (lines,) = [console.render_lines(text, console.options.update(width=30), pad=False)]
    said = [[(part.text, str(part.style)) for part in line] for line in lines]
    assert said == [
        [("a ", "bold red"), ("repeat1.0.residual1.body.", "bold green")],
        [("parallel1.paths.0.conv1", "bold green"), (" b", "bold")],
    ]
