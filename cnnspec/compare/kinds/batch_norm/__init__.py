"""What the referee knows of batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds.batch_norm import evaluation
from cnnspec.compare.kinds.batch_norm.faults import FAULTS, HELP
from cnnspec.compare.kinds.batch_norm.formula import NORM, layer_of
from cnnspec.compare.kinds.formula import FormulaKind
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.compare.kinds.normalised import other_eps
from cnnspec.spec.layers import BatchNorm

SHOWN = {
    "mean": "of the channel",
    "variance": "of the channel, biased",
    "root": "of the variance + eps",
    "z": "x normalised",
}


class BatchNormKind(FormulaKind):
    """Normalisation over the batch, in training; by running statistics, in evaluation."""

    formula = NORM
    shown = SHOWN
    faults = FAULTS
    evaluation_faults = evaluation.FAULTS
    help = {**HELP, **evaluation.HELP}  # noqa: RUF012
    of_one_rank = True
    taken_for_the_rest = "momentum-reversed"
    settings = (
        Setting("images", BatchNorm(), (3, 4, 5)),
        Setting("features", BatchNorm(), (6,)),
        numbers("one channel", BatchNorm(), (1, 1, 5)),
        numbers("one channel", BatchNorm(), (1,)),
        numbers("eps 0.1", BatchNorm(eps=0.1), (3, 4, 5)),
        numbers("eps 0.1", BatchNorm(eps=0.1), (6,)),
        numbers("momentum 0.3", BatchNorm(momentum=0.3), (3, 4, 5)),
        numbers("momentum 0.3", BatchNorm(momentum=0.3), (6,)),
        numbers("not affine", BatchNorm(affine=False), (3, 4, 5)),
        numbers("not affine", BatchNorm(affine=False), (6,)),
    )

    def suspected(
        self, observations: Sequence[Observation[LayerSituation]]
    ) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        quantity, eps = observations[0].quantity, layer_of(observations[0].situation).eps
        yield from (fault for fault in other_eps(NORM, eps) if fault.spoils(quantity))
