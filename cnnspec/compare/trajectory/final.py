"""What whole trainings came to, against twins: for runs that lie on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.trajectory.distance import TwinEnvelope, distances, one_ulp_away
from cnnspec.data import Dataset
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import State
from cnnspec.training import StepTaken, train


@dataclass(frozen=True)
class FinalEnvelope:
    """Final weights, held against those of twins that started one unit in the last place away."""

    twins: int
    distance: float
    """Between the two runs, relative, of the parameter where it is greatest against the twins'."""
    furthest_twin: float
    """Of that parameter."""
    parameter: str
    inside: bool
    twin_accuracy: tuple[float, ...]


def final_envelope(
    plan: Plan,
    training: Training,
    choices: tuple[BackendChoice, ...],
    data: Dataset,
    states: tuple[State, State],
    twins: int,
    on_step: Callable[[StepTaken], None] | None,
) -> FinalEnvelope:
    """Train twins of each backend, and hold the distance of the runs against theirs.

    Two backends sum in other orders, in every step anew: twins of the first one alone do not
    show how far that brings them. That the backends are one function is known from their parts.
    """
    found, accuracy = [], []
    for choice, number in product(choices, range(1, 1 + twins)):
        twin = choice.build(plan, training)
        twin.load_state(one_ulp_away(twin.state(), training.seed, number))
        history = train(twin, data, training, on_step=on_step)
        found.append(distances(states[0], twin.state()))
        accuracy.append(history[-1].test_accuracy)
    apart = distances(*states)
    envelope = TwinEnvelope(choices[0].working_precision(training))
    envelope.take(found)
    worst = envelope.hold(apart)
    assert worst, "twins are trained where weights differ"
    name = worst.name
    furthest = max(twin[name] for twin in found)
    return FinalEnvelope(len(found), apart[name], furthest, name, worst.inside, tuple(accuracy))
