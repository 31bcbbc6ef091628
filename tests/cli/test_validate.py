"""cnnspec validate: files, folders, stdin; text and JSON; exit codes."""

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Call = Callable[..., Any]

WRONG = "input: [1, 8, 8]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 9}\n  - flaten\n"
ODD = "input: [1, 8, 8]\nlayers: [flatten]\n"
ODD_SHOWN = """\
no-parameters (warning): no layer has parameters: there is nothing to train
 --> odd.yaml:2:1
  |
2 | layers: [flatten]
  | ^^^^^^
help: add a `conv` or a `linear`

"""


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "wrong.yaml").write_text(WRONG)
    (folder / "odd.yaml").write_text(ODD)
    (folder / "more" / "inner").mkdir(parents=True)
    (folder / "more" / "b.yml").write_text(ODD)
    (folder / "more" / "inner" / "a.yaml").write_text(ODD)
    (folder / "more" / "notes.txt").write_text("no spec")
    return folder


def test_a_valid_file(call: Call) -> None:
    assert call("validate", "small.yaml") == (0, "small.yaml: valid\n", "")


def test_a_warning_is_no_error(call: Call, files: Path) -> None:
    assert call("validate", "odd.yaml") == (0, "odd.yaml: valid: 1 warning\n", ODD_SHOWN)


def test_every_file_is_checked_and_all_problems_are_shown(call: Call, files: Path) -> None:
    done = call("validate", "wrong.yaml", "missing.yaml", "small.yaml")
    assert done.code == 2
    assert done.out == (
        "wrong.yaml: not valid: 2 problems\n"
        "missing.yaml: not valid: 1 problem\n"
        "small.yaml: valid\n"
        "3 files: 1 valid, 2 not\n"
    )
    codes = [line.split(":")[0] for line in done.err.splitlines() if line[:1].isalpha()]
    assert codes == ["kernel-too-large", "help", "unknown-kind", "help", "unreadable"]


def test_quiet(call: Call, files: Path) -> None:
    assert call("validate", "--quiet", "small.yaml", "odd.yaml") == (0, "", ODD_SHOWN)


def test_folders_are_searched_and_files_named_once(call: Call, files: Path) -> None:
    done = call("validate", "more", "more/b.yml", "--quiet")
    assert done.code == 0
    done = call("validate", "more", "more/b.yml", "./more")
    named = [line.split(":")[0] for line in done.out.splitlines()[:-1]]
    assert named == ["more/b.yml", "more/inner/a.yaml", "./more/b.yml", "./more/inner/a.yaml"]


def test_a_folder_without_specs(call: Call, files: Path) -> None:
    (files / "empty").mkdir()
    said = "unreadable: there is no .yaml or .yml file in the folder empty\n\n"
    assert call("validate", "empty") == (2, "empty: not valid: 1 problem\n", said)
    assert call("validate", "empty", "small.yaml").out.splitlines()[1] == "small.yaml: valid"
    document = json.loads(call("validate", "--json", "small.yaml", "empty").out)
    assert [file["valid"] for file in document["files"]] == [True, False]


def test_stdin(program: Call) -> None:
    assert program("validate", "-", input="input: [1, 8, 8]\nlayers: [flaten, 3]\n") == (
        2,
        "<stdin>: not valid: 2 problems\n",
        "unknown-kind: there is no kind of layer called `flaten`\n"
        " --> <stdin>:2:10\n"
        "  |\n"
        "2 | layers: [flaten, 3]\n"
        "  |          ^^^^^^\n"
        "help: did you mean `flatten`?\n\n"
        "no-kind: a layer is a word or a mapping with one key; found `3`\n"
        " --> <stdin>:2:18\n"
        "  |\n"
        "2 | layers: [flaten, 3]\n"
        "  |                  ^\n\n",
    )


def test_endless_input_is_refused(program: Call) -> None:
    done = program("validate", "/dev/zero")
    assert done.code == 2
    assert done.err.startswith(
        "unreadable: cannot read /dev/zero: it is a device, not a regular file\nhelp: write `-`"
    )
    piped = program("validate", "-", input="#" * 300_000)
    assert (piped.code, piped.err.split(":")[0]) == (2, "too-large")


