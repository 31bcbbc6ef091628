"""What is public for other people's tests stands on a page."""

import re
from pathlib import Path

import cnnspec.numerics
from cnnspec.numerics import Ball

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "test-without-a-tolerance.md"
NAMED = set(re.findall(r"\w+", PAGE.read_text().partition("## What there is")[2]))


def test_the_page_has_every_public_name() -> None:
    assert set(cnnspec.numerics.__all__) - NAMED == set()


def test_the_page_has_every_function_of_a_ball() -> None:
    inner = {"at_least", "moved", "reshape", "within"}  # for who writes bounds, not tests
    functions = {name for name, part in vars(Ball).items() if callable(part) and name[0] != "_"}
    assert functions - inner - NAMED == set()
