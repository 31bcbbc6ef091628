"""`--explain`: two numbers beside each other, by what they are."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from cnnspec.compare.explaining.explained import Explained
from cnnspec.report.explained import explained_parts
from tests.report.test_verdict import GOOD


@pytest.mark.parametrize(
    ("sides", "names"),
    [(("numpy", "Mine"), ["numpy", "Mine"]), (("Mine",), ["found", "wanted"])],
)
def test_of_two_sides_none_is_called_the_one_that_is_wanted(
    sides: tuple[str, ...], names: list[str]
) -> None:
    found = dataclasses.replace(GOOD, sides=sides, found=0.0, wanted=-1.5)
    out = io.StringIO()
    Console(file=out, width=80).print(*explained_parts(Explained(found, (), "a bound")), sep="\n")
    rows = [line.split()[:2] for line in out.getvalue().splitlines()[1:3]]
    assert rows == [[names[0], "0"], [names[1], "-1.5"]]
    assert ("wanted" in out.getvalue()) == (len(sides) == 1)
