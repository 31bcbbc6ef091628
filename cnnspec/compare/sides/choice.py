"""A choice of backend: what is compared, by the word that a user writes for it.

`numpy`, `torch@float64`, `torch@bfloat16`, `torch@compile+threads=2`, `path/to/file.py:Network`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

from cnnspec.backends import Builder, builder_of
from cnnspec.backends.guard import guarded
from cnnspec.backends.network import Network
from cnnspec.backends.threads import ThreadLimited
from cnnspec.backends.user_file import is_user_file
from cnnspec.environment import MOST_THREADS
from cnnspec.errors import BackendError
from cnnspec.initial import initial_weights
from cnnspec.plan import Plan
from cnnspec.spec.training import Precision, Training

AUTOCAST = ("bfloat16", "float16")
SETTINGS = (
    "float32 or float64 (the precision), bfloat16 or float16 (torch's autocast), compile "
    "(torch.compile), threads=N, device=NAME"
)

BOTH = "both"
"""What a verdict says where both sides are wrong: no side is called so."""

NO_AUTOCAST = (
    "autocast lowers float32 alone, and is without effect in float64; leave out one of the two"
)


@dataclass(frozen=True)
class BackendChoice:
    """A backend under settings. Those that are not set are the spec's, or the backend's own."""

    label: str
    """What a user wrote for it, without the file; reports call it so."""
    backend: str
    """Its name, without the settings."""
    builder: Callable[..., Network]
    precision: Precision | None = None
    device: str = "cpu"
    threads: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the builder: torch's `autocast` and `compile`."""

    @classmethod
    def of_builder(cls, label: str, builder: Builder) -> BackendChoice:
        """Choose a function that builds networks."""
        return cls(label, label, guarded(builder, label))

    def working_precision(self, training: Training) -> Precision:
        """Return the precision in which it trains."""
        return self.precision or training.precision

    def build(self, plan: Plan, training: Training, precision: Precision | None = None) -> Network:
        """Build a network with the spec's starting weights, in its working or a given precision.

        Raises:
            BackendError: the backend cannot do what was asked.
        """
        chosen = precision or self.working_precision(training)
        changed = training.model_copy(update={"precision": chosen})
        builder = self.builder
        if self.options or self.device != "cpu":  # what torch, or a device, cannot do is theirs
            builder = guarded(builder, self.label)
        network = builder(plan, changed, device=self.device, **self.options)
        network.load_state(initial_weights(plan, training.seed))
        return network if self.threads is None else ThreadLimited(network, self.threads)

    def check_settings(self, training: Training) -> None:
        """Refuse settings that would be without effect on a spec.

        Raises:
            BackendError: autocast, where the network trains in float64.
        """
        if "autocast" in self.options and self.working_precision(training) == "float64":
            raise BackendError(f"`{self.label}` with `training.precision: float64`: {NO_AUTOCAST}")

    @property
    def takes_device(self) -> bool:
        """Whether `--device` is meant for it."""
        return self.backend == "torch"

    def without_options(self) -> BackendChoice:
        """Return the same backend without what changes its arithmetic."""
        return replace(self, options={}, threads=None)


def parse_backend(text: str, device: str = "cpu") -> BackendChoice:
    """Read what a user wrote for a backend; `device` is where torch's networks live.

    Raises:
        BackendError: there is no such backend, or no such setting.
    """
    name, at, written = text.rpartition("@")
    if not at or "/" in written or ".py" in written:
        name, written = text, ""
    label = text
    if is_user_file(name):
        file, _, called = text.rpartition(":")
        label = f"{Path(file).name}:{called}" if called.partition("@")[0] == BOTH else called
    choice = BackendChoice(
        label, name, builder_of(name), device=device if name == "torch" else "cpu"
    )
    if at and not written:
        raise BackendError(f"there is no setting behind `{name}@`; there are: {SETTINGS}")
    seen: dict[str, str] = {}
    for setting in written.split("+") if written else ():
        kind = _kind(setting)
        if kind in seen:
            raise BackendError(
                f"`{text}` has two settings of one kind: `{seen[kind]}` and `{setting}`; take one"
            )
        seen[kind] = setting
        choice = _with(choice, name, setting)
    if choice.precision == "float64" and "autocast" in choice.options:
        raise BackendError(f"`{text}`: {NO_AUTOCAST}")
    return choice


def _kind(setting: str) -> str:
    """Return what a setting sets: two of one kind contradict each other."""
    if setting in get_args(Precision):
        return "precision"
    return "autocast" if setting in AUTOCAST else setting.partition("=")[0]


def _with(choice: BackendChoice, name: str, setting: str) -> BackendChoice:
    key, equals, value = setting.partition("=")
    if not equals and key in get_args(Precision):
        return replace(choice, precision=cast(Precision, key))
    if not equals and (key in AUTOCAST or key == "compile"):
        if name != "torch":
            raise BackendError(f"`{key}` is a setting of the torch backend, not of `{name}`")
        option = {"compile": True} if key == "compile" else {"autocast": key}
        return replace(choice, options=choice.options | option)
    if key == "threads" and value.isdecimal() and int(value) > MOST_THREADS:
        raise BackendError(
            f"`{setting}`: wanted at most {MOST_THREADS} threads; this machine has "
            f"{os.cpu_count() or 1} processors"
        )
    if key == "threads" and value.isdecimal() and int(value) > 0:
        return replace(choice, threads=int(value))
    if key == "device" and value:
        return replace(choice, device=value)
    raise BackendError(f"`{name}` has no setting `{setting}`; there are: {SETTINGS}")
