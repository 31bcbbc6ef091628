"""What a user says about a class, beyond its code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.layouts import LAYOUTS
from cnnspec.backends.plain.names import NAMES


@dataclass(frozen=True)
class Hints:
    """Names, constructor arguments and the layout of images."""

    names: Mapping[str, str] = field(default_factory=dict)
    """What the class calls something, by our name for it."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of its constructor, by its own names."""
    layout: str = "nchw"
    built_in: bool | frozenset[str] = False
    """Options that the constructor has no parameter for are what the class does anyway: all, or
    these."""
    pairs: frozenset[str] = frozenset()
    """Options that are given as a pair, though both sides agree."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Values of options that it has built in, where it has no parameter for them."""

    def has_built_in(self, option: str) -> bool:
        """Tell whether an option without a parameter is what the class does anyway."""
        every = self.built_in
        return every if isinstance(every, bool) else option in every

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise HintError(f"no layout is called {self.layout}; there are: {', '.join(LAYOUTS)}")
        if unknown := self.names.keys() - NAMES:
            theirs = min(unknown)
            if self.names[theirs] in NAMES:
                ours = self.names[theirs]
                raise HintError(f"a layer has nothing called {theirs}; write {ours}={theirs}")
            raise HintError(
                f"a layer has nothing called {', '.join(sorted(unknown))} that could be mapped; "
                f"there are: {', '.join(sorted(NAMES))}"
            )
