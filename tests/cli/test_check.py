"""`cnnspec check`: what it prints, and how it exits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cnnspec.cli.check import LAYOUTS
from cnnspec.cli.kinds import checked_kinds
from tests.cli.conftest import Call

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook_layers.py"


def test_kinds_and_layouts_are_those_there_are() -> None:
    from cnnspec.backends.plain import LAYOUTS as KNOWN_LAYOUTS
    from cnnspec.compare.check import KINDS as KNOWN_KINDS

    assert checked_kinds() == list(KNOWN_KINDS)
    assert tuple(KNOWN_LAYOUTS) == LAYOUTS


def test_wrong_is_1_and_reads_top_down(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = call("check", f"{NOTEBOOK}:Linear", "--as", "linear")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines == [line.rstrip() for line in lines], "no line ends in blanks"
    assert (
        lines[0]
        == "WRONG: notebook_layers.py:Linear as linear: 22 of 29 right, 3 not offered: bias"
    )
    assert lines[2:4] == [
        "scale: the weight gradient is wrong",
        " --> plain; as many out as in; one output; one feature",
    ]
    assert (
        " = why: every number is 0.142857 times the expected one (1/7 = 1/batch_size): it" in lines
    )
    assert "help: look for a factor too many, or one that is left out" in lines
    assert "note: updates at once by `learning_rate`" in lines
    assert "right: forward (4 settings)" in lines
    assert max(map(len, lines)) <= 80


def test_right_is_0(call: Call) -> None:
    done = call("check", f"{NOTEBOOK}:ReLU", "--as", "relu")
    assert done.code == 0
    assert done.out.startswith("RIGHT: notebook_layers.py:ReLU as relu: 18 of 18 right\n")


def test_what_was_not_tried_is_1_where_that_is_asked_for(call: Call) -> None:
    like = ("--like", "{out_channels: 2, kernel_size: 2}")
    done = call("check", f"{NOTEBOOK}:Conv2D", "--as", "conv", *like)
    assert done.code == 0
    first, second, *_ = done.out.splitlines()
    assert first.startswith("RIGHT AS FAR AS TRIED: notebook_layers.py:Conv2D as conv: 9 of 9")
    assert second.startswith("not tried: ")
    assert call("check", f"{NOTEBOOK}:Conv2D", "--as", "conv", *like, "--strict").code == 1


def test_arguments_are_read_as_a_spec_is(call: Call, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    given = ("--arg", "rate=1e-3", "--arg", "name=", "--arg", "sizes=[1, no]", "--arg", "on=true")
    done = call("check", f"{tmp_path}/own.py:ReLU", "--as", "relu", *given)
    assert done.code == 0
    assert done.out.startswith("RIGHT: own.py:ReLU as relu")


OWN = """
import numpy as np

class ReLU:
    def __init__(self, rate, name, sizes, on):
        assert (rate, name, sizes, on) == (0.001, None, [1, "no"], True)
    def forward(self, x):
        self.on = x > 0
        return np.where(self.on, x, 0)
    def backward(self, grad):
        return np.where(self.on, grad, 0)
