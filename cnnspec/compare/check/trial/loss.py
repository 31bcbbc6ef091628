"""A loss in one setting, on batches of logits: run, and all that came of it written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.backends.plain import Chain, Hints, LossPass, PlainLoss, RightSoftmax
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.trial.again import Halves, try_afresh, try_again, try_two
from cnnspec.compare.check.trial.given import Given
from cnnspec.trace import Array

NOT_GIVEN = "it is left at its default; --arg {word}=VALUE gives another"


@dataclass(frozen=True)
class LossTrial:
    """A class, or functions, in one setting of a loss; each object is known by a pass of it."""

    reporter: Reporter
    arrays: Given
    candidate: Any
    setting: dict[str, Any]
    request: dict[str, Any]

    def run(self) -> None:
        """Try every batch; then again, to see whether anything is kept."""
        first = f"{self.key}-{self.setting['probes'][0]}"
        loss = self.reporter.attempt(first, "construct", lambda: self.loss)
        if loss is None:
            return
        loss.try_labels(
            lambda stage: self.reporter.say(key=first, stage=stage, event="begin"),
            forward_only=self.forward_only,
        )
        for word in loss.untried:
            self.reporter.say(key=first, not_tried=word, why=NOT_GIVEN.format(word=word))
        if loss.names_logits:
            self.reporter.say(key=first, names_logits=True)
        made = self.made(first)
        if made is None:
            return
        passed = {batch: self.passes(made, batch, batch) for batch in self.setting["probes"]}
        if not self.forward_only:
            try_afresh(self, passed)
            try_again(self, passed)
            try_two(self, passed)

    @property
    def key(self) -> str:
        """The key of the setting."""
        return str(self.setting["key"])

    @property
    def forward_only(self) -> bool:
        """Whether the process did not survive a backward pass."""
        return "forward_only" in self.setting

    @cached_property
    def loss(self) -> PlainLoss:
        """What passes are made of."""
        candidate = self.candidate
        if self.request["of"] == "probabilities":
            candidate = Chain(RightSoftmax, candidate)
        return PlainLoss(candidate, Hints(self.request["names"], self.request["arguments"]))

    def given(self, batch: str) -> tuple[Array, Labels]:
        """Return logits and labels."""
        own = self.arrays.of(f"{self.key}-{batch}")
        return own["logits"], own["labels"].astype(np.int64)

    def made(self, key: str) -> LossPass | None:
        """Return a new object; None where it cannot be made."""
        run = self.loss.begin(*self.given(self.setting["probes"][0]))
        # In a tuple: nothing is returned.
        made = self.reporter.attempt(key, "construct", lambda: (run.construct(),))
        return None if made is None else run

    def passes(self, made: LossPass, name: str, batch: str) -> bool:
        """Run both passes, and tell all that comes of them by a name."""
        key = f"{self.key}-{name}"
        logits, labels = self.given(batch)
        run = self.loss.begin(logits, labels, made)
        own = {"given_labels": np.array(run.labels), "after_labels": run.labels, "after_x": logits}
        halves = self._halves(run)
        value = self.reporter.attempt(key, "forward", halves.forward)
        if value is None:
            return False
        self.reporter.arrays(key, "forward", value | own)
        if self.forward_only:
            return True
        grad = self.reporter.attempt(key, "backward", halves.backward)
        if grad is not None:
            self.reporter.arrays(key, "backward", grad | own)
        for note in run.notes:
            self.reporter.say(key=key, stage="notes", note=note)
        return grad is not None

    def pass_between(self, made: LossPass, batch: str) -> None:
        """Run passes of more images, then of other logits and labels.

        These are the last, as what is looked up once for a shape is of them now.
        """
        key, (logits, labels) = f"{self.key}-between", self.given(batch)
        more = np.repeat(logits, 2, 0), labels.repeat(2)
        for other in (more, (-logits[::-1], labels[::-1].copy())):
            run = self._halves(self.loss.begin(*other, made))
            if self.reporter.attempt(key, "forward", run.forward) is not None:
                self.reporter.attempt(key, "backward", run.backward)

    def halves(self, made: LossPass, batch: str, *, is_other: bool = False) -> Halves:
        """Return both passes, which have yet to run; a loss has no weights that may be others."""
        return self._halves(self.loss.begin(*self.given(batch), made))

    @staticmethod
    def _halves(run: LossPass) -> Halves:
        """Return both passes; what is returned may be None, and is then told to be."""
        return Halves(lambda: {"loss": run.value()}, lambda: {"grad_logits": run.gradient()})
