"""What the referee says of a mask that somebody's class drew itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from cnnspec.compare.kinds.layer import LayerKind
from cnnspec.compare.verdict import Cause
from cnnspec.spec.layers import Layer
from cnnspec.trace import Array


class DrawingKind(LayerKind):
    """A kind that draws in training which numbers it keeps."""

    nothing_dropped: ClassVar[Cause]
    kept_for_dropped: ClassVar[Cause]
    """As many are kept as are to be dropped."""
    same_mask: ClassVar[Cause]
    """Each call drops the same numbers."""
    other_in_evaluation: ClassVar[Cause]

    def dropped_together(self, axes: Sequence[str]) -> Cause:
        """Say along what all numbers share a mask that are to have one each."""
        raise NotImplementedError

    def share_in_words(self, layer: Any, dropped: int, seen: int) -> str:
        """Say how many are dropped, and how many are to be."""
        raise NotImplementedError

    def meant_by_kept(self, layer: Any) -> Layer | None:
        """Return the layer that somebody computes who takes what is dropped for what is kept.

        None where there is none.
        """
        raise NotImplementedError

    def in_evaluation(self, layer: Any, x: Array) -> Array:
        """Return what evaluation gives."""
        raise NotImplementedError
