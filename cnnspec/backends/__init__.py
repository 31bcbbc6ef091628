"""build(): a Plan -> a Network of a chosen backend, which is imported only then."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from cnnspec.backends.guard import guarded
from cnnspec.backends.raised import in_words, place_of
from cnnspec.backends.user_file import example_name, is_user_file, load_from_file
from cnnspec.errors import BackendError
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from cnnspec.backends.network import Network

LOOPS = "loops"
"""The built-in backend that goes over every output by itself: a thousand times the time."""

BACKENDS = {
    "numpy": "cnnspec.backends.numpy",
    "torch": "cnnspec.backends.torch",
    LOOPS: "cnnspec.backends.loops",
}
"""The built-in backends, and the package that has each one's `build`."""

GROUP = "cnnspec.backends"
"""Entry points of this group are backends of other packages."""


class Builder(Protocol):
    """What a backend offers: a network from a plan; `build` loads the starting weights."""

    def __call__(self, plan: Plan, training: Training, *, device: str) -> Network: ...


def backend_names() -> list[str]:
    """List the built-in backends and those that other packages add."""
    return [*BACKENDS, *sorted(_third_party())]


def build(
    plan: Plan,
    training: Training,
    backend: str = "numpy",
    *,
    device: str = "cpu",
) -> Network:
    """Build a network with the optimizer, precision and starting weights of `training`.

    Raises:
        BackendError: the backend is unknown, lacks a package or the device, or is somebody's
            own and fails.
    """
    from cnnspec.initial import initial_weights

    network = builder_of(backend)(plan, training, device=device)
    network.load_state(initial_weights(plan, training.seed))
    return network


def builder_of(backend: str) -> Builder:
    """Return what builds the networks of a backend; `path/to/file.py:Network` names a user's own.

    Raises:
        BackendError: the backend is unknown, or its file cannot be used.
    """
    if is_user_file(backend):
        return guarded(load_from_file(backend), backend)
    if backend in BACKENDS:
        builder: Builder = importlib.import_module(BACKENDS[backend]).build
        return builder
    others = _third_party()
    if backend in others:
        return guarded(_loaded(others[backend]), backend)
    if backend.endswith(".py"):
        raise BackendError(
            f"`{backend}` is a file; write `{backend}:{example_name(backend)}`: the file, a colon, "
            "and what in it is called as `Network(plan, training, device=...)`"
        )
    raise BackendError(
        f"unknown backend `{backend}`; known are {', '.join(backend_names())}, "
        "and path/to/file.py:Name for one of your own"
    )


def _third_party() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _loaded(entry: EntryPoint) -> Builder:
    try:
        builder: Builder = entry.load()
    except (Exception, SystemExit) as error:  # somebody's package raises whatever it likes
        raise BackendError(
            f"the backend `{entry.name}` cannot be loaded from {entry.value}, where "
            f"{_package(entry)} says it is: {in_words(error)}{place_of(error)}; mend or remove "
            "that package"
        ) from error
    return builder


def _package(entry: EntryPoint) -> str:
    return f"the package `{entry.dist.name}`" if entry.dist else "its package"