def test_overrides(call: Call) -> None:
    done = call("validate", "small.yaml", "--set", "training.epochs=0")
    assert (done.code, done.out) == (2, "small.yaml: not valid: 1 problem\n")
    assert " --> --set:1:17\n" in done.err


def test_document(call: Call, files: Path) -> None:
    done = call("validate", "wrong.yaml", "odd.yaml", "missing.yaml", "--json")
    assert (done.code, done.err) == (2, "")
    document = json.loads(done.out)
    assert (document["schema"], document["version"]) == ("cnnspec/validate", 1)
    wrong, odd, missing = document["files"]
    assert (wrong["file"], wrong["valid"]) == ("wrong.yaml", False)
    assert wrong["diagnostics"][0] == {
        "code": "kernel-too-large",
        "severity": "error",
        "source": "wrong.yaml",
        "line": 3,
        "column": 42,
        "end_column": 43,
        "path": "layers[0].conv.kernel_size",
        "message": "conv1: the kernel's height (9) is larger than the padded input",
        "notes": [
            "output height and width: (8 + 2*0 - 9)//1 + 1 = 0",
            "shapes: input 1 x 8 x 8 -> conv1",
        ],
        "help": "a kernel of at most 8 fits, or a padding of at least 1",
    }
    assert [found["code"] for found in wrong["diagnostics"]] == ["kernel-too-large", "unknown-kind"]
    assert (odd["valid"], [found["severity"] for found in odd["diagnostics"]]) == (
        True,
        ["warning"],
    )
    assert (missing["valid"], missing["diagnostics"][0]["line"]) == (False, None)


def test_no_framework_is_imported(program: Call, files: Path, clean: dict[str, str]) -> None:
    done = program("validate", "small.yaml", "wrong.yaml", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.code == 2
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.err.splitlines()}
    assert "pydantic" in imported
    assert not imported & {"numpy", "torch", "safetensors"}


def in_terminal(script: Path, environ: dict[str, str], *arguments: str) -> str:
    """Run the program on a terminal of its own, and return what it writes there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(script), *arguments], stdout=theirs, stderr=theirs, stdin=theirs, env=environ
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end has closed
            break
        if not part:
            break
        seen += part
    process.wait(timeout=60)
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def test_colours_and_wrapping_are_for_terminals_alone(
    files: Path, script: Path, clean: dict[str, str]
) -> None:
    on_terminal = {**clean, "TERM": "xterm-256color", "COLUMNS": "50"}
    coloured = in_terminal(script, on_terminal, "validate", "wrong.yaml")
    assert "\x1b[1;31mkernel-too-large\x1b[0m" in coloured
    assert max(len(line) for line in coloured.splitlines() if "\x1b" not in line) <= 50
    plain = in_terminal(script, {**on_terminal, "NO_COLOR": "1"}, "validate", "wrong.yaml")
    assert "kernel-too-large: conv1: the kernel's height (9)\n  is larger" in plain
    assert "\x1b" not in plain


def test_the_file_of_the_data_is_opened(call: Call, folder: Path) -> None:
    images = (np.arange(40 * 64) % 256).reshape(40, 8, 8)
    options = ("--set", "data={npz: {path: mine.npz}}")
    done = call("validate", "small.yaml", *options)
    assert (done.code, done.out) == (0, "small.yaml: valid: 1 warning\n")
    assert done.err.startswith("missing-data (warning): there is no file ")
    np.savez("mine.npz", images=images.astype(np.uint8), labels=np.arange(40) % 11)
    done = call("validate", "small.yaml", *options)
    assert done.code == 2
    assert done.err.startswith("too-few-logits: the data `npz` has 11 classes, but the network")
    np.savez("mine.npz", images=images.astype(np.uint8), labels=np.arange(40) % 10)
    done = call("validate", "small.yaml", *options)
    assert (done.code, done.out, done.err) == (0, "small.yaml: valid\n", "")
    assert call("train", "small.yaml", *options).code == 0
