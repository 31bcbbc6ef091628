"""cnnspec fmt: files are laid out anew, and nothing of them is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]

LOOSE = "layers:   [flatten,{linear: {out_features: 10}}] # all\ninput: [1,8,  8]\n"
NEAT = "input: [1, 8, 8]\nlayers:  # all\n  - flatten\n  - linear: {out_features: 10}\n"


def test_a_file_is_laid_out_anew_once(call: Call, folder: Path) -> None:
    path = folder / "loose.yaml"
    path.write_text(LOOSE)
    path.chmod(0o640)
    assert call("fmt", "loose.yaml") == (0, "loose.yaml: laid out anew\n", "")
    assert path.read_text() == NEAT
    assert path.stat().st_mode & 0o777 == 0o640
    assert call("fmt", "loose.yaml") == (0, "", "")
    assert sorted(path.name for path in folder.iterdir()) == ["loose.yaml", "small.yaml"]


def test_check_changes_nothing(call: Call, folder: Path) -> None:
    (folder / "loose.yaml").write_text(LOOSE)
    (folder / "neat.yaml").write_text(NEAT)
    assert call("fmt", "--check", "loose.yaml", "neat.yaml") == (
        1,
        "loose.yaml: would be laid out anew\n",
        "",
    )
    assert (folder / "loose.yaml").read_text() == LOOSE
    assert call("fmt", "--check", "neat.yaml") == (0, "", "")


def test_line_ends_and_a_byte_order_mark(call: Call, folder: Path) -> None:
    path = folder / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + NEAT.replace("\n", "\r\n").encode())
    assert call("fmt", "windows.yaml").code == 0
    assert path.read_bytes() == NEAT.encode()


def test_stdin_goes_to_stdout(program: Call) -> None:
    assert program("fmt", "-", input=LOOSE) == (0, NEAT, "")
    assert program("fmt", "--check", "-", input=LOOSE).code == 1


def test_a_folder(call: Call, folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "specs" / "loose.yaml").write_text(LOOSE)
    assert call("fmt", "specs") == (0, "specs/loose.yaml: laid out anew\n", "")


def test_a_link_stays_a_link(call: Call, folder: Path) -> None:
    (folder / "loose.yaml").write_text(LOOSE)
    (folder / "link.yaml").symlink_to("loose.yaml")
    assert call("fmt", "link.yaml").code == 0
    assert (folder / "link.yaml").is_symlink()
    assert (folder / "loose.yaml").read_text() == NEAT


@pytest.mark.parametrize("text", ["a: [1\n", "input: &a 1\n", "- a\n", "", "a: 1\na: 2\n"])
def test_what_is_no_spec_is_left_as_it_is_and_the_rest_is_done(
    call: Call, folder: Path, text: str
) -> None:
    (folder / "bad.yaml").write_text(text)
    (folder / "loose.yaml").write_text(LOOSE)
    done = call("fmt", "bad.yaml", "loose.yaml")
    assert (done.code, done.out) == (2, "loose.yaml: laid out anew\n")
    assert " --> bad.yaml:" in done.err
    assert (folder / "bad.yaml").read_text() == text


def test_a_spec_need_not_be_valid(call: Call, folder: Path) -> None:
    (folder / "bad.yaml").write_text("layers:  [flaten]\nwhat: 3\ninput: 7\n")
    assert call("fmt", "bad.yaml").code == 0
    assert (folder / "bad.yaml").read_text() == "input: 7\nlayers:\n  - flaten\nwhat: 3\n"


def test_output_is_utf_8_everywhere(program: Call) -> None:
    text = "name: x  # \N{LATIN SMALL LETTER E WITH ACUTE}\n"
    done = program(
        "fmt", "-", input=text.encode(), text=False, environ={"PYTHONIOENCODING": "ascii"}
    )
    assert done == (0, text.encode(), b"")


def test_other_files_of_a_folder_are_left_as_they_are(call: Call, folder: Path) -> None:
    hidden = folder / ".github"
    hidden.mkdir()
    others = {hidden / "ci.yml": "on:   push\n", folder / "other.yaml": "data:\n    key:\n"}
    for path, text in others.items():
        path.write_text(text)
    (folder / "small.yaml").write_text(NEAT)
    assert call("fmt", ".") == (0, "./other.yaml: not a spec, left as it is\n", "")
    assert all(path.read_text() == text for path, text in others.items())


def test_no_file_beside_it_is_touched(call: Call, folder: Path) -> None:
    (folder / "loose.yaml").write_text(LOOSE)
    (folder / "precious").write_text("mine")
    (folder / ".loose.yaml.new").symlink_to("precious")
    assert call("fmt", "loose.yaml").code == 0
    assert (folder / "precious").read_text() == "mine"
    assert not (folder / "loose.yaml").is_symlink()
