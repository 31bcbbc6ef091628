"""Short commands end before Python looks for cycles of objects; the others have it looked for."""

import gc
from collections.abc import Iterator

import pytest

from cnnspec.cli.group import COMMANDS
from cnnspec.cli.memory import SHORT, collect_for

LONG = {"train", "evaluate", "compare", "check", "selftest", "bench"}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_each_command_is_short_or_long() -> None:
    assert {*COMMANDS} - SHORT == LONG
    assert SHORT - {*COMMANDS} == {"--help", "-h"}


@pytest.mark.parametrize("arguments", [[], ["build", "digits"], ["--help"]])
def test_a_short_command_looks_for_none(arguments: list[str]) -> None:
    collect_for(arguments)
    assert not gc.isenabled()


@pytest.mark.parametrize("arguments", [["train", "digits"], ["compare", "--help"], ["unknown"]])
def test_any_other_does(arguments: list[str]) -> None:
    collect_for(arguments)
    assert gc.isenabled()
