from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Bound, Options, only

Bind = Callable[[Any, Options, dict[str, Array]], Bound]


def _plain(name: str) -> Bind:
    return lambda m, o, p: ways.plain(getattr(m, name)())


ReLU, ReLUInPlace, ReLULoop = _plain("ReLU"), _plain("ReLUInPlace"), _plain("ReLULoop")
Sigmoid, SigmoidTwice = _plain("Sigmoid"), _plain("SigmoidTwice")
Tanh, TanhLinear = _plain("Tanh"), _plain("TanhLinear")
Softmax, SoftmaxColumns = _plain("Softmax"), _plain("SoftmaxColumns")


def GELU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, approximate="tanh")
    return ways.plain(m.GELU())


def PReLULike(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.PReLULike(o.slope))
