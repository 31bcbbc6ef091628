from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Bound, Options


def flagged(layer: Any, flag: str) -> Bound:
    run = ways.plain(layer)
    return Bound(run.forward, run.backward, lambda x: layer.forward(x, **{flag: False}))


def switched(layer: Any, name: str, training: Any, evaluation: Any) -> Bound:
    run = ways.plain(layer)

    def evaluate(x: Array) -> Any:
        setattr(layer, name, evaluation)
        y = layer.forward(x)
        setattr(layer, name, training)
        return y

    return Bound(run.forward, run.backward, evaluate)


def KeepProb(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return flagged(m.KeepProb(1 - o.p), "training")


def KeepProbUnscaled(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return flagged(m.KeepProbUnscaled(1 - o.p), "training")


def DropoutLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return switched(m.DropoutLayer(o.p), "mode", "train", "test")


def Seeded(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return switched(m.Seeded(o.p), "training", True, False)


def RowMask(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return flagged(m.RowMask(o.p), "is_training")
