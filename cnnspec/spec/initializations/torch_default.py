"""Starting weights as torch has them."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.initializations.initialization import Initialization


class TorchDefault(Initialization):
    """What torch.nn.Conv2d and torch.nn.Linear start from.

    Weights from kaiming_uniform(a = sqrt 5), biases from U(-1/sqrt fan_in, 1/sqrt fan_in):
    both come to the same bound. Batch norm starts from 1 and 0.
    """

    keyword: ClassVar[str] = "torch_default"
