"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

from cnnspec import SpecError, load_spec, parse_spec, resolve
from cnnspec.spec.load import _options

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


def test_error_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"    \$ cnnspec build net.yaml\n((?:    .*\n)+)", README)
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(
        "input: [1, 8, 8]\nlayers:\n  - conv: {out_channels: 8, kernal_size: 3}\n  - flatten\n"
    )
    with pytest.raises(SpecError) as caught:
        load_spec("net.yaml")
    assert str(caught.value) == re.sub("^    ", "", shown, flags=re.MULTILINE).rstrip()


def test_options_are_those_of_the_spec() -> None:
    section = README.split("| section | kinds and options |")[1].split("\n\n")[0]
    named = set(re.findall(r"[a-z_]+", section))
    for path in [
        ("layers", 0, "conv"),
        ("layers", 0, "pool"),
        ("layers", 0, "linear"),
        ("training",),
        ("training", "optimizer", "sgd"),
        ("training", "optimizer", "adam"),
        ("data", "npz"),
        ("initialization", "normal"),
    ]:
        asserted = {"in_channels", "in_features"}
        assert set(_options(path)) - asserted <= named, path


def test_pictures_and_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"`((?:specs|examples|cnnspec|docs)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path
