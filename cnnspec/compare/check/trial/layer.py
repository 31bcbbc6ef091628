"""A class in one setting of a layer: run, and all that came of it written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cnnspec.backends.plain import PlainClassError, PlainLayer, UnsupportedSettingError
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.trial.given import Given
from cnnspec.spec.layers import KINDS
from cnnspec.trace import Array


@dataclass(frozen=True)
class LayerTrial:
    """A class in one setting of a layer."""

    reporter: Reporter
    given: Given
    cls: type
    setting: dict[str, Any]
    request: dict[str, Any]

    def run(self) -> None:
        """Try every probe; then try again, to see whether anything is kept between calls."""
        key, probes = self.setting["key"], self.setting["probes"]
        layer = self._made(key)
        if layer is None:
            return
        passed = {probe: self._passes(layer, probe, probe) for probe in probes}
        if self.setting["evaluates"] and not self._forward_only:
            for probe in probes:
                x = self._given(probe)["x"].astype(np.float64)
                _evaluate(self.reporter, f"{key}-{probe}", layer, x)
        for note in layer.notes:
            self.reporter.say(key=key, stage="notes", note=note)
        for name, why in layer.not_tried.items():
            self.reporter.say(key=key, not_tried=name, why=why)
        if not self._forward_only:
            self._try_again(passed)

    def _try_again(self, passed: dict[str, bool]) -> None:
        key = self.setting["key"]
        failed = next((probe for probe, well in passed.items() if not well), None)
        if failed is not None and any(passed.values()):
            fresh = self._made(f"{key}-fresh")
            if fresh is not None:
                self.reporter.say(key=key, fresh=failed)
                self._passes(fresh, "fresh", failed)
        # The last one is also the first that this instance sees: if it is right only here,
        # something is kept between calls.
        repeated = next((probe for probe in reversed(passed) if passed[probe]), next(iter(passed)))
        again = self._made(f"{key}-again")
        if again is not None:
            self.reporter.say(key=key, repeated=repeated)
            for time in ("first", "second"):
                self._passes(again, time, repeated)

    def _made(self, key: str) -> PlainLayer | None:
        """Return a new instance with the weights of the setting; None where it cannot be made."""

        def make() -> PlainLayer:
            try:
                made = self._instance(self.request["built_in"])
            except UnsupportedSettingError as error:
                self.reporter.say(key=key, option=error.lacks)
                if not error.lacks or error.lacks != self.request["one_of"]:
                    raise
                self.reporter.say(key=key, lacks=str(error))
                try:
                    made = self._instance(frozenset({error.lacks}))
                except PlainClassError:  # it has not this value: nothing more need be said of it
                    raise error from None
            _put(made, self._weights)
            return made

        layer: PlainLayer | None = self.reporter.attempt(key, "construct", make)
        return layer

    def _instance(self, built_in: bool | frozenset[str]) -> PlainLayer:
        return PlainLayer(
            self.cls,
            KINDS[self.request["kind"]](**self.setting["options"]),
            tuple(self.setting["input"]),
            tuple(self.setting["output"]),
            np.dtype("float64"),
            names=self.request["names"],
            layout=self.request["layout"],
            arguments=self.request["arguments"],
            built_in=built_in,
        )

    def _passes(self, layer: PlainLayer, name: str, probe: str) -> bool:
        _put(layer, self._weights)
        key = f"{self.setting['key']}-{name}"
        return _pass(self.reporter, key, layer, self._given(probe), self._forward_only)

    @property
    def _forward_only(self) -> bool:
        return "forward_only" in self.setting

    @cached_property
    def _weights(self) -> dict[str, Array]:
        return self.given.of(f"{self.setting['key']}-weights")

    def _given(self, probe: str) -> dict[str, Array]:
        return self.given.of(f"{self.setting['key']}-{probe}")


def _pass(
    reporter: Reporter,
    key: str,
    layer: PlainLayer,
    given: dict[str, Array],
    forward_only: bool,
) -> bool:
    """Run forward and backward, and write all that came of it and what became of the inputs.

    Returns whether both came to their ends.
    """
    x, grad = given["x"].astype(np.float64), given["grad_output"].astype(np.float64)
    output = reporter.attempt(key, "forward", lambda: layer.forward(x))
    if output is None:
        return False
    buffers = {name: array for name, array in layer.buffers.items() if layer.holds(name)}
    reporter.arrays(key, "forward", {"output": np.array(output), "after_x": x} | buffers)
    if forward_only:
        return True
    before = layer.held_gradients()
    back = reporter.attempt(key, "backward", lambda: layer.gradients(grad))
    found: dict[str, Any] = back or {}
    if back is None:  # those that were set before it raised
        found = {
            f"grad_{name}": array
            for name, array in layer.held_gradients().items()
            if name not in before or not np.array_equal(array, before[name])
        }
    if layer.updated:  # by a rate that it takes: a style, and no fault
        found |= {f"updated_{name}": array for name, array in layer.updated.items()}
    else:
        found |= {f"after_{name}": array for name, array in layer.parameters.items()}
    reporter.arrays(key, "backward", found | {"after_x": x, "after_grad_output": grad})
    return back is not None


def _evaluate(reporter: Reporter, key: str, layer: PlainLayer, x: Array) -> None:
    output = reporter.attempt(key, "evaluate", lambda: layer.predict(x))
    if output is not None:
        reporter.arrays(key, "evaluate", {"evaluated": np.array(output)})


def _put(layer: PlainLayer, weights: dict[str, Array]) -> None:
    for name, array in (layer.parameters | layer.buffers).items():
        array[...] = weights[name]
