"""The loss alone, and the optimizer alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from cnnspec.address import LOSS, OPTIMIZER
from cnnspec.backends.answers import slots_of
from cnnspec.backends.network import Labels, Network
from cnnspec.compare.fault import LossSituation, UpdateSituation
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.kinds import LOSSES, OPTIMIZERS
from cnnspec.compare.kinds.loss import OF_LOSS
from cnnspec.compare.probes import as_float32, gradient_probe
from cnnspec.compare.side import EXACT, Side
from cnnspec.numerics.budget import Exact
from cnnspec.plan import Plan
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.trace import Array, State, Trace

OPTIMIZER_STEPS = (1, 2, 3, 10, 1000)
"""Numbers of the steps that both optimizers take: some treat the first ones otherwise."""

TOGETHER = 100_000
"""Of so many weights, updates are bounded together: most parameters are small."""


def replay_loss(isolation: Isolation, probe: str, logits: Array, labels: Labels) -> None:
    """Hold the loss of a batch and its gradient together."""
    results = {}
    for side in isolation.sides:
        found = isolation.attempt(LOSS, side, losses, side, logits, labels)
        if found is None:
            return
        results[side] = found
    options = isolation.training.loss
    given, kind = LossSituation(options, probe, logits.astype(np.float64), labels), options.keyword
    bounds = {each: LOSSES[kind].budgets(given, each) for each in isolation.precisions}
    in_float64 = bounds["float64"]
    for quantity in OF_LOSS:
        isolation.hold(
            LOSS,
            quantity,
            probe,
            {
                side: {network: found[quantity] for network, found in by.items()}
                for side, by in results.items()
            },
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


@dataclass(frozen=True)
class GivenUpdate:
    """What both optimizers are given for one step."""

    weights: State
    slots: State
    gradients: State
    learning_rate: float
    step: int

    def of(self, options: AnyOptimizer, parameter: str) -> UpdateSituation:
        """Return what is given for one parameter."""
        return UpdateSituation(
            options,
            self.learning_rate,
            self.step,
            self.weights[parameter].astype(np.float64),
            slots_of_one(self.slots, parameter),
            self.gradients[parameter].astype(np.float64),
        )

    def budgets(
        self,
        plan: Plan,
        options: AnyOptimizer,
        precision: str,
        gradient_errors: Mapping[str, Exact] = MappingProxyType({}),
    ) -> dict[str, Exact]:
        """Bound the errors of this update, for each weight and slot by its name.

        `gradient_errors` are what the gradients themselves may be off by.
        """
        bounds: dict[str, Exact] = {}
        for names in _together(plan):
            given = _joined([self.of(options, name) for name in names])
            errors = [
                np.broadcast_to(gradient_errors.get(name, 0.0), plan.parameters[name])
                for name in names
            ]
            found = OPTIMIZERS[options.keyword].budgets(given, precision, _flat(errors))
            start = 0
            for name in names:
                shape = plan.parameters[name]
                here = slice(start, start + math.prod(shape))
                start = here.stop
                # Slots first: where one is wrong, the weights are wrong because of it.
                for slot in sorted(found, key=lambda slot: not slot):
                    full = f"{name}.{slot}" if slot else name
                    bounds[full] = found[slot][here].reshape(shape)
        return bounds


def _together(plan: Plan) -> Iterator[list[str]]:
    """Yield parameters that are bounded together: the rule is for each number by itself."""
    names: list[str] = []
    numbers = 0
    for name, shape in plan.parameters.items():
        numbers += math.prod(shape)
        if names and numbers > TOGETHER:
            yield names
            names, numbers = [], math.prod(shape)
        names.append(name)
    if names:
        yield names


def _joined(given: Sequence[UpdateSituation]) -> UpdateSituation:
    """Return what several parameters are given as if they were one."""
    first = given[0]
    return replace(
        first,
        weights=_flat([at.weights for at in given]),
        slots={slot: _flat([at.slots[slot] for at in given]) for slot in first.slots},
        gradient=_flat([at.gradient for at in given]),
    )


def _flat(arrays: Sequence[Exact]) -> Exact:
    return np.concatenate([array.ravel() for array in arrays])


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
            gradients = gradients_of(seen)
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


def gradients_of(trace: Trace) -> State:
    """Return the gradients of all parameters, by their full names."""
    return {
        f"{name}.{parameter}": gradient
        for name, layer in trace.layers.items()
        for parameter, gradient in layer.grad_parameters.items()
    }


def is_of(name: str, parameter: str) -> bool:
    """Tell whether an array is a parameter, or a slot of it."""
    return f"{name}.".startswith(f"{parameter}.")


def buffers_of(trace: Trace) -> State:
    """Return what a pass would make of all buffers, by their full names."""
    return {
        f"{name}.{buffer}": array
        for name, layer in trace.layers.items()
        for buffer, array in layer.buffers.items()
    }


def replay_optimizer(isolation: Isolation, seen: Trace | None) -> None:
    """Hold the weights and slots after the same updates together."""
    plan, options = isolation.plan, isolation.training.optimizer
    for given, results in updates(isolation, seen):
        bounds = {each: given.budgets(plan, options, each) for each in isolation.precisions}
        for name, bound in bounds["float64"].items():
            isolation.hold(
                OPTIMIZER,
                name,
                f"step {given.step}",
                {
                    side: {network: found[name] for network, found in by.items()}
                    for side, by in results.items()
                },
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


def slots_of_one(slots: Mapping[str, Array], parameter: str) -> dict[str, Exact]:
    """Return the slots of one parameter by their own names (`exp_avg`)."""
    prefix = f"{parameter}."
    return {
        slot.removeprefix(prefix): array.astype(np.float64)
        for slot, array in slots.items()
        if slot.startswith(prefix)
    }


def _no_slots(plan: Plan, options: AnyOptimizer) -> State:
    """Return the slots from which an optimizer starts."""
    return {name: np.zeros(shape, np.float32) for name, shape in slots_of(plan, options).items()}


def _rounded(state: Mapping[str, Array]) -> dict[str, Array]:
    return {name: as_float32(array) for name, array in state.items()}
