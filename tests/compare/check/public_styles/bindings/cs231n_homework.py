from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings.cs231n import (
    affine_forward,
    conv_of,
    pool_of,
    relu_forward,
    softmax_loss,
)
from tests.compare.check.public_styles.truth import Array, Bound, Options

__all__ = ["affine_forward", "relu_forward", "softmax_loss"]


def conv_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return conv_of(m.conv_forward, m.conv_backward, o, p)


def max_pool_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return pool_of(m.max_pool_forward, m.max_pool_backward, o)
