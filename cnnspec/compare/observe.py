"""What is shown to the judge: each side's layer, loss or optimizer, beside what is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cnnspec.backends.raised import cannot
from cnnspec.compare.fault import LossSituation, Observation
from cnnspec.compare.inputs import Inputs
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.judge import Judge, flat, replayed, updated_like, within, within_reach
from cnnspec.compare.kinds import LOSSES
from cnnspec.compare.kinds.loss import OF_LOSS
from cnnspec.compare.probe import LayerProbe
from cnnspec.compare.replay_layers import layer_situation, magnitudes, pair_budgets
from cnnspec.compare.replay_learning import losses, updates
from cnnspec.compare.replay_step import PREDICTED, prediction_budget
from cnnspec.compare.side import EXACT
from cnnspec.numerics.budget import Exact

Observations = dict[str, dict[str, list[Observation[Any]]]]
"""By the label of the side, and by quantity."""


def observe_layer(isolation: Isolation, judge: Judge, probes: Sequence[LayerProbe]) -> Observations:
    """Show every quantity of a layer, on all its probes that the judge can reach."""
    observed: Observations = {side.label: {} for side in isolation.sides}
    for probe in within_reach(probes):
        try:
            parts = {side: replayed(side, probe) for side in isolation.sides}
        except Exception as error:  # that a side fails here is said in the coverage
            if not cannot(error):
                raise
            continue
        truth = judge.replay(probe)
        sums = {judge.side: magnitudes(judge.side, probe)}
        situation = layer_situation(judge.side, probe)
        for side, found in parts.items():
            budgets = pair_budgets(probe, {side: found, judge.side: truth}, sums)
            for quantity, right in truth.items():
                observed[side.label].setdefault(quantity, []).append(
                    Observation(
                        situation,
                        quantity,
                        found[quantity],
                        right.astype(np.float64),
                        budgets[quantity],
                    )
                )
    return observed


def observe_loss(isolation: Isolation, judge: Judge, inputs: Inputs) -> Observations:
    """Show the loss and its gradient, on all probes."""
    observed: Observations = {side.label: {} for side in isolation.sides}
    options = isolation.training.loss
    for name, logits, labels in inputs.losses:
        truth = losses(judge.side, logits, labels)[EXACT]
        given = LossSituation(options, name, logits.astype(np.float64), labels)
        bounds = LOSSES[options.keyword].budgets(given, "float64")
        for side in isolation.sides:
            found = losses(side, logits, labels)[EXACT]
            for quantity in OF_LOSS:
                observed[side.label].setdefault(quantity, []).append(
                    Observation(
                        given,
                        quantity,
                        np.asarray(found[quantity]),
                        np.asarray(truth[quantity], np.float64),
                        2 * bounds[quantity],
                    )
                )
    return observed


def observe_optimizer(isolation: Isolation, judge: Judge, inputs: Inputs) -> Observations:
    """Show the weights and slots after each step, by their full names."""
    observed: Observations = {side.label: {} for side in isolation.sides}
    plan, options = isolation.plan, isolation.training.optimizer
    for given, results in updates(isolation, inputs.seen):
        truth = updated_like(judge, given, options)
        bounds = given.budgets(plan, options, "float64")
        for parameter in plan.parameters:
            whole = given.of(options, parameter)
            situation = replace(
                whole,
                weights=_exact(whole.weights),
                slots={slot: _exact(array) for slot, array in whole.slots.items()},
                gradient=_exact(whole.gradient),
            )
            for slot in ("", *whole.slots):
                name = f"{parameter}.{slot}" if slot else parameter
                for side, by_network in results.items():
                    observed[side.label].setdefault(name, []).append(
                        Observation(
                            situation,
                            slot,
                            flat(by_network[EXACT][name]),
                            truth[name].astype(np.float64),
                            _exact(2 * bounds[name]),
                        )
                    )
    return observed


def observe_prediction(isolation: Isolation, judge: Judge, inputs: Inputs) -> Observations:
    """Show the predictions: as many images as the loops can take."""
    outputs = sum(math.prod(at.output) for at in isolation.plan.layers)
    images = within(inputs.predicted.images, outputs)
    if not len(images):
        return {}
    truth = judge.side.exact.predict(images.copy()).astype(np.float64)
    return {
        side.label: {
            PREDICTED: [
                Observation(
                    None,
                    PREDICTED,
                    side.exact.predict(images.copy()),
                    truth,
                    prediction_budget(isolation, images),
                )
            ]
        }
        for side in isolation.sides
    }


def _exact(array: Any) -> Exact:
    return flat(array).astype(np.float64)
