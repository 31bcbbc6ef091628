"""What shells complete: by the protocol of click, and in a real bash."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]

BLOCKS = """
input: [1, 8, 8]
layers: [repeat: {times: 2, layers: [parallel: {name: mix, paths: [[], [relu], 3]}]}]
"""


@pytest.fixture
def complete(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[str]]:
    (folder / "specs" / "deep").mkdir(parents=True)
    (folder / "specs" / "net.yaml").write_text("input: [1, 8, 8]\nlayers: [conv, {relu: }]\n")
    (folder / "blocks.yaml").write_text(BLOCKS)
    (folder / "notes.txt").write_text("")
    (folder / "own.npz").write_text("")

    def run(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_CNNSPEC_COMPLETE", "bash_complete")
        done = call()
        assert (done.code, done.err) == (0, "")
        return [entry.removeprefix("plain,") for entry in done.out.split()]

    return run


CASES = {
    "commands": ("cnnspec va", ["validate"]),
    "options": ("cnnspec build --gr", ["--graph"]),
    "files and folders": ("cnnspec build s", ["small.yaml", "specs/"]),
    "into a single folder": ("cnnspec validate sp", ["specs/deep/", "specs/net.yaml"]),
    "an empty folder": ("cnnspec validate specs/d", ["specs/deep/."]),
    "no folder": ("cnnspec validate nowhere/x", []),
    "sections": ("cnnspec train specs/net.yaml --set training.ep", ["training.epochs="]),
    "kinds": (
        "cnnspec train specs/net.yaml --set training.optimizer.sgd.",
        [
            f"training.optimizer.sgd.{option}="
            for option in ("learning_rate", "momentum", "nesterov", "weight_decay")
        ],
    ),
    "layers of the spec": ("cnnspec build specs/net.yaml --set layers.re", ["layers.relu1.name="]),
    "layers in blocks": (
        "cnnspec build blocks.yaml --set layers.repeat1.",
        [
            *(f"layers.repeat1.{option}=" for option in ("name", "times", "layers")),
            *(f"layers.repeat1.layers.mix.{option}=" for option in ("name", "merge", "paths")),
            "layers.repeat1.layers.mix.paths.1.relu1.name=",
        ],
    ),
    "layers of no spec": ("cnnspec build nowhere.yaml --set layers.", []),
    "values": ("cnnspec build specs/net.yaml --set training.epochs=1", []),
    "backends": ("cnnspec build specs/net.yaml --backend n", ["numpy"]),
    "two backends": ("cnnspec compare specs/net.yaml --backends loops,t", ["loops,torch"]),
    "data": ("cnnspec init --data m", ["mnist"]),
    "data of one's own": ("cnnspec init --data o", ["own.npz"]),
    "templates": ("cnnspec init --template l", ["lenet5"]),
}


@pytest.mark.parametrize(("line", "offered"), CASES.values(), ids=CASES)
def test_what_is_offered(
    complete: Callable[[str], list[str]], line: str, offered: list[str]
) -> None:
    assert complete(line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(call: Call, shell: str) -> None:
    done = call("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_CNNSPEC_COMPLETE={shell}_complete" in done.out
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done.out, capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_in_a_real_bash(script: Path, folder: Path, clean: dict[str, str]) -> None:
    code = """
        eval "$(cnnspec completion bash)"
        COMP_WORDS=(cnnspec build sm); COMP_CWORD=2
        _cnnspec_completion cnnspec
        echo "${COMPREPLY[@]}"
    """
    path = f"{script.parent}:{clean['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", code],
        capture_output=True,
        text=True,
        env=clean | {"PATH": path},
        cwd=folder,
    )
    assert (done.stdout, done.stderr) == ("small.yaml\n", "")
