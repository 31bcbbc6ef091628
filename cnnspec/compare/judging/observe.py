"""What is shown to the judge: each side's layer, loss or optimizer, beside what is right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cnnspec.backends.raised import cannot
from cnnspec.compare.bounds.carried import prediction_budget
from cnnspec.compare.bounds.layers import layer_situation, magnitudes, pair_budgets
from cnnspec.compare.faults.fault import LossSituation, Observation
from cnnspec.compare.judging.judge import Judge, replayed, updated_like, within
from cnnspec.compare.kinds import LOSSES
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.replay.learning import losses
from cnnspec.compare.replay.probes import Probes
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import EXACT, Side
from cnnspec.compare.verdict.quantities import OF_LOSS, PREDICTED
from cnnspec.trace import Array

Observations = dict[str, dict[str, list[Observation[Any]]]]
"""By the label of the side, and by quantity."""


def observe_layer(isolation: Isolation, judge: Judge, probes: Sequence[LayerProbe]) -> Observations:
    """Show every quantity of a layer, on all its probes that the judge can reach.

    In the order in which they were run: what one pass leaves behind may be in the next.
    """
    observed: Observations = {}
    shown = [*judge.within_reach(probes)]
    parts = {side: _answers(side, shown) for side in isolation.sides}
    for side in isolation.sides:
        of_side: dict[str, list[Observation[Any]]] = {}
        for probe in side.asked():
            if all(probe in answered for answered in parts.values()):
                for seen in _beside(judge, probe, side, parts[side][probe]):
                    of_side.setdefault(seen.quantity, []).append(seen)
        observed[side.label] = of_side
    return observed


def _answers(side: Side, probes: Sequence[LayerProbe]) -> dict[LayerProbe, dict[str, Array]]:
    """Return what a side gives on probes; that it fails on one is said in the coverage."""
    answers = {}
    for probe in probes:
        try:
            answers[probe] = replayed(side, probe)
        except Exception as error:
            if not cannot(error):
                raise
    return answers


def _beside(
    judge: Judge, probe: LayerProbe, side: Side, found: dict[str, Array]
) -> Iterator[Observation[Any]]:
    """Yield what a side gave beside what is right."""
    truth = judge.replay(probe)
    sums = {judge.side: magnitudes(judge.side, probe)}
    budgets = pair_budgets(probe, {side: found, judge.side: truth}, sums)
    situation = layer_situation(judge.side, probe)
    for quantity, right in truth.items():
        exact = right.astype(np.float64)
        yield Observation(situation, quantity, found[quantity], exact, budgets[quantity])


def observe_loss(isolation: Isolation, judge: Judge, probes: Probes) -> Observations:
    """Show the loss and its gradient, on all probes on which both sides were asked."""
    observed: Observations = {side.label: {} for side in isolation.sides}
    options = isolation.training.loss
    for name, logits, labels in probes.losses:
        truth = losses(judge.side, logits, labels)[EXACT]
        given = LossSituation(options, name, logits.astype(np.float64), labels)
        bounds = LOSSES[options.keyword].budgets(given, "float64")
        for side, found in isolation.kept.losses.get(name, {}).items():
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


def observe_optimizer(isolation: Isolation, judge: Judge) -> Observations:
    """Show the weights and slots after each step, by their full names."""
    observed: Observations = {side.label: {} for side in isolation.sides}
    plan, options = isolation.plan, isolation.training.optimizer
    for given, results in isolation.kept.updates:
        truth = updated_like(judge, given, options)
        bounds = given.budgets(plan, options, "float64")
        for parameter in plan.parameters:
            situation = given.of(options, parameter)
            for slot in ("", *situation.slots):
                name = f"{parameter}.{slot}" if slot else parameter
                for side, found in results.items():
                    exact = truth[name].astype(np.float64)
                    observed[side.label].setdefault(name, []).append(
                        Observation(situation, slot, found[name], exact, 2 * bounds[name])
                    )
    return observed


def observe_prediction(isolation: Isolation, judge: Judge, probes: Probes) -> Observations:
    """Show the predictions: as many images as the loops can take."""
    outputs = sum(math.prod(at.output) for at in isolation.plan.layers)
    images = within(probes.predicted.images, outputs)
    if not len(images):
        return {}
    truth = judge.side.exact.predict(images.copy()).astype(np.float64)
    budget = prediction_budget(isolation, images)
    return {
        side.label: {
            PREDICTED: [
                Observation(None, PREDICTED, _predicted(isolation, side, images), truth, budget)
            ]
        }
        for side in isolation.sides
    }


def _predicted(isolation: Isolation, side: Side, images: Array) -> Array:
    kept = isolation.kept.predictions.get(side)
    if kept is not None and np.array_equal(kept[0], images):
        return kept[1]
    return side.exact.predict(images.copy())
