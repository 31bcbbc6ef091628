"""Starting weights as torch has them."""

from __future__ import annotations

import math
from typing import ClassVar

from cnnspec.spec.initializations.initialization import Initialization
from cnnspec.spec.kind_words import Words
from cnnspec.spec.starts import Drawn, Start, Uniform


class TorchDefault(Initialization):
    """What torch.nn.Conv2d and torch.nn.Linear start from.

    Weights from kaiming_uniform(a = sqrt 5), biases from U(-1/sqrt fan_in, 1/sqrt fan_in):
    both come to the same bound. Batch norm starts from 1 and 0.
    """

    keyword: ClassVar[str] = "torch_default"
    words: ClassVar[Words] = Words(
        synonyms="default", in_short="`torch_default` (kaiming_uniform with a = sqrt 5)"
    )

    def start(self, parameter: Drawn) -> Start:
        return Uniform(1 / math.sqrt(parameter.fan_in))
