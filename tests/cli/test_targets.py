"""Specs by name, and what is said of a word that is no such thing."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnspec import shipped, shipped_specs
from cnnspec.training import Run

Call = Callable[..., Any]

KNOWN = ", ".join(shipped_specs())
DIGITS = shipped_specs()["digits"]
QUICK = ["--set", "training.epochs=1", "--set", "data.digits.train_samples=64"]

BY_NAME = {
    "build": (["build", "digits"], "digits: 1 x 8 x 8 -> 10 logits"),
    "validate": (["validate", "digits", "lenet5"], f"{DIGITS}: valid"),
    "train": (["train", "digits", *QUICK], "kept in runs/digits-1"),
    "compare": (
        ["compare", "digits", "--mode", "replay", "--set", "training.batch_size=2"],
        "numpy",
    ),
    "bench": (
        ["bench", "digits", "--backends", "numpy", "--batch", "1", "--seconds", "0.01"],
        "digits",
    ),
    "diff": (["diff", "digits", "lenet5"], "digits -> lenet5"),
}


TORCHS = {"compare"}


@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=[pytest.mark.torch] * (name in TORCHS)) for name in BY_NAME],
)
def test_a_name_is_a_spec_that_comes_with_cnnspec(call: Call, command: str) -> None:
    arguments, shown = BY_NAME[command]
    done = call(*arguments)
    assert done.code == (1 if command == "diff" else 0), done.err
    assert shown in done.out


def test_the_run_keeps_a_copy_of_it(call: Call, folder: Path) -> None:
    assert call("train", "digits", *QUICK).code == 0
    run = Run.open(folder / "runs" / "digits-1")
    assert run.path.joinpath("spec.yaml").read_bytes().endswith(DIGITS.read_bytes())
    assert run.spec().name == "digits"
    assert call("evaluate", "runs/digits-1").code == 0
    assert call("build", "runs/digits-1/resolved.yaml").code == 0


@pytest.mark.parametrize("name", ["digits", "./digits"])
def test_a_file_of_that_name_wins(call: Call, folder: Path, name: str) -> None:
    (folder / "digits").write_text((folder / "small.yaml").read_text())
    done = call("build", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("small: ")


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_file_whose_name_goes_on_is_told_apart(call: Call, folder: Path, suffix: str) -> None:
    (folder / f"digits{suffix}").write_text((folder / "small.yaml").read_text())
    done = call("build", "digits")
    assert done.err == (
        "cnnspec: `digits` is the spec that comes with cnnspec; for the file here, write "
        f"digits{suffix}\n"
    )
    assert done.out.startswith("digits: ")
    assert call("build", f"digits{suffix}").out.startswith("small: ")


MISSING = {
    "a slip": ("digts", f"did you mean `digits`? These specs come with cnnspec: {KNOWN}"),
    "a beginning": ("vgg", f"did you mean `vgg-small`? These specs come with cnnspec: {KNOWN}"),
    "capitals": ("LeNet5", f"did you mean `lenet5`? These specs come with cnnspec: {KNOWN}"),
    "nothing near": ("mobilenet", f"These specs come with cnnspec: {KNOWN}"),
    "several begin so": ("notebook", f"These specs come with cnnspec: {KNOWN}"),
    "as in a clone": ("specs/digits.yaml", "`digits` alone names the spec that comes with cnnspec"),
    "with a suffix": ("lenet5.yml", "`lenet5` alone names the spec that comes with cnnspec"),
    "without a suffix": ("small", "there is a file small.yaml"),
}


@pytest.mark.parametrize("command", ["build", "train", "compare", "bench", "validate"])
@pytest.mark.parametrize(("word", "help"), MISSING.values(), ids=MISSING)
def test_a_word_that_names_nothing(call: Call, command: str, word: str, help: str) -> None:
    done = call(command, word)
    assert done.code == 2
    found = " ".join(done.err.split())
    assert found == f"unreadable: cannot read {word}: No such file or directory help: {help}"


def test_a_file_elsewhere_gets_no_suggestion(call: Call) -> None:
    done = call("build", "nets/own.yaml")
    assert done.err == "unreadable: cannot read nets/own.yaml: No such file or directory\n"


@pytest.fixture
def trained(call: Call, folder: Path) -> Path:
    for name in ("small", "other"):
        sets = ["--set", f"name={name}", "--set", "training.epochs=1"]
        assert call("train", "small.yaml", *sets).code == 0
    return folder


RUN = "runs/small-1 is a run folder, and a spec is wanted. To test its weights: cnnspec evaluate "
PART = "is a part of a run folder"
PAIR = "wanted one spec, or two run folders as `cnnspec train` makes them; found "
MIXED_UP = {
    "train RUN": (
        "train runs/small-1",
        f"{RUN}runs/small-1; to take its spec: cnnspec train runs/small-1/resolved.yaml",
    ),
    "build RUN": (
        "build runs/small-1",
        f"{RUN}runs/small-1; to take its spec: cnnspec build runs/small-1/resolved.yaml",
    ),
    "bench RUN": ("bench runs/small-1", "cnnspec bench runs/small-1/resolved.yaml"),
    "diff RUN RUN": (
        "diff runs/small-1 runs/other-1",
        "to take its spec: name runs/small-1/resolved.yaml; to compare two run folders: "
        "cnnspec compare RUN RUN",
    ),
    "train WEIGHTS": ("train runs/small-1/weights.safetensors", PART),
    "build run.json": ("build runs/small-1/run.json", PART),
    "train RUNS": (
        "train runs",
        "runs is a folder of run folders (runs/other-1, runs/small-1), and a spec is wanted",
    ),
    "train FOLDER": ("train .", ". is a folder, and a spec is wanted, such as small.yaml"),
    "evaluate FILE": (
        "evaluate small.yaml",
        "small.yaml is a file, and a run folder is wanted, which `cnnspec train small.yaml` makes",
    ),
    "evaluate NAME": ("evaluate digits", "which `cnnspec train digits` makes"),
    "evaluate RUNS": (
        "evaluate runs",
        "runs is no run folder, but holds some: runs/other-1, runs/small-1",
    ),
    "evaluate its name": (
        "evaluate small-1",
        "there is no folder small-1; there is runs/small-1",
    ),
    "evaluate WEIGHTS": (
        "evaluate runs/small-1/weights.safetensors",
        "is a part of a run folder; name the folder: runs/small-1",
    ),
    "compare RUN": (
        "compare runs/small-1",
        f"{PAIR}runs/small-1 (a run folder). For its spec on two backends: cnnspec compare "
        "runs/small-1/resolved.yaml; to test its weights: cnnspec evaluate runs/small-1",
    ),
    "compare RUN SPEC": (
        "compare runs/small-1 small.yaml",
        f"{PAIR}runs/small-1 (a run folder), small.yaml (a file). For what changed from spec to "
        "spec: cnnspec diff runs/small-1/resolved.yaml small.yaml",
    ),
    "compare SPEC SPEC": (
        "compare small.yaml digits",
        f"{PAIR}small.yaml (a file), digits (a spec that comes with cnnspec). For what changed "
        "from spec to spec: cnnspec diff small.yaml digits",
    ),
    "compare FOLDER": ("compare .", ". is a folder, and a spec is wanted, such as small.yaml"),
    "compare too many": (
        "compare runs/small-1 runs/other-1 nosuch",
        f"{PAIR}runs/small-1 (a run folder), runs/other-1 (a run folder), nosuch (which does not "
        "exist)",
    ),
}


@pytest.mark.parametrize(("line", "message"), MIXED_UP.values(), ids=MIXED_UP)
def test_a_run_where_a_spec_is_wanted_and_the_reverse(
    call: Call, trained: Path, line: str, message: str
) -> None:
    done = call(*line.split())
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    said = done.err.split("Error: ")[1]
    for told in (part.split(";")[0].split() for part in said.split(": cnnspec ")[1:]):
        if told[0] in ("build", "train", "evaluate") or (told[0] == "diff" and len(told) == 3):
            assert call(*told).code in (0, 1), f"what is told must work: {told}"


def test_fmt_never_writes_one_by_its_name(call: Call, folder: Path) -> None:
    before = DIGITS.read_bytes()
    for more in ([], ["--check"]):
        done = call("fmt", "digits", *more)
        assert done.code == 2
        assert f"for one of your own, copy it: cp {DIGITS} digits.yaml" in done.err
    assert DIGITS.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_fmt_never_writes_the_installed_ones(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = folder / "lib" / "cnnspec" / "specs"
    installed.mkdir(parents=True)
    file = installed / "odd.yaml"
    file.write_text("input:   [1, 8, 8]\nlayers:   [flatten]\n")
    monkeypatch.setattr(shipped, "FOLDERS", (installed, installed))
    before = file.read_bytes()
    for given in (file, installed, folder / "lib"):
        done = call("fmt", given)
        assert (done.code, done.err) == (0, "")
        assert done.out.endswith("odd.yaml: comes with cnnspec, left as it is\n")
    assert file.read_bytes() == before


def test_fmt_writes_those_of_a_clone_whatever_its_folder_is_called(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned = folder / "cnnspec" / "specs"
    cloned.mkdir(parents=True)
    (cloned / "odd.yaml").write_text("input:   [1, 8, 8]\nlayers:   [flatten]\n")
    monkeypatch.setattr(shipped, "FOLDERS", (folder / "cnnspec" / "cnnspec" / "specs", cloned))
    assert call("fmt", cloned).out.endswith("odd.yaml: laid out anew\n")


COMPLETED = {
    "names": ("cnnspec build le", ["lenet5"]),
    "names beside files": ("cnnspec diff ", ["small.yaml", *shipped_specs()]),
    "several": ("cnnspec validate digits no", ["notebook-scratch", "notebook-torch"]),
    "no names for fmt": ("cnnspec fmt le", []),
    "layers of a name": (
        "cnnspec build lenet5 --set layers.conv1.out",
        ["layers.conv1.out_channels="],
    ),
}


@pytest.mark.parametrize(("line", "offered"), COMPLETED.values(), ids=COMPLETED)
def test_completion_offers_names(
    call: Call, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    monkeypatch.setenv("_CNNSPEC_COMPLETE", "bash_complete")
    done = call()
    assert (done.code, done.err) == (0, "")
    assert [entry.removeprefix("plain,") for entry in done.out.split()] == offered


INSTALLED = """
import sys
import cnnspec.shipped
from pathlib import Path
folder = Path(sys.argv.pop(1))
cnnspec.shipped.FOLDERS = (folder, folder)
from cnnspec.cli import main
main()
"""


def test_names_are_those_of_the_folder_that_is_installed(
    folder: Path, clean: dict[str, str]
) -> None:
    specs = folder / "package" / "specs"
    specs.mkdir(parents=True)
    (specs / "mine.yaml").write_text((folder / "small.yaml").read_text())
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED, str(specs), "validate", "mine", "--json"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["file"] == str(specs / "mine.yaml")
