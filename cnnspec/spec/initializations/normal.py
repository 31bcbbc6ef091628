"""Starting weights from a normal distribution."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.initializations.initialization import Initialization
from cnnspec.spec.kind_words import Words
from cnnspec.spec.numbers import Positive
from cnnspec.spec.starts import Constant, Drawn, Gaussian, Start


class Normal(Initialization):
    """Weights from a normal distribution around 0; biases 0. Batch norm starts from 1 and 0."""

    keyword: ClassVar[str] = "normal"
    words: ClassVar[Words] = Words(
        synonyms="gaussian random_normal randomnormal",
        options={"std": "stddev"},
        guesses={"std": "std_dev"},
        examples={"std": "0.01"},
        in_short="`normal` with one `std` for all layers",
    )

    std: Positive
    """Standard deviation."""

    def start(self, parameter: Drawn) -> Start:
        return Constant(0.0) if parameter.is_bias else Gaussian(self.std)
