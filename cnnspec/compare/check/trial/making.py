"""Instances of a class in one setting of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cnnspec.backends.plain import (
    HintError,
    PlainClassError,
    PlainLayer,
    UnsupportedSettingError,
)
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.trial.given import Given
from cnnspec.compare.check.trial.passes import put
from cnnspec.spec.layers import KINDS
from cnnspec.trace import Array

SIDES = "sides"
"""What a class does not offer that takes one number for height and width."""


@dataclass(frozen=True)
class Making:
    """Makes instances of a class, and knows what they are given."""

    reporter: Reporter
    arrays: Given
    """What the class is given in each setting."""
    cls: type
    setting: dict[str, Any]
    request: dict[str, Any]

    @property
    def key(self) -> str:
        """The key of the setting."""
        return str(self.setting["key"])

    def made(self, key: str) -> PlainLayer | None:
        """Return a new instance with the weights of the setting; None where it cannot be made."""

        def make() -> PlainLayer:
            try:
                return made()
            except UnsupportedSettingError as error:
                self.reporter.say(key=key, option=error.lacks)
                raise

        def made() -> PlainLayer:
            try:
                if key == self.key:
                    self._require_sides()
                layer = self._instance(self.request["built_in"])
            except UnsupportedSettingError as error:
                if not error.lacks or error.lacks != self.request["one_of"]:
                    raise
                self.reporter.say(key=key, lacks=str(error))
                try:
                    layer = self._instance(frozenset({error.lacks}))
                except UnsupportedSettingError:  # it lacks something else, whatever its value is
                    raise
                except PlainClassError:  # it has not this value: nothing more need be said of it
                    raise error from None
            if key == self.key:
                own = layer.held_parameters()
                made_with = {f"made_{name}": array for name, array in own.items()}
                self.reporter.arrays(key, "construct", made_with)
                self.reporter.say(key=key, shares=layer.shares)
            put(layer, self.weights)
            return layer

        instance: PlainLayer | None = self.reporter.attempt(key, "construct", make)
        return instance

    def _instance(
        self,
        built_in: bool | frozenset[str],
        of: dict[str, Any] | None = None,
        pairs: frozenset[str] = frozenset(),
    ) -> PlainLayer:
        of = of or self.setting
        return PlainLayer(
            self.cls,
            KINDS[self.request["kind"]](**of["options"]),
            tuple(self.setting["input"]),
            tuple(of["output"]),
            np.dtype("float64"),
            names=self.request["names"],
            layout=self.request["layout"],
            arguments=self.request["arguments"],
            built_in=built_in,
            pairs=pairs,
            values=self.setting["values"],
        )

    def _require_sides(self) -> None:
        """Refuse a class that takes one number for both sides: it raises on any pair."""
        equal = self.setting["equal_sides"]
        if not equal or self._works(self.setting):
            return
        options = frozenset(equal["sides"])
        if not self._works(equal, options):
            names = " and ".join(f"`{option}`" for option in sorted(options))
            why = f"{self.cls.__name__} takes one number for {names}"
            raise UnsupportedSettingError(why, lacks=SIDES)
        if not options.intersection(self._instance(self.request["built_in"], equal).takes):
            why = f"{self.cls.__name__} works where both sides are equal alone"
            raise UnsupportedSettingError(why, lacks=SIDES)

    def _works(self, of: dict[str, Any], pairs: frozenset[str] = frozenset()) -> bool:
        """Tell whether a forward pass raises nothing, with options given as pairs."""
        probe = self.setting["probes"][0]
        built_in = self.request["built_in"] or frozenset({self.request["one_of"]})
        try:
            layer = self._instance(built_in, of, pairs)
            self.reporter.say(key=f"{self.key}-{probe}", stage="forward", event="begin")
            layer.forward(self.given(probe)["x"].astype(np.float64))
        except (HintError, UnsupportedSettingError):
            return True  # told by the instance that is tried
        except Exception:  # raised by the class
            return False
        return True

    @property
    def forward_only(self) -> bool:
        """Whether the process did not survive a backward pass."""
        return "forward_only" in self.setting

    @cached_property
    def weights(self) -> dict[str, Array]:
        """The weights of the setting."""
        return self.arrays.of(f"{self.key}-weights")

    def given(self, probe: str) -> dict[str, Array]:
        """Return the arrays of a probe."""
        return self.arrays.of(f"{self.key}-{probe}")
