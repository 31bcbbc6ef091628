"""Free training beside twins: whether what leads two sides apart is the doing of one of them.

Where rounding turns a decision (a relu near 0, two cells of a pool), a training leaves the others
by far more than they were apart before; which one is the first, a twin or a side, is a matter of
chance. So a step that leads outside the envelope of the twins is no verdict. It is rewound to, and
replayed from where the second side stood, by the very networks in training: what the two make of
one state is rounding, if no part is beyond its budget. Then the first side is given the second
one's state and forward pass, with all that was decided there, and goes back and updates by itself.
Where that leads outside, too, and lands where the second did, the step is the function's own: it
jumps from numbers that are apart by rounding. The comparison starts anew from that place: the
first side from where the second stands, with twins of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import numpy as np

from cnnspec.backends.network import Batch, Network
from cnnspec.backends.raised import told
from cnnspec.compare.bounds.carried import gradient_errors
from cnnspec.compare.bounds.kinks import turned_decisions
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.trajectory.distance import Apart, TwinEnvelope, one_ulp_away
from cnnspec.compare.trajectory.watch import Pair, Standing, Watch
from cnnspec.compare.verdict import Envelope, Jump
from cnnspec.compare.verdict.quantities import is_of
from cnnspec.data import Split
from cnnspec.noise import Masks, Noise
from cnnspec.trace import Trace
from cnnspec.training import StepTaken

P = ParamSpec("P")
T = TypeVar("T")

REPLAYS = 3
"""Steps that are replayed in search of what leads outside, at most, where no jump explains it."""
JUMPS = 10
"""Jumps that are taken as such, at most."""


class TwinWatch(Watch):
    """Holds the second side against twins of the first."""

    def __init__(self, pair: Pair, count: int) -> None:
        """`count` twins."""
        super().__init__(pair)
        self.twins = {f"twin {number}": self._build() for number in range(1, 1 + count)}
        self._precision = pair.choices[0].working_precision(pair.training)
        # Of weights and buffers, and of slots, which scatter wider.
        self._envelopes = TwinEnvelope(self._precision), TwinEnvelope(self._precision)
        self._largest = 0.0
        self._outside: tuple[int, str] | None = None
        self._tried = False
        self._jumps: list[Jump] = []
        self._left_out: list[str] = []
        self._start_from(self._first)

    def after_step(self, taken: StepTaken) -> None:
        """Replay the step if it leads outside."""
        step, batch = taken.step, self._batch(taken)
        if self._reference is not self._first:
            rate = self._pair.training.optimizer.learning_rate
            self._reference.train_step(Batch(batch.images.copy(), batch.labels), rate, step)
        stands, other = Standing.of(self._reference), Standing.of(self._second)
        of_twins = [stands.distances(Standing.of(twin)) for twin in self.twins.values()]
        for envelope, apart_of_twins in zip(self._envelopes, zip(*of_twins)):
            envelope.take(apart_of_twins)
        apart = self._apart(stands, other)
        while (
            apart
            and self._is_to_be_replayed(step, apart)
            and self._leave_out(apart.name, step, batch)
        ):
            apart = self._apart(stands, other)
        if apart and self._is_to_be_replayed(step, apart):
            self._rewind(step, batch, apart)
        elif apart:
            self._largest = max(self._largest, apart.ratio)
        self._stood, self._other_stood = Standing.of(self._reference), other

    def envelope(self, accuracy: Mapping[str, float]) -> Envelope:
        """Return what the twins explain; `accuracy` is of these, among others."""
        step, name = self._outside or (None, None)
        return Envelope(
            twins=len(self.twins),
            largest=self._largest,
            outside=step,
            parameter=name,
            twin_accuracy=tuple(accuracy[name] for name in self.twins),
            jumps=tuple(self._jumps),
            tried=self._tried,
            left_out=tuple(self._left_out),
        )

    def _build(self) -> Network:
        return self._pair.choices[0].build(self._pair.plan, self._pair.training)

    def _start_from(self, reference: Network) -> None:
        """Start twins of a training of the first side, where it stands."""
        self._reference = reference
        self._stood, self._other_stood = Standing.of(reference), Standing.of(self._second)
        for number, twin in enumerate(self.twins.values(), 1):
            moved = one_ulp_away(self._stood.state, self._pair.training.seed, number)
            Standing(moved, self._stood.slots).load(twin)

    def _apart(self, one: Standing, other: Standing) -> Apart | None:
        """Hold what is apart against the twins, after the step that these have taken."""
        held = (
            envelope.hold({name: far for name, far in distances.items() if not self._left(name)})
            for envelope, distances in zip(self._envelopes, one.distances(other))
        )
        return max(
            filter(None, held), key=lambda apart: (not apart.inside, apart.ratio), default=None
        )

    def _left(self, name: str) -> bool:
        """Tell whether an array is a parameter that is left out, or a slot of one."""
        return any(is_of(name, left) for left in self._left_out)

    def _leave_out(self, name: str, step: int, batch: Split) -> bool:
        """Leave out the parameter of an array if its gradient is rounding alone; tell whether.

        It should be 0, as that of a bias in front of a batch norm; how far rounding is from 0
        depends on the order of sums, and an optimizer may make whole steps of it.
        """
        pair = self._pair
        (parameter,) = [of for of in pair.plan.parameters if is_of(name, of)] or [""]
        if not parameter:
            return False
        exact = [
            trace
            for choice in pair.choices
            if (trace := _answer(self._exact_pass, choice, step, batch)) is not None
        ]
        if len(exact) < 2:
            return False
        weights = Weights(pair.plan, pair.training, self._precision)
        weights.load(self._stood.state, self._masks(step, batch))
        bounds = gradient_errors(pair.plan, weights, exact[0], batch.labels)
        if any(np.any(np.abs(at.gradients[parameter]) > bounds[parameter]) for at in exact):
            return False
        self._left_out.append(parameter)
        return True

    def _exact_pass(self, choice: BackendChoice, step: int, batch: Split) -> Trace:
        network = choice.build(self._pair.plan, self._pair.training, "float64")
        return self._pass(network, self._stood, step, batch)

    def _is_to_be_replayed(self, step: int, apart: Apart) -> bool:
        """Tell so of the first step outside, and then at ever greater distances."""
        if apart.inside or self.finding:
            return False
        if self._outside is None:
            return True
        return step >= 2 * self.replayed[-1] and len(self.replayed) < len(self._jumps) + REPLAYS

    def _rewind(self, step: int, batch: Split, apart: Apart) -> None:
        """Replay a step that led outside, and start anew if it is a jump."""
        explained = self._replay(step, self._other_stood, batch)
        if explained and self._outside is None and len(self._jumps) < JUMPS:
            jump = self._jump(step, batch, apart)
            if jump:
                self._jumps.append(jump)
                network = self._build()
                Standing.of(self._second).load(network)
                self._start_from(network)
                self.started_anew = True
                return
            self._tried = True
        self._outside = self._outside or (step, apart.name)
        self._largest = max(self._largest, apart.ratio)

    def _jump(self, step: int, batch: Split, apart: Apart) -> Jump | None:
        """Let the first side take the second one's step, and see whether that is a jump."""
        network = self._build()
        passed = _answer(self._take_the_others, network, step, batch)
        if passed is None:
            return None
        landed = Standing.of(network)
        led = self._apart(Standing.of(self._reference), landed)
        off = self._apart(Standing.of(self._second), landed)
        if led is None or led.inside or (off and not off.inside):
            return None
        turned = turned_decisions(self._pair.plan, *passed)
        return Jump(step, apart.name, apart.ratio, off.ratio if off else 0.0, turned)

    def _take_the_others(self, network: Network, step: int, batch: Split) -> tuple[Trace, Trace]:
        """Let a network take the second side's step; return both sides' own passes there."""
        pair, stood = self._pair, (self._stood, self._other_stood)
        own, others = (
            self._pass(choice.build(pair.plan, pair.training), at, step, batch)
            for choice, at in zip(pair.choices, stood)
        )
        self._other_stood.load(network)
        self._go_back(network, others, step, batch)
        return own, others

    @staticmethod
    def _pass(network: Network, stood: Standing, step: int, batch: Split) -> Trace:
        stood.load(network)
        return network.trace(Batch(batch.images.copy(), batch.labels), step=step)

    def _masks(self, step: int, batch: Split) -> Masks:
        """Return what layers draw in a step."""
        noise = Noise(self._pair.plan, self._pair.training.seed)
        return noise.masks(step, np.arange(len(batch)), len(batch))

    def _go_back(self, network: Network, passed: Trace, step: int, batch: Split) -> None:
        """Take a step by a network's backward pass and update, from another's forward pass."""
        plan, rate = self._pair.plan, self._pair.training.optimizer.learning_rate
        last = plan.layers[-1].name
        masks = self._masks(step, batch)
        loss = network.replay_loss(passed.layers[last].output.copy(), batch.labels.copy())
        layers, grads = {}, {last: loss.grad_logits}
        for at in reversed(plan.layers):
            inputs = [x.copy() for x in passed.layers[at.name].inputs]
            grad, noise = grads[at.name].copy(), masks.get(at.name)
            layers[at.name] = network.replay(at.name, inputs, grad, noise=noise)
            for source, grad in zip(at.inputs, layers[at.name].grad_inputs):
                grads[source] = grads[source] + grad if source in grads else grad
        trace = Trace(layers, loss)
        network.update(trace.gradients, rate, step)
        network.load_state(network.state() | trace.buffers)


def _answer(ask: Callable[P, T], *given: P.args, **options: P.kwargs) -> T | None:
    """Ask somebody's network; None where it raises."""
    try:
        return ask(*given, **options)
    except Exception as error:  # it raises whatever it likes
        if not told(error):
            raise
        return None
