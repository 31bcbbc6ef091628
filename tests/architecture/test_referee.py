"""The rooms of the referee: one order, and a sentence for each."""

from __future__ import annotations

import re

from tests.architecture.test_imports import MODULES, PACKAGE, imports

FLOORS = (
    {"verdict"},
    {"faults"},
    {"kinds"},
    {"causes", "probes"},
    {"sides"},
    {"bounds"},
    {"replay"},
    {"judging"},
    {"parts"},
    {"trajectory"},
    {"referee"},
    {"explaining", "check", "planted", "runs"},
    {"selftest"},
)
"""Each room, and each module beside them, imports of the referee what stands on floors above it
in this list alone."""

FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOMS = [room for rooms in FLOORS for room in rooms if (PACKAGE / "compare" / room).is_dir()]


def test_every_room_has_a_floor() -> None:
    found = {
        path.relative_to(PACKAGE / "compare").parts[0].removesuffix(".py")
        for path in MODULES
        if path.is_relative_to(PACKAGE / "compare")
    }
    assert found == {*FLOOR, "__init__"}


def test_rooms_import_one_way() -> None:
    wrong = [
        f"{'/'.join(place)}: compare/{place[1]} may not import {'.'.join(module)}"
        for place, module in imports()
        if place[0] == "compare"
        and place[1] != "__init__"
        and module[:2] == ("cnnspec", "compare")
        and (len(module) < 3 or place[1] != module[2])
        and FLOOR.get(module[2] if len(module) > 2 else "", len(FLOORS)) >= FLOOR[place[1]]
    ]
    assert not wrong, "\n".join(wrong)


def sentence(room: str) -> str:
    """Return the first sentence that a room says of itself."""
    text = (PACKAGE / "compare" / room / "__init__.py").read_text()
    found = re.match(r'"""(.+?\.)(\s|""")', text, re.DOTALL)
    assert found, f"compare/{room}/__init__.py begins with no sentence"
    return found[1].replace("\n", " ")


def test_the_guide_lists_every_room_with_its_own_sentence() -> None:
    guide = (PACKAGE.parent / "CONTRIBUTING.md").read_text()
    listed = dict(re.findall(r"^\| `(\w+)/` \| (.+?) \|$", guide, re.MULTILINE))
    assert {room: listed.get(room) for room in ROOMS} == {room: sentence(room) for room in ROOMS}
