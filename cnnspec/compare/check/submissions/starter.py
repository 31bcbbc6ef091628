"""A commented assignment to start from."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.compare.check.submissions.assignment import CHECKED

HEADER = """\
# Written by `cnnspec init`: what students hand in, and what it counts.
#
#   cnnspec check submissions/ --assignment {file}                 a table of all grades
#   cnnspec check submissions/ --assignment {file} --html grades   a page for each student

name: Layers by hand
# file: layers.py          # where students have folders: which files are read; else, all
# ignore: [template.py]    # what lies in the folder and is no submission

# class: a name, several ([Conv, Conv2D]) or a pattern (\"*Conv*\"); without, what people call it.
# like, map, arg, layout, require and strict say what they say to `cnnspec check`.
layers:
"""

POINTS = 10


def starter_assignment(kinds: Sequence[str], file: str) -> str:
    """Return the text of an assignment that asks for some kinds, to be written to a file."""
    rows = (
        f"  - {kind}: {{class: {CHECKED[kind].__name__}, points: {POINTS}}}\n" for kind in kinds
    )
    return "".join([HEADER.format(file=file), *rows])
