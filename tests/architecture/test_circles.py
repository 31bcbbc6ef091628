"""No module imports itself by way of others.

Counted are imports at the top of a module, inside functions, and for type checkers alone; and
modules that are imported by a name in a string. The packages that a module lies in are not
counted: Python runs their `__init__.py` first, whatever is imported of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Arrows = Mapping[str, set[str]]
"""What each module imports."""

EXCEPTED = {
    (f"cnnspec.spec.composites.{block}", "cnnspec.spec.composites"): (
        "for type checkers alone: blocks hold entries, and an entry may be a block"
    )
    for block in ("parallel", "repeat", "residual")
}
"""Arrows that close a circle, and why they may."""


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {dotted(path): path.read_text() for path in sorted((ROOT / "cnnspec").rglob("*.py"))}


def imported(module: str, sources: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(sources[module])):
        match node:
            case ast.Import(names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(package, names):
                whole = [f"{package}.{alias.name}" for alias in names]
                found = [name if name in sources else package or "" for name in whole]
            case ast.Constant(str(text)) if "." in text:  # what `importlib` is given
                found = [text]
            case _:
                continue
        yield from (name for name in found if name in sources and name != module)


def arrows_of(sources: Mapping[str, str]) -> Arrows:
    return {module: set(imported(module, sources)) for module in sources}


def beyond(start: str, arrows: Arrows) -> set[str]:
    """Return all that a module imports, by way of others too."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = arrows[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def circles(arrows: Arrows) -> list[str]:
    """Return each circle as the arrows in it, a line each."""
    reached = {module: beyond(module, arrows) for module in arrows}
    rings = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in arrows
    }
    return sorted(
        "\n".join(
            f"{module} -> {other}"
            for module in sorted(ring)
            for other in sorted(arrows[module] & ring)
        )
        for ring in rings
        if ring
    )


@pytest.fixture(scope="module")
def arrows() -> Arrows:
    """Return the arrows of all modules: to read them takes a second."""
    return arrows_of(SOURCES)


@pytest.fixture(scope="module")
def all_circles(arrows: Arrows) -> list[str]:
    return circles(arrows)


def test_no_module_imports_itself_by_way_of_others(arrows: Arrows) -> None:
    arrows = {module: {*others} for module, others in arrows.items()}
    for module, other in EXCEPTED:
        arrows[module].discard(other)
    found = circles(arrows)
    assert not found, "put what they share where it belongs:\n\n" + "\n\n".join(found)


@pytest.mark.parametrize("arrow", EXCEPTED, ids="{0[0]}".format)
def test_what_is_excepted_closes_a_circle(arrow: tuple[str, str], all_circles: list[str]) -> None:
    """So that the list above can only shrink."""
    assert any("{} -> {}".format(*arrow) in circle.splitlines() for circle in all_circles)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("import p.b", "import p.a"),
        ("from p import b", "from p.a import f"),
        ("def f():\n    from p.b import g", "import p.a"),
        ("if TYPE_CHECKING:\n    from p.b import G", "from p.a import f"),
        ("HOME = {'g': 'p.b'}", "from p.a import f"),
    ],
)
def test_what_a_circle_is(a: str, b: str) -> None:
    sources = {"p": "from p.a import f", "p.a": a, "p.b": b, "p.c": "import p.a, p.b"}
    assert circles(arrows_of(sources)) == ["p.a -> p.b\np.b -> p.a"]


def test_each_circle_is_named_with_its_arrows() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(arrows) == ["a -> b\nb -> c\nc -> a", "d -> e\ne -> d"]
