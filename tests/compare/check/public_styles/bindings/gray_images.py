from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def Conv3x3(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(3, 3), inputs=1, stride=1, padding=0)
    p["bias"][:] = 0  # it has none

    def one() -> Bound:
        run = ways.updating(
            m.Conv3x3(o.outputs), ("filters",), {"w": p["weight"][:, 0]}, "backprop"
        )

        def backward(d: Array) -> Arrays:
            grads = run.backward(ways.to_hwc(d))
            return {"grad_weight": grads["grad_weight"][:, None]}

        return Bound(lambda x: ways.to_chw(run.forward(x[0])), backward)

    return ways.one_by_one(one)


def MaxPool2(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(2, 2), stride=2, padding=0, average=False)

    def one() -> Bound:
        layer = m.MaxPool2()
        return Bound(
            lambda x: ways.to_chw(layer.forward(ways.to_hwc(x))),
            lambda d: {"grad_input": ways.to_chw(layer.backprop(ways.to_hwc(d)))},
        )

    return ways.one_by_one(one)
