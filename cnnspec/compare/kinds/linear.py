"""What the referee knows of a linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnspec.compare.kinds.affine.kind import AffineKind
from cnnspec.compare.kinds.affine.weights import BIAS, COUNTED, WEIGHT
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.spec.layers import Linear


class LinearKind(AffineKind):
    """A weight times the features, and a bias."""

    faults = (*BIAS, *WEIGHT, *COUNTED)
    weight_axes = ("outputs", "inputs")
    settings = (
        Setting("plain", Linear(out_features=4), (6,)),
        Setting("as many out as in", Linear(out_features=5), (5,)),
        numbers("one output", Linear(out_features=1), (3,)),
        numbers("one feature", Linear(out_features=3), (1,)),
        numbers("no bias", Linear(out_features=4, bias=False), (3,)),
    )

    def like(self, layer: Any) -> Sequence[Setting]:
        return [Setting("as given", layer, (layer.in_features or 6,))]
