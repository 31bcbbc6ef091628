"""The specs that come with cnnspec are found by name, in a clone and as installed."""

import tomllib
from pathlib import Path

import pytest

import cnnspec
from cnnspec import load_spec, shipped, shipped_specs

ROOT = Path(__file__).parents[1]


def test_every_file_of_specs_is_found_by_its_name() -> None:
    found = shipped_specs()
    assert {"digits", "lenet5", "notebook-scratch", "notebook-torch", "vgg-small"} <= set(found)
    assert sorted(found.values()) == sorted((ROOT / "specs").glob("*.yaml"))
    for name, path in found.items():
        assert load_spec(path).name == name


def test_as_installed_they_lie_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, cloned = tmp_path / "cnnspec" / "specs", tmp_path / "specs"
    monkeypatch.setattr(shipped, "FOLDERS", (installed, cloned))
    assert shipped_specs() == {}
    for folder in (cloned, installed):
        folder.mkdir(parents=True)
        (folder / "own.yaml").write_text("")
        assert shipped_specs() == {"own": folder / "own.yaml"}


def test_the_wheel_puts_them_where_they_are_looked_for() -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    target = tables["targets"]["wheel"]["force-include"]["specs"]
    package = Path(cnnspec.__file__).parent
    assert (package.parent / target, ROOT / "specs") == shipped.FOLDERS
