from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import Array, Bound, Options


def BufferOfFirstBatch(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.BufferOfFirstBatch(o.inputs, o.outputs), "W", "b", p, turned=True)


def MaskOfFirstPass(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.MaskOfFirstPass())


def NeverZeroed(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.NeverZeroed(o.inputs, o.outputs), "weight", "bias", p)


def DefaultCache(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.DefaultCache())


def Workspace(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Workspace())


def FlattenOnce(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.FlattenOnce())
