"""A class in one setting of a layer: run, and all that came of it written down."""

from __future__ import annotations

from functools import partial

import numpy as np

from cnnspec.backends.plain import PlainLayer
from cnnspec.compare.check.trial.again import try_again, try_two
from cnnspec.compare.check.trial.making import Making
from cnnspec.compare.check.trial.passes import put, run_pass


class LayerTrial(Making):
    """A class in one setting of a layer."""

    def run(self) -> None:
        """Try every probe; then try again, to see whether anything is kept between calls."""
        key, probes = self.setting["key"], self.setting["probes"]
        layer = self.made(key)
        if layer is None:
            return
        self.reporter.say(key=key, takes=layer.takes, told=layer.is_told_of_training)
        passed = {probe: self._passes(layer, probe, probe) for probe in probes}
        if layer.is_told_of_training and not self.forward_only:
            self._evaluate(layer)
        for note in layer.notes:
            self.reporter.say(key=key, stage="notes", note=note)
        for name, why in layer.not_tried.items():
            self.reporter.say(key=key, not_tried=name, why=why)
        if not self.forward_only:
            self._try_afresh(passed)
        if not self.forward_only and not self.setting["numbers_only"]:
            try_again(self, passed)
            if passed[probes[0]]:
                try_two(self)

    def _try_afresh(self, passed: dict[str, bool]) -> None:
        """Run the first pass that failed again, as the first call of all."""
        failed = next((probe for probe, well in passed.items() if not well), None)
        if failed is None or not any(passed.values()):
            return
        key = self.setting["key"]
        fresh = self.made(f"{key}-fresh")
        if fresh is not None:
            self.reporter.say(key=key, fresh=failed)
            self._passes(fresh, "fresh", failed)

    def _evaluate(self, layer: PlainLayer) -> None:
        """Run every probe in evaluation, and one image alone."""
        probes = self.setting["probes"]
        key = self.setting["key"]
        given = {probe: self.given(probe)["x"].astype(np.float64) for probe in probes}
        given["alone"] = given[probes[0]][:1]
        for probe, x in given.items():
            put(layer, self.weights)
            output = self.reporter.attempt(f"{key}-{probe}", "evaluate", partial(layer.predict, x))
            if output is not None:
                held = {f"evaluated_{name}": each for name, each in layer.held_buffers().items()}
                arrays = {"evaluated": np.array(output)} | held
                self.reporter.arrays(f"{key}-{probe}", "evaluate", arrays)

    def _passes(self, layer: PlainLayer, name: str, probe: str) -> bool:
        put(layer, self.weights)
        key = f"{self.setting['key']}-{name}"
        return run_pass(self.reporter, key, layer, self.given(probe), self.forward_only)
