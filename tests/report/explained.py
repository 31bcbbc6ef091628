"""Documents against the tables of docs/reference/ that explain their keys."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs" / "reference"
SIDES = {"numpy", "faulty"}


def paths(value: Any, repeated: Collection[str] = (), path: str = "") -> Iterator[str]:
    """Yield every path of a document; keys that are data stand in braces.

    What is below a path in `repeated` is explained elsewhere.
    """
    if path in repeated:
        return
    if isinstance(value, dict):
        if value.keys() & SIDES and path != "environment":
            value = {"{side}": next(iter(value.values()))}
        elif path.endswith("coverage") and value:
            value = {"{group}": next(iter(value.values()))}
        elif path == "distances" and value:
            value = {"{parameter}": next(iter(value.values()))}
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            yield inner
            yield from paths(item, repeated, inner)
    elif isinstance(value, list):
        yield f"{path}[]"
        for item in value:
            yield from paths(item, repeated, f"{path}[]")


def explained(name: str) -> set[str]:
    """Return the paths that the tables of a page explain."""
    lines = (DOCS / name).read_text().splitlines()
    table = "\n".join(line for line in lines if line.startswith("| `"))
    return {
        path
        for cell in re.findall(r"^\| (.*?) \|", table, flags=re.MULTILINE)
        for path in re.findall(r"`([^`]+)`", cell)
    }


def hold(found: set[str], page: str) -> None:
    """Hold the paths of documents against a page: it explains every one, and no other."""
    told = explained(page)
    # A container is explained by what it holds.
    held = {path for path in found if any(o.startswith(path) and o != path for o in told)}
    assert found - told - held == set()
    assert told - found == set(), told - found
