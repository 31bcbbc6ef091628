"""The loss alone, and the optimizer alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cnnspec.address import LOSS, OPTIMIZER
from cnnspec.backends.answers import slots_of
from cnnspec.backends.network import Labels, Network
from cnnspec.compare.faults.fault import LossSituation
from cnnspec.compare.kinds import LOSSES
from cnnspec.compare.probes.draw import as_float32, gradient_probe
from cnnspec.compare.probes.update import GivenUpdate, flat
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import EXACT, Side
from cnnspec.compare.verdict.quantities import OF_LOSS
from cnnspec.plan import Plan
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.trace import Array, State, Trace

OPTIMIZER_STEPS = (1, 2, 3, 10, 1000)
"""Numbers of the steps that both optimizers take: some treat the first ones otherwise."""


def replay_loss(isolation: Isolation, probe: str, logits: Array, labels: Labels) -> None:
    """Hold the loss of a batch and its gradient together."""
    results = {}
    for side in isolation.sides:
        found = isolation.attempt(LOSS, side, losses, side, logits, labels)
        if found is None:
            return
        results[side] = found
    isolation.kept.losses[probe] = {side: found[EXACT] for side, found in results.items()}
    options = isolation.training.loss
    given, kind = LossSituation(options, probe, logits.astype(np.float64), labels), options.keyword
    bounds = {each: LOSSES[kind].budgets(given, each) for each in isolation.precisions}
    in_float64 = bounds["float64"]
    for quantity in OF_LOSS:
        isolation.hold(
            LOSS,
            quantity,
            probe,
            results,
            pair=2 * in_float64[quantity],
            own={
                side: bounds[side.precision][quantity] + in_float64[quantity]
                for side in isolation.sides
            },
        )


def losses(side: Side, logits: Array, labels: Labels) -> dict[str, dict[str, Array | float]]:
    """Return what each network of a side gives for the loss and its gradient."""
    found: dict[str, dict[str, Array | float]] = {}
    for kind, network in side.answering().items():
        trace = network.replay_loss(logits.copy(), labels.copy())
        found[kind] = {"loss": trace.loss, "grad_logits": trace.grad_logits}
    return found


def updates(
    isolation: Isolation, seen: Trace | None
) -> Iterator[tuple[GivenUpdate, dict[Side, dict[str, State]]]]:
    """Give both optimizers the same weights, slots and gradients, step by step.

    Yield what was given, and what each network of each side made of it; the next step starts
    from where the first side came to. Where a moment of a training is replayed, that is the only
    step, along the gradients `seen` there. Ends where a side fails, or numbers overflow.
    """
    plan, training, moment = isolation.plan, isolation.training, isolation.moment
    weights = _rounded(isolation.first.weights)
    slots = moment.slots if moment else _no_slots(plan, training.optimizer)
    for step in (moment.step,) if moment else OPTIMIZER_STEPS:
        gradients = gradient_probe(plan, training.seed, step)
        if moment and seen:
            gradients = seen.gradients
        given = GivenUpdate(weights, slots, gradients, training.optimizer.learning_rate, step)
        results = {}
        for side in isolation.sides:
            found = isolation.attempt(OPTIMIZER, side, _updates, side, given)
            if found is None:
                return
            results[side] = found
        yield given, results
        after = results[isolation.first][EXACT]
        weights = _rounded({name: after[name] for name in weights})
        slots = _rounded({name: after[name] for name in slots})
        if not all(np.isfinite(array).all() for array in (*weights.values(), *slots.values())):
            return


def replay_optimizer(isolation: Isolation, seen: Trace | None) -> None:
    """Hold the weights and slots after the same updates together."""
    plan, options = isolation.plan, isolation.training.optimizer
    for given, results in updates(isolation, seen):
        isolation.kept.updates.append(
            (
                given.sliced(),
                {
                    side: {name: flat(array) for name, array in of_network[EXACT].items()}
                    for side, of_network in results.items()
                },
            )
        )
        bounds = {each: given.budgets(plan, options, each) for each in isolation.precisions}
        for name, bound in bounds["float64"].items():
            isolation.hold(
                OPTIMIZER,
                name,
                f"step {given.step}",
                results,
                pair=2 * bound,
                own={side: bounds[side.precision][name] + bound for side in isolation.sides},
            )


def _updates(side: Side, given: GivenUpdate) -> dict[str, State]:
    return {kind: updated(network, given) for kind, network in side.answering().items()}


def updated(network: Network, given: GivenUpdate) -> dict[str, Array]:
    """Return the weights and slots after one update from a given state; its own stays."""
    weights, slots = network.state(), network.optimizer_state()
    network.load_state(given.weights)
    network.load_optimizer_state(given.slots)
    network.update(given.gradients, given.learning_rate, given.step)
    after = network.state() | network.optimizer_state()
    network.load_state(weights)
    network.load_optimizer_state(slots)
    return after


def _no_slots(plan: Plan, options: AnyOptimizer) -> State:
    """Return the slots from which an optimizer starts."""
    return {name: np.zeros(shape, np.float32) for name, shape in slots_of(plan, options).items()}


def _rounded(state: Mapping[str, Array]) -> dict[str, Array]:
    return {name: as_float32(array) for name, array in state.items()}
