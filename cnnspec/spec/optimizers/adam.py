"""Adam (Kingma and Ba, 2015)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from cnnspec.spec.kind_words import Words
from cnnspec.spec.numbers import Fraction, NonNegative, Positive
from cnnspec.spec.optimizers.optimizer import Optimizer
from cnnspec.spec.sizes import Ordered
from cnnspec.spec.skeleton import Skeleton


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015), as torch.optim.Adam: eps outside the root, decay coupled."""

    keyword: ClassVar[str] = "adam"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="m = beta1 * m + (1 - beta1) * gradient; v = beta2 * v + (1 - beta2) * gradient^2; "
        "weight -= learning_rate * m' / (sqrt(v') + eps), where m' = m / (1 - beta1^t) and "
        "v' = v / (1 - beta2^t) in step t, from 1.",
        options=("learning_rate", "betas", "eps"),
        said={"learning_rate": "What the step is multiplied by."},
    )
    words: ClassVar[Words] = Words(
        guesses={"betas": "beta2", "eps": "epsilon"},
        sides={
            "betas": "beta1,beta2 beta_1,beta_2 b1,b2 rho1,rho2 rho_1,rho_2 decay1,decay2 "
            "decay_rate1,decay_rate2 beta_m,beta_v"
        },
    )
    counts_steps: ClassVar[bool] = True

    learning_rate: NonNegative = 0.001
    betas: Annotated[tuple[Fraction, Fraction], Field(strict=False), Ordered] = (0.9, 0.999)
    """Decay rates of the running means of the gradient and of its square."""
    eps: Positive = 1e-8
    """Added to the root of the mean square."""
    weight_decay: NonNegative = 0.0
    """L2 penalty: this share of each weight is added to its gradient."""

    @property
    def slots(self) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")
