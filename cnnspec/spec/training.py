"""How a network is trained: the `training` and `initialization` sections."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import (
    Discriminator,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cnnspec.spec.section import Kind, Section, kind_of
from cnnspec.spec.sizes import Ordered

Precision = Literal["float32", "float64"]
NonNegative = Annotated[FiniteFloat, Field(ge=0)]
Fraction = Annotated[FiniteFloat, Field(ge=0, lt=1)]


class SGD(Kind):
    """Stochastic gradient descent, as torch.optim.SGD (without dampening)."""

    keyword: ClassVar[str] = "sgd"

    learning_rate: NonNegative = 0.01
    """Step size."""
    momentum: Fraction = 0.0
    """Share of the previous step that is kept."""
    nesterov: bool = False
    """Look ahead along the momentum; needs a momentum."""
    weight_decay: NonNegative = 0.0
    """L2 penalty: this share of each weight is added to its gradient, before the momentum."""

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter, by torch's names."""
        return ("momentum_buffer",) if self.momentum else ()

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> SGD:
        if self.nesterov and self.momentum == 0:
            message = "`nesterov` needs a `momentum` above 0"
            raise PydanticCustomError("conflict", message, {"help": "add `momentum: 0.9`"})
        return self


class Adam(Kind):
    """Adam (Kingma and Ba, 2015), as torch.optim.Adam: eps outside the root, decay coupled."""

    keyword: ClassVar[str] = "adam"

    learning_rate: NonNegative = 0.001
    """Step size."""
    betas: Annotated[tuple[Fraction, Fraction], Field(strict=False), Ordered] = (0.9, 0.999)
    """Decay rates of the running means of the gradient and of its square."""
    eps: Annotated[FiniteFloat, Field(gt=0)] = 1e-8
    """Added to the root of the mean square."""
    weight_decay: NonNegative = 0.0
    """L2 penalty: this share of each weight is added to its gradient."""

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter, by torch's names."""
        return ("exp_avg", "exp_avg_sq")


AnyOptimizer = Annotated[
    Annotated[SGD, Tag("sgd")] | Annotated[Adam, Tag("adam")], Discriminator(kind_of)
]


class TorchDefault(Kind):
    """What torch.nn.Conv2d and torch.nn.Linear start from.

    Weights from kaiming_uniform(a = sqrt 5), biases from U(-1/sqrt fan_in, 1/sqrt fan_in):
    both come to the same bound. Batch norm starts from 1 and 0.
    """

    keyword: ClassVar[str] = "torch_default"


class Normal(Kind):
    """Weights from a normal distribution around 0; biases 0. Batch norm starts from 1 and 0."""

    keyword: ClassVar[str] = "normal"

    std: Annotated[FiniteFloat, Field(gt=0)]
    """Standard deviation."""


AnyInitialization = Annotated[
    Annotated[TorchDefault, Tag("torch_default")] | Annotated[Normal, Tag("normal")],
    Discriminator(kind_of),
]


class Training(Section):
    """How a network is trained."""

    epochs: PositiveInt = 1
    """Passes over the training images."""
    batch_size: PositiveInt = 32
    """Images a step; the last batch of an epoch may be smaller."""
    optimizer: AnyOptimizer = SGD.model_construct()
    """`sgd` or `adam`."""
    precision: Precision = "float32"
    """Arithmetic of the network: `float32` or `float64`."""
    seed: NonNegativeInt = 0
    """Start of every random stream: starting weights and the order of the images."""
