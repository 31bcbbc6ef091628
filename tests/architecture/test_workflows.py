"""What a forge runs is what runs here, on the Pythons that the package says it is for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
JOBS: dict[str, Any] = yaml.safe_load(
    (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
)["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


@pytest.mark.parametrize("job", sorted(JOBS.keys() - {"docs"}))
def test_each_job_runs_on_each_python_of_the_package(job: str) -> None:
    language = "Programming Language :: Python :: "
    classifiers = PROJECT["project"]["classifiers"]
    wanted = [one.removeprefix(language) for one in classifiers if one.startswith(language)]
    assert JOBS[job]["strategy"]["matrix"]["python"] == wanted == ["3.11", "3.12", "3.13"]
    assert PROJECT["project"]["requires-python"] == f">={wanted[0]}"
    (setup,) = (step for step in JOBS[job]["steps"] if "setup-python" in step.get("uses", ""))
    assert setup["with"]["python-version"] == "${{ matrix.python }}"


def test_the_site_is_built() -> None:
    assert commands("docs") == ["make docs"]


def test_everything_is_what_a_clone_runs() -> None:
    assert commands("everything") == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()


def test_without_torch_all_else_is_run() -> None:
    install, run = commands("without-torch")
    assert "torch" not in install.replace("constraints.txt", "")
    assert not any(
        "torch" in needed for needed in PROJECT["project"]["optional-dependencies"]["dev"]
    )
    assert run.endswith("-m 'not slow and not torch'")
