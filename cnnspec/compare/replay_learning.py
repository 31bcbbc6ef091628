"""The loss alone, and the optimizer alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.network import Labels, Network
from cnnspec.compare.budget import OPTIMIZER_BUDGETS, Exact, cross_entropy_budgets
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import as_float32, gradient_probe
from cnnspec.compare.side import PRECISIONS, Side
from cnnspec.plan import Plan
from cnnspec.spec.training import AnyOptimizer
from cnnspec.trace import Array, LossTrace, State

OPTIMIZER_STEPS = 4


def replay_loss(isolation: Isolation, probe: str, logits: Array, labels: Labels) -> None:
    """Hold the loss of a batch and its gradient together."""
    results = {}
    for side in isolation.sides:
        found = isolation.attempt(
            f"loss of {side.backend}, alone",
            _losses,
            side,
            logits,
            labels,
        )
        if found is None:
            return
        results[side] = found
    exact = logits.astype(np.float64)
    bounds = [cross_entropy_budgets(exact, labels, precision) for precision in PRECISIONS]
    for quantity, in_float64, in_float32 in zip(("loss", "grad_logits"), *bounds):
        isolation.hold(
            "loss",
            quantity,
            probe,
            {
                side: {precision: getattr(found, quantity) for precision, found in by.items()}
                for side, by in results.items()
            },
            pair=2 * in_float64,
            own=dict.fromkeys(isolation.sides, in_float32 + in_float64),
        )


def replay_optimizer(isolation: Isolation) -> None:
    """Give both optimizers the same weights, slots and gradients, for several steps."""
    plan, options, seed = isolation.plan, isolation.training.optimizer, isolation.training.seed
    rate = options.learning_rate
    weights = _rounded(isolation.first.exact.state())
    slots = _rounded(isolation.first.exact.optimizer_state())
    for step in range(1, OPTIMIZER_STEPS + 1):
        gradients = gradient_probe(plan, seed, step)
        results = {}
        for side in isolation.sides:
            found = isolation.attempt(
                f"optimizer of {side.backend}, alone",
                _updates,
                side,
                (weights, slots, gradients),
                rate,
                step,
            )
            if found is None:
                return
            results[side] = found
        bounds = [
            update_budgets(plan, options, weights, slots, gradients, rate, step, precision)
            for precision in PRECISIONS
        ]
        for name in bounds[0]:
            in_float64, in_float32 = (bound[name] for bound in bounds)
            isolation.hold(
                "optimizer",
                name,
                f"step {step}",
                {
                    side: {precision: found[name] for precision, found in by.items()}
                    for side, by in results.items()
                },
                pair=2 * in_float64,
                own=dict.fromkeys(isolation.sides, in_float32 + in_float64),
            )
        after = results[isolation.first]["float64"]
        weights = _rounded({name: after[name] for name in weights})
        slots = _rounded({name: after[name] for name in slots})


def _losses(side: Side, logits: Array, labels: Labels) -> dict[str, LossTrace]:
    return {name: network.replay_loss(logits, labels) for name, network in side.networks.items()}


def _updates(
    side: Side, given: tuple[State, State, State], learning_rate: float, step: int
) -> dict[str, State]:
    return {
        precision: updated(network, *given, learning_rate, step)
        for precision, network in side.networks.items()
    }


def updated(
    network: Network,
    weights: Mapping[str, Array],
    slots: Mapping[str, Array],
    gradients: Mapping[str, Array],
    learning_rate: float,
    step: int,
) -> dict[str, Array]:
    """Return the weights and slots after one update from a given state."""
    network.load_state(weights)
    network.load_optimizer_state(slots)
    network.update(gradients, learning_rate, step)
    return network.state() | network.optimizer_state()


def update_budgets(
    plan: Plan,
    options: AnyOptimizer,
    weights: Mapping[str, Array],
    slots: Mapping[str, Array],
    gradients: Mapping[str, Array],
    learning_rate: float,
    step: int,
    precision: str,
) -> dict[str, Exact]:
    """Bound the errors of one update, for each weight and slot by its name."""
    budgets: dict[str, Exact] = {}
    for name in plan.parameters:
        prefix = f"{name}."
        own = {
            slot.removeprefix(prefix): array.astype(np.float64)
            for slot, array in slots.items()
            if slot.startswith(prefix)
        }
        found = OPTIMIZER_BUDGETS[options.keyword](
            options,
            weights[name].astype(np.float64),
            own,
            gradients[name].astype(np.float64),
            learning_rate,
            step,
            precision,
        )
        budgets |= {f"{name}.{slot}" if slot else name: bound for slot, bound in found.items()}
    return budgets


def _rounded(state: Mapping[str, Array]) -> dict[str, Array]:
    return {name: as_float32(array) for name, array in state.items()}
