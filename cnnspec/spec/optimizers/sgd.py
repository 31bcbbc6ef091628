"""Stochastic gradient descent."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Words
from cnnspec.spec.numbers import Fraction, NonNegative
from cnnspec.spec.optimizers.optimizer import Optimizer
from cnnspec.spec.skeleton import Skeleton


class SGD(Optimizer):
    """Stochastic gradient descent, as torch.optim.SGD (without dampening)."""

    keyword: ClassVar[str] = "sgd"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="velocity = momentum * velocity + gradient; weight -= learning_rate * velocity.",
        options=("learning_rate", "momentum"),
        said={"learning_rate": "What the step is multiplied by."},
    )
    words: ClassVar[Words] = Words(
        synonyms="stochastic_gradient_descent",
        answers=answers("momentum sgdm sgd_momentum heavy_ball", "write `sgd: {{momentum: 0.9}}`")
        | answers("nesterov nag sgd_nesterov", "write `sgd: {{momentum: 0.9, nesterov: true}}`")
        | answers("gd gradient_descent", "it is `sgd` with all images in one batch"),
        parameters={
            "momentum": "mu gamma beta rho momentum_rate momentum_coefficient",
            "nesterov": "use_nesterov is_nesterov",
        },
    )

    learning_rate: NonNegative = 0.01
    momentum: Fraction = 0.0
    """Share of the previous step that is kept."""
    nesterov: bool = False
    """Look ahead along the momentum; needs a momentum."""
    weight_decay: NonNegative = 0.0
    """L2 penalty: this share of each weight is added to its gradient, before the momentum."""

    @property
    def slots(self) -> tuple[str, ...]:
        return ("momentum_buffer",) if self.momentum else ()

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> SGD:
        if self.nesterov and self.momentum == 0:
            message = "`nesterov` needs a `momentum` above 0"
            raise PydanticCustomError("conflict", message, {"help": "add `momentum: 0.9`"})
        return self
