"""An optimizer in one setting: run step by step, and all that came of it written down."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.plain.errors import NoWayError
from cnnspec.backends.plain.optimizers import PlainOptimizer
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.trial.given import Given
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.trace import Array


def try_optimizer(
    reporter: Reporter,
    all_given: Given,
    code: Any,
    setting: dict[str, Any],
    request: dict[str, Any],
) -> None:
    """Take steps alone; then anew, by turns with those of another one over other weights."""
    key = setting["key"]
    options = OPTIMIZERS[request["kind"]](**setting["options"])
    start, gradients = all_given.of(f"{key}-start"), all_given.of(f"{key}-gradients")
    said = options, request["names"], request["arguments"]

    def make() -> PlainOptimizer:
        try:
            return PlainOptimizer(code, *said, start)
        except NoWayError:
            reporter.say(key=key, no_way=True)
            raise

    made = reporter.attempt(key, "update", make)
    if made is None:
        return
    count = len(next(iter(gradients.values())))
    alone = _Steps(reporter, key, made, gradients)
    if not all(alone.take(step) for step in range(count)):
        return
    alone.tell()
    reporter.say(key=key, offered=sorted(made.offered))
    for word in made.unknown:
        why = f"no option of `{request['kind']}` is called so; if it is one: --map OPTION={word}"
        reporter.say(key=key, not_tried=word, why=why)
    reporter.say(key=key, note=f"it is called with {made.in_words}")
    other_start = {name: -array for name, array in start.items()}
    other_gradients = {name: 2 * array[::-1] for name, array in gradients.items()}
    both = reporter.attempt(
        f"{key}-beside", "update", lambda: (made.another(start), made.another(other_start))
    )
    if both is None:
        return
    anew = _Steps(reporter, f"{key}-beside", both[0], all_given.of(f"{key}-gradients"))
    other = _Steps(reporter, f"{key}-other", both[1], other_gradients)
    if all(anew.take(step) and other.take(step) for step in range(count)):
        anew.tell()


class _Steps:
    """Steps of one optimizer, and the weights after each."""

    def __init__(
        self, reporter: Reporter, key: str, made: PlainOptimizer, gradients: dict[str, Array]
    ) -> None:
        self._reporter, self._key, self._made = reporter, key, made
        self._gradients = gradients
        self._after: list[dict[str, Array]] = []

    def take(self, step: int) -> bool:
        """Take a step; return whether it came to its end."""

        def update() -> dict[str, Array]:
            self._made.step({name: rows[step] for name, rows in self._gradients.items()}, step + 1)
            return self._made.weights()

        after = self._reporter.attempt(self._key, "update", update)
        if after is not None:
            self._after.append(after)
        return after is not None

    def tell(self) -> None:
        """Tell the weights after each step, and what became of the gradients."""
        weights = {name: np.stack([each[name] for each in self._after]) for name in self._after[0]}
        left = {f"after_{name}": rows for name, rows in self._gradients.items()}
        self._reporter.arrays(self._key, "update", weights | left)
