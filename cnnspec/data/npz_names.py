"""What the arrays of an .npz file are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnspec.data.archive import Archive, quoted
from cnnspec.errors import DataError
from cnnspec.spec.data import NPZ

FEW = 8
"""Arrays that a message names, and that are looked into for a suggestion."""


class Names(NamedTuple):
    """The arrays that are read; without a test set, every fifth image is tested."""

    images: str
    labels: str
    test_images: str | None = None
    test_labels: str | None = None


TWO = ("images", "labels")
FOUR = ("train_images", "train_labels", "test_images", "test_labels")


def names_of(source: NPZ, archive: Archive) -> Names:
    """Take the names that the spec has, and the usual ones for those that it leaves out.

    Raises:
        DataError: one of them is not in the file.
    """
    given = (source.images, source.labels, source.test_images, source.test_labels)
    four_there = any(name in archive for name in FOUR)
    usual: tuple[str, ...] = FOUR
    if not any(given[2:]) and (any(given) or not four_there or set(TWO) <= {*archive.names}):
        usual = TWO
    wanted = Names(*(name or known for name, known in zip(given, usual)))
    for name, written, option in zip(wanted, given, Names._fields):
        if name is not None and name not in archive:
            raise DataError(
                f"{archive.shown} has no array `{quoted(name)}`; it has {_listed(archive)}",
                option=option if written else "path",
                help=_way_out(archive, usual, asked=any(given)),
            )
    return wanted


def _listed(archive: Archive) -> str:
    names = [f"`{quoted(name)}`" for name in archive.names]
    more = [f"{len(names) - FEW:,} more"] if len(names) > FEW else []
    return ", ".join([*names[:FEW], *more]) or "no arrays"


def _way_out(archive: Archive, usual: Sequence[str], *, asked: bool) -> str:
    """Say what to write: the names of the very arrays, where only they can be meant."""
    store = f"store all: numpy.savez(path, {', '.join(f'{name}=...' for name in usual)})"
    if usual == FOUR and not asked:
        return store
    found = _meant(archive)
    if found is not None:
        options = [f"{option}: {quoted(name)}" for option, name in found._asdict().items() if name]
        return f"write `{', '.join(options)}` in `data.npz`"
    if not asked and any(name in archive for name in usual):
        return store
    return (
        "write the names of its arrays in `data.npz`, as in `images: x, labels: y`; with "
        "`test_images` and `test_labels` where it has them"
    )


def _meant(archive: Archive) -> Names | None:
    """Return the arrays that are images and their labels by their shapes, where that is clear."""
    headers = {name: archive.header(name) for name in archive.names[:FEW]}
    pairs = [
        (images, labels)
        for images, header in headers.items()
        for labels, others in headers.items()
        if len(header.shape) in (3, 4) and others.shape == header.shape[:1]
    ]
    tests = [pair for pair in pairs if "test" in pair[0] and "test" in pair[1]]
    trains = [pair for pair in pairs if pair not in tests]
    if len(trains) != 1 or len(tests) > 1:
        return None
    return Names(*trains[0], *(tests[0] if tests else ()))
