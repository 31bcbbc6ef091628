"""What the README shows is what happens."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec import SpecError, load_spec, parse_spec, resolve
from cnnspec.cli import COMMANDS
from cnnspec.cli.init import DATA, TEMPLATES
from cnnspec.report.graph import plan_svg
from cnnspec.spec.translate import options_at

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_spec_is_valid() -> None:
    (text,) = blocks("yaml")
    assert resolve(parse_spec(text)).classes == 10


def test_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "same\n"


MISTAKES = """\
input: [1, 28, 28]
layers:
  - conv: {out_channels: 8, kernel_size: 5}
  - relu
  - pool: {kernel_size: 2}
  - conv: {out_channels: 16, kernel_size: 13}
  - flatten
  - linear: {out_features: 64, use_bias: false}
  - relu
  - linear: {out_features: 9}
data: mnist
"""


def test_mistakes_are_shown_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"    \$ cnnspec validate net.yaml\n((?:    .*\n|\n)+)", README)
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(MISTAKES)
    with pytest.raises(SpecError) as caught:
        load_spec("net.yaml")
    expected = f"{caught.value}\n\nnet.yaml: not valid: 3 problems"
    assert re.sub("^    ", "", shown, flags=re.MULTILINE).strip("\n") == expected


def test_every_command_and_template_is_named() -> None:
    table = README.split("| | |\n|---|---|\n")[1].split("\n\n")[0]
    assert re.findall(r"^\| `cnnspec ([a-z]+)", table, flags=re.MULTILINE) == list(COMMANDS)
    init = table.splitlines()[0]
    assert {*TEMPLATES, *DATA} <= set(re.findall(r"`([a-z_0-9]+)`", init))


def test_the_picture_is_what_is_drawn() -> None:
    plan = resolve(load_spec(ROOT / "specs" / "lenet5.yaml"))
    assert (ROOT / "docs" / "lenet5.svg").read_text() == plan_svg(plan), (
        "renew it: cnnspec build specs/lenet5.yaml --graph docs/lenet5.svg"
    )


def test_options_are_those_of_the_spec() -> None:
    section = README.split("| section | kinds and options |")[1].split("\n\n")[0]
    named = set(re.findall(r"[a-z_]+", section))
    for path in [
        ("layers", 0, "conv"),
        ("layers", 0, "pool"),
        ("layers", 0, "linear"),
        ("layers", 0, "batch_norm"),
        ("training",),
        ("training", "optimizer", "sgd"),
        ("training", "optimizer", "adam"),
        ("data", "npz"),
        ("initialization", "normal"),
        ("limits",),
    ]:
        asserted = {"in_channels", "in_features", "num_features"}
        assert set(options_at(path)) - asserted <= named, path


def test_pictures_and_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"`((?:specs|examples|cnnspec|docs)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path


def checks() -> list[tuple[str, str]]:
    """Return each check that is shown, and what it prints."""
    found = []
    for part in README.split("    $ cnnspec check ")[1:]:
        command, _, after = part.partition(" | grep -v right:\n")
        shown = itertools.takewhile(lambda line: not line or line[:4] == "    ", after.splitlines())
        found.append((command, "\n".join(line[4:] for line in shown).strip()))
    return found


CHECKS = checks()


def test_all_notebook_faults_are_shown() -> None:
    assert len(CHECKS) == 4


@pytest.mark.parametrize(("command", "shown"), CHECKS, ids=lambda text: text.split(":")[-1][:12])
def test_checks_are_shown_as_they_are(command: str, shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", "check", *command.split()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "90"},
    )
    lines = [line.rstrip() for line in done.stdout.splitlines() if "right:" not in line]
    assert shown == "\n".join(lines).strip()