"""


def test_json(call: Call) -> None:
    done = call("check", f"{NOTEBOOK}:MaxPool2DTies", "--as", "pool", "--json")
    document: Any = json.loads(done.out)
    assert (done.code, document["schema"], document["version"]) == (1, "cnnspec/check", 1)
    assert document["candidate"] == "notebook_layers.py:MaxPool2DTies"
    assert document["grade"] == {"passed": 17, "not_offered": 30, "total": 56}
    (first, *_) = (finding for finding in document["findings"] if not finding["ok"])
    assert (first["setting"], first["quantity"]) == ("side by side", "grad_input")
    assert first["cause"]["code"] == "ties-to-all"
    assert first["max_abs"] > first["budget"]


LARGE = "{{out_channels: 3, kernel_size: 1000000000}}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Conv2D", "--as", "conv"], "wanted FILE.py:CLASS, found `Conv2D`"),
        (["{file}:Conv2D", "--as", "dense"], "'dense' is not one of"),
        (["{file}:Conv2D", "--as", "conv", "--map", "W"], "--map wants NAME=ITS"),
        (["{file}:Conv2D", "--as", "conv", "--map", "foo=W"], "nothing called foo that could be"),
        (["{file}:Conv2D", "--as", "conv", "--arg", "W"], "--arg wants NAME=VALUE"),
        (["{file}:Conv2D", "--as", "conv", "--arg", "a=[1"], "--arg a:"),
        (["{file}:Conv2D", "--as", "conv", "--like", "{{out_channel: 3}}"], "unknown-option"),
        (["{file}:Conv2D", "--as", "conv", "--like", "{{"], "--like:"),
        (["{file}:Conv2D", "--as", "conv", "--like", LARGE], "make its options smaller"),
        (["{file}:Conv2D", "--as", "conv", "--require", "pading"], "--require pading: a conv has"),
        (["{file}:", "--as", "conv"], "without a class"),
        (["no.py:Conv2D", "--as", "conv"], "there is no file `no.py`"),
        (["{file}:Conv2D", "--as", "cross_entropy", "--like", "{{a: 1}}"], "--like of a loss is"),
    ],
)
def test_bad_usage_is_2(arguments: list[str], message: str, call: Call) -> None:
    done = call("check", *(argument.format(file=NOTEBOOK) for argument in arguments))
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


LIKE = {
    "{out_channels: 4, kernel_size: 3, groups: 3}": (
        "groups: `conv`: `out_channels` (= 4) must be divisible by `groups` (= 3)\n"
        " --> --like:1:43\n"
        "  |\n"
        "1 | {out_channels: 4, kernel_size: 3, groups: 3}\n"
        "  |                                           ^\n"
        "help: 1, 2, 4 would do\n"
    ),
    "{out_channels: 2, kernel_sise: 3}": (
        "unknown-option: `conv1` has no option `kernel_sise`\n"
        " --> --like:1:19\n"
        "  |\n"
        "1 | {out_channels: 2, kernel_sise: 3}\n"
        "  |                   ^^^^^^^^^^^\n"
        "help: did you mean `kernel_size`?\n"
    ),
    "{out_channels: 2, kernel_size: 3}\n  - flatten": (
        "syntax: the file goes on after its end\n"
        " --> --like:2:3\n"
        "  |\n"
        "2 |   - flatten\n"
        "  |   ^\n"
        "help: indent it like its neighbours; what belongs to a key stands deeper than the key\n"
    ),
}


@pytest.mark.parametrize("like", LIKE)
def test_what_is_wrong_with_options_is_shown_in_them_alone(like: str, call: Call) -> None:
    done = call("check", f"{NOTEBOOK}:Conv2D", "--as", "conv", "--like", like)
    assert (done.code, done.out, done.err) == (2, "", LIKE[like])


BROKEN = {
    "syntax": ("class ReLU(", "SyntaxError"),
    "import": ("import no_such_thing_at_all", "ModuleNotFoundError"),
    "no class": ("class Relu: pass", "there is no `ReLU` in it; it has Relu"),
    "exit": ("raise SystemExit(0)", "calls sys.exit(0)"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_code_that_cannot_be_loaded_is_2_and_a_document(
    what: str, call: Call, tmp_path: Path
) -> None:
    text, words = BROKEN[what]
    path = tmp_path / "mine.py"
    path.write_text(text)
    done = call("check", f"{path}:ReLU", "--as", "relu", "--json")
    document: Any = json.loads(done.out)
    assert (done.code, done.err) == (2, "")
    assert document["loaded"] is False
    assert words in document["error"]
    assert (document["verdict"], document["grade"]) == (None, None)
    shown = call("check", f"{path}:ReLU", "--as", "relu")
    assert shown.code == 2
    assert shown.out.startswith("NOT GRADED: mine.py:ReLU as relu\n")
    assert words in " ".join(shown.out.split())


def test_a_class_for_no_setting_is_2_and_a_document(call: Call) -> None:
    uneven = ("--like", "{out_channels: 3, kernel_size: 2, padding: same}")
    done = call("check", f"{NOTEBOOK}:Conv2D", "--as", "conv", *uneven, "--json")
    document: Any = json.loads(done.out)
    assert (done.code, done.err) == (2, "")
    assert document["loaded"] is True
    assert document["error"].startswith("is made for no setting of `conv`: `padding: same`")
    assert document["grade"] is None
    shown = call("check", f"{NOTEBOOK}:Conv2D", "--as", "conv", *uneven)
    assert shown.code == 2
    assert "is made for no setting of `conv`" in shown.out
    assert "not offered: `padding: same`" in shown.out


WANTS_MORE = {
    "a name that is not there": (("Linear", "linear", "--map", "weight=V"), "no array `V`"),
    "a parameter that is not there": (("ReLU", "conv"), "takes no `out_channels`"),
    "an argument that is not there": (("ReLU", "relu", "--arg", "a=1"), "takes no `a`"),
}


@pytest.mark.parametrize("what", WANTS_MORE)
def test_what_must_be_said_is_2_and_a_document(what: str, call: Call) -> None:
    (name, kind, *more), words = WANTS_MORE[what]
    done = call("check", f"{NOTEBOOK}:{name}", "--as", kind, *more, "--json")
    document: Any = json.loads(done.out)
    assert done.code == 2
    assert words in document["error"]
    assert document["loaded"] is True
    assert document["grade"] is None
    shown = call("check", f"{NOTEBOOK}:{name}", "--as", kind, *more)
    assert (shown.code, shown.err) == (2, "")
    assert words in " ".join(shown.out.split())


def test_what_was_printed_is_cut_and_harmless(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("""
class ReLU:
    def forward(self, x):
        for n in range(20):
            print(n, chr(27) + "[31m", chr(7), "y" * 300)
        raise ValueError(chr(27) + "[2J")
    def backward(self, grad):
        pass
""")
    done = call("check", f"{path}:ReLU", "--as", "relu")
    assert done.code == 1
    assert "ValueError: \\x1b[2J (line 6)" in done.out
    assert not {chr(27), chr(7)} & set(done.out)
    assert "\n\nit printed (the last " in done.out
    lines = done.out.partition("it printed")[2].splitlines()[1:]
    assert sum("x1b" in line for line in lines) <= 10
    assert lines[-1].endswith(" ...")


def test_one_missing_option_is_said_once(call: Call, tmp_path: Path) -> None:
    text = NOTEBOOK.read_text().replace("stride=1, padding=0", "stride=1")
    path = tmp_path / "mine.py"
    path.write_text(text.replace("stride, padding\n", "stride, 0\n"))
    done = call("check", f"{path}:Conv2D", "--as", "conv")
    assert done.code == 0
    text = " ".join(done.out.split())
    assert "not offered: Conv2D takes no `padding`; Conv2D takes no `bias`" in text
    assert done.out.count("\nnot offered:") == 1


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from cnnspec.cli import main
sys.argv = ["cnnspec", "check", sys.argv[1] + ":Linear", "--as", "linear"]
main()
"""


def test_it_works_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(NOTEBOOK)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "22 of 29 right" in done.stdout
