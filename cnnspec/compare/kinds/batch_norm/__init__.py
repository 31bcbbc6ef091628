"""What the referee knows of batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cnnspec.compare.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds.batch_norm.bounds import batch_norm_budgets, channel_terms
from cnnspec.compare.kinds.batch_norm.carry import BatchNormCarry
from cnnspec.compare.kinds.batch_norm.faults import FAULTS, HELP, other_eps
from cnnspec.compare.kinds.kind import COMPOSED, Term, Terms
from cnnspec.compare.kinds.layer import Setting
from cnnspec.numerics.budget import Exact
from cnnspec.spec.layers import BatchNorm


class BatchNormKind(BatchNormCarry):
    """Normalisation over the batch, in training; by running statistics, in evaluation."""

    faults = FAULTS
    help = HELP
    is_sum = False
    of_one_rank = True
    settings = (
        Setting("images", BatchNorm(), (3, 4, 5)),
        Setting("features", BatchNorm(), (6,)),
    )

    def suspected(
        self, observations: Sequence[Observation[LayerSituation]]
    ) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        quantity = observations[0].quantity
        yield from (fault for fault in other_eps(observations) if fault.spoils(quantity))

    def budgets(self, situation: LayerSituation, precision: str) -> dict[str, Exact]:
        layer = situation.at.layer
        assert isinstance(layer, BatchNorm)
        return batch_norm_budgets(
            layer,
            situation.x,
            situation.parameters,
            situation.buffers,
            situation.grad_output,
            precision,
        )

    def like(self, layer: Any) -> Sequence[Setting]:
        channels = layer.num_features
        return [
            Setting(
                each.name,
                layer,
                each.input if channels is None else (channels, *each.input[1:]),
            )
            for each in self.settings
        ]

    def terms(
        self,
        situation: LayerSituation,
        precision: str,
        quantity: str,
        position: tuple[int, ...],
    ) -> Terms:
        """Explain bounds that are put together from those of mean and variance."""
        layer = situation.at.layer
        assert isinstance(layer, BatchNorm)
        x = situation.x.reshape(len(situation.x), situation.x.shape[1], -1)
        at = channel_terms(x, layer.eps, precision)
        channel = position[1 if quantity in ("output", "grad_input") else 0]

        def of(array: Exact) -> float:
            return float(np.broadcast_to(array, (1, x.shape[1], 1))[0, channel, 0])

        return Terms(
            (
                Term("channel", channel, "of the worst number"),
                Term("m", at.m, "values in each channel"),
                Term("K", at.k, "the longest chain of roundings: m + 2 log2(m) + 8"),
                Term("mean", of(at.mean), "of the channel"),
                Term("d_mean", of(at.mean_error), "what the mean may be off by: gamma_K mean |x|"),
                Term("variance", of(at.variance), "of the channel"),
                Term("d_var", of(at.variance_error), "what the variance may be off by"),
                Term("r", of(at.r), "1 / sqrt(variance + eps)"),
                Term("d_r", of(at.r_error), "what r may be off by"),
            ),
            f"{COMPOSED} compare/kinds/batch_norm from what mean, variance and r may be off by",
        )
