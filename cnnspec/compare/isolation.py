"""Isolation: two sides, the questions that are asked of them, and the answers so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from cnnspec.compare.budget import Exact
from cnnspec.compare.measure import Ledger
from cnnspec.compare.side import Side
from cnnspec.compare.verdict import NotCompared
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Array

P = ParamSpec("P")
T = TypeVar("T")


class Isolation:
    """What every replay works on."""

    def __init__(self, plan: Plan, training: Training, first: Side, second: Side) -> None:
        self.plan, self.training = plan, training
        self.first, self.second, self.sides = first, second, (first, second)
        self.ledger = Ledger()
        self.not_compared: dict[str, NotCompared] = {}

    def attempt(
        self, what: str, run: Callable[P, T], *given: P.args, **options: P.kwargs
    ) -> T | None:
        """Run a part of a network; what it raises is noted, and None returned."""
        try:
            return run(*given, **options)
        except Exception as error:  # a faulty layer raises whatever it likes
            reason = f"{type(error).__name__}: {error}"
            self.not_compared.setdefault(what, NotCompared(what, reason))
            return None

    def hold(
        self,
        layer: str,
        quantity: str,
        probe: str,
        values: Mapping[Side, Mapping[str, Array | float]],
        *,
        pair: Exact,
        own: Mapping[Side, Exact],
    ) -> None:
        """Ask both questions of one quantity, of which `values` has each side and precision.

        Same function? In float64 the sides may be `pair` apart. How accurate? In float32
        each side may be its `own` budget off from its float64 value.
        """
        self.ledger.add(
            layer,
            quantity,
            precision="float64",
            backend=f"{self.first.backend} vs {self.second.backend}",
            probe=probe,
            found=values[self.first]["float64"],
            wanted=values[self.second]["float64"],
            budget=pair,
        )
        for side in self.sides:
            self.ledger.add(
                layer,
                quantity,
                precision="float32",
                backend=side.backend,
                probe=probe,
                found=values[side]["float32"],
                wanted=values[side]["float64"],
                budget=own[side],
            )
