"""A space of its own for processes, where Linux gives one: who is in it sees, and ends, no others.

It is one of users and mounts, too: without, only root may make one. Its users are those outside;
what root may do there binds it to the limits that it was given.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from functools import cache
from pathlib import Path

USERS, PROCESSES, MOUNTS = 0x1000_0000, 0x2000_0000, 0x2_0000
"""CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS of linux/sched.h."""

SLAVE, RECURSIVE = 1 << 19, 1 << 14
"""MS_SLAVE and MS_REC: what is mounted here is not seen outside."""

DIES_WITH_PARENT, ADOPTS = 1, 36
"""PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER of linux/prctl.h."""


def leave() -> bool:
    """Leave the others; return whether that could be done. Whoever is forked next begins it."""
    return bool(_libc().unshare(USERS | PROCESSES | MOUNTS) == 0)


def map_users(pid: int) -> bool:
    """Give a process that has left the same users as here; return whether that could be done."""
    place = Path(f"/proc/{pid}")
    try:
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):
                for name in ("uid_map", "gid_map"):
                    (place / name).write_text(_same(Path(f"/proc/self/{name}").read_text()))
                return True
        (place / "setgroups").write_text("deny")
        for name, own in {"uid_map": os.geteuid(), "gid_map": os.getegid()}.items():
            (place / name).write_text(f"{own} {own} 1")
    except OSError:
        return False
    return True


def _same(users: str) -> str:
    """Return what gives everybody here the same number: the first, the first outside, how many."""
    found = (line.split() for line in users.splitlines())
    return "\n".join(f"{first} {first} {count}" for first, _, count in found)


def show_own() -> None:
    """Let /proc show the processes of the space alone, where one may."""
    libc = _libc()
    if libc.mount(b"none", b"/", None, SLAVE | RECURSIVE, None) == 0:
        libc.mount(b"proc", b"/proc", b"proc", 0, None)


def adopt() -> None:
    """Become the parent of what is left behind by processes below."""
    _libc().prctl(ADOPTS, 1, 0, 0, 0)


def die_with_parent(signal: int) -> None:
    """Ask for a signal when the parent ends."""
    _libc().prctl(DIES_WITH_PARENT, signal, 0, 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
