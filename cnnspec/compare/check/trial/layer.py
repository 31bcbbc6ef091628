"""A class in one setting of a layer: run, and all that came of it written down."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from cnnspec.backends.plain import PlainLayer
from cnnspec.compare.check.trial.again import Halves, try_afresh, try_again, try_two
from cnnspec.compare.check.trial.making import Making
from cnnspec.compare.check.trial.passes import is_overwritten, put, run_pass
from cnnspec.trace import Array


class LayerTrial(Making):
    """A class in one setting of a layer."""

    def run(self) -> None:
        """Try every probe; then again, to see whether anything is kept; then evaluation.

        That comes last: if it does not end, nothing else is lost.
        """
        layer = self.made(self.key)
        if layer is None:
            return
        self.reporter.say(
            key=self.key,
            takes=layer.takes,
            no_parameter=layer.lacks,
            told=layer.is_told_of_training,
        )
        passed = {probe: self.passes(layer, probe, probe) for probe in self.setting["probes"]}
        self._tell(layer)
        if self.forward_only:
            return
        try_afresh(self, passed)
        in_full = not self.setting["numbers_only"]
        try_again(self, passed, twice=in_full)
        if in_full:
            try_two(self, passed)
        if layer.is_told_of_training:
            self._evaluate(layer)
            self._tell(layer)

    def _tell(self, layer: PlainLayer) -> None:
        """Tell what was taken for granted so far, and what cannot be tried."""
        for note in layer.notes:
            self.reporter.say(key=self.key, stage="notes", note=note)
        for name, why in layer.not_tried.items():
            self.reporter.say(key=self.key, not_tried=name, why=why)

    def _evaluate(self, layer: PlainLayer) -> None:
        """Run every probe in evaluation, and one image alone."""
        probes = self.setting["probes"]
        given = {probe: self.given(probe)["x"].astype(np.float64) for probe in probes}
        given["alone"] = given[probes[0]][:1]
        for probe, x in given.items():
            key = f"{self.key}-{probe}"
            put(layer, self.weights)
            output = self.reporter.attempt(key, "evaluate", partial(layer.predict, x))
            if output is not None:
                held = {f"evaluated_{name}": each for name, each in layer.held_buffers().items()}
                arrays = {"evaluated": np.array(output)} | held
                self.reporter.arrays(key, "evaluate", arrays)

    def passes(self, made: PlainLayer, name: str, batch: str) -> bool:
        """Run both passes, and tell all that comes of them by a name."""
        put(made, self.weights)
        key = f"{self.key}-{name}"
        return run_pass(self.reporter, key, made, self.given(batch), self.forward_only)

    def halves(self, made: PlainLayer, batch: str, *, is_other: bool = False) -> Halves:
        """Return both passes, which have yet to run; another object has half the weights."""
        given = self.given(batch)
        x, grad = given["x"].astype(np.float64), given["grad_output"].astype(np.float64)
        scale = 0.5 if is_other else 1.0

        def forward() -> dict[str, Any]:
            put(made, {name: scale * array for name, array in self.weights.items()})
            return {"output": np.array(made.forward(x))}

        return Halves(forward, lambda: made.held_buffers() | made.gradients(grad))

    def pass_between(self, made: PlainLayer, batch: str) -> None:
        """Run passes of images of another size, and then of other numbers.

        These are the last, as what is looked up once for a shape is of them now. The images of
        another size are given to a new object, too, which has seen no others.
        """
        key, given = f"{self.key}-between", self.given(batch)
        if self.setting["other_size"] is not None:
            shape, output = self.setting["other_size"]
            other = np.linspace(-1, 1, 2 * math.prod(shape)).reshape(2, *shape)
            of_other_size = {"x": other, "grad_output": np.ones((2, *output))}
            fresh = self.made(f"{key}-fresh")
            for name, layer in (("other-size", made), ("fresh", fresh)):
                if layer is not None:
                    put(layer, self.weights)
                    run_pass(self.reporter, f"{key}-{name}", layer, of_other_size, False)
        put(made, self.weights)
        x, grad = -given["x"][::-1].astype(np.float64), given["grad_output"][::-1] * 2.0
        if self._forward_twice(made, x, key):
            self.reporter.attempt(key, "backward", lambda: made.gradients(grad))

    def _forward_twice(self, layer: PlainLayer, x: Array, key: str) -> bool:
        """Tell whether two passes raise nothing; note whether one overwrites the other's output."""
        earlier = self.reporter.attempt(key, "forward", lambda: layer.forward(x))
        if earlier is None:
            return False
        before, other = np.array(earlier), -x[::-1]
        if self.reporter.attempt(key, "forward", lambda: layer.forward(other)) is None:
            return False
        if is_overwritten(earlier, before):
            said = "a later pass overwrites the output that it gave before"
            self.reporter.say(key=self.key, stage="notes", note=said)
        return True
