"""Starting weights from a normal distribution."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.initializations.initialization import Initialization
from cnnspec.spec.numbers import Positive


class Normal(Initialization):
    """Weights from a normal distribution around 0; biases 0. Batch norm starts from 1 and 0."""

    keyword: ClassVar[str] = "normal"

    std: Positive
    """Standard deviation."""
