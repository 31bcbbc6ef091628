"""Free training beside twins: whether what leads two sides apart is the doing of one of them.

Where rounding turns a decision (a relu near 0, two cells of a pool), a training leaves the others
by far more than they were apart before; which one is the first, a twin or a side, is a matter of
chance. So a step that leads outside the envelope of the twins is no verdict. It is rewound to, and
replayed from the state that the second side had, by the very networks in training: what the two
make of one state is rounding, if no part is beyond its budget. Then the first side is given the
second one's state and forward pass, with all that was decided there, and goes back and updates by
itself. Where it lands where the second did, the step is the first side's own: from numbers that
are apart by rounding, the function leads there. The comparison starts anew from that place: the
first side from the second's state, with twins of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.backends.network import Network
from cnnspec.compare.kinks import turned_decisions
from cnnspec.compare.party import Party
from cnnspec.compare.replay_learning import gradients_of
from cnnspec.compare.trajectory.distance import Apart, TwinEnvelope, distances, one_ulp_away
from cnnspec.compare.trajectory.watch import Standing, Watch
from cnnspec.compare.verdict import Envelope, Jump
from cnnspec.data import Split
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Trace

REPLAYS = 3
"""Steps that are replayed in search of what leads outside, at most, where no jump explains it."""
JUMPS = 10
"""Jumps that are taken as such, at most."""


class TwinWatch(Watch):
    """Holds the second side against twins of the first."""

    def __init__(
        self,
        plan: Plan,
        training: Training,
        parties: tuple[Party, Party],
        live: Mapping[str, Network],
        twins: int,
    ) -> None:
        super().__init__(plan, training, parties, live)
        self.twins = {f"twin {number}": self._build() for number in range(1, 1 + twins)}
        self._envelope = TwinEnvelope()
        self._largest = 0.0
        self._outside: tuple[int, str] | None = None
        self._jumps: list[Jump] = []
        self._start_from(self._first)

    def after_step(self, step: int, batch: Split) -> None:
        """Replay the step if it leads outside."""
        if self._reference is not self._first:
            self._take(self._reference, step, batch)
        state = self._reference.state()
        self._envelope.take([distances(state, twin.state()) for twin in self.twins.values()])
        apart = self._envelope.hold(distances(state, self._second.state()))
        if apart and not (self._worth_a_replay(step, apart) and self._jumped(step, batch, apart)):
            self._largest = max(self._largest, apart.ratio)
        self._before = Standing.of(self._reference), Standing.of(self._second)

    def envelope(self, accuracy: Mapping[str, float]) -> Envelope:
        """Return what the twins explain; `accuracy` is of these, among others."""
        step, parameter = self._outside or (None, None)
        return Envelope(
            twins=len(self.twins),
            largest=self._largest,
            outside=step,
            parameter=parameter,
            twin_accuracy=tuple(accuracy[name] for name in self.twins),
            jumps=tuple(self._jumps),
        )

    def _start_from(self, reference: Network) -> None:
        """Start twins of a training, where it stands."""
        self._reference = reference
        start = Standing.of(reference)
        for number, twin in enumerate(self.twins.values(), 1):
            moved = one_ulp_away(start.state, self._training.seed, number)
            Standing(moved, start.slots).load(twin)
        self._before = start, Standing.of(self._second)

    def _worth_a_replay(self, step: int, apart: Apart) -> bool:
        """Tell whether a step is rewound to: the first outside, then at ever greater distances."""
        if apart.inside or self.finding:
            return False
        if self._outside is None:
            return True
        return step >= 2 * self.replayed[-1] and len(self.replayed) < len(self._jumps) + REPLAYS

    def _jumped(self, step: int, batch: Split, apart: Apart) -> bool:
        """Replay a step that led outside; tell whether the first side leads there just so."""
        explained = self._replay(step, self._before[1], batch)
        if explained and self._outside is None and len(self._jumps) < JUMPS:
            network = self._build()
            jump = self._jump(network, step, batch, apart)
            if jump:
                self._jumps.append(jump)
                Standing.of(self._second).load(network)
                self._start_from(network)
                return True
        self._outside = self._outside or (step, apart.parameter)
        return False

    def _jump(self, network: Network, step: int, batch: Split, apart: Apart) -> Jump | None:
        """Let the first side take the second one's step; tell whether it lands where that did."""
        _, stood = self._before
        passed = [
            self._trace(party.build(self._plan, self._training), at, batch)
            for party, at in zip(self._parties, self._before)
        ]
        stood.load(network)
        self._go_back(network, passed[1], step, batch)
        landed = self._envelope.hold(distances(self._second.state(), network.state()))
        if landed and not landed.inside:
            return None
        return Jump(
            step,
            apart.parameter,
            apart.ratio,
            landed.ratio if landed else 0.0,
            turned_decisions(self._plan, batch.images, *passed),
        )

    def _go_back(self, network: Network, passed: Trace, step: int, batch: Split) -> None:
        """Take a step by a network's backward pass and update, from another's forward pass."""
        outputs = [passed.layers[at.name].output for at in self._plan.layers]
        loss = network.replay_loss(outputs[-1].copy(), batch.labels.copy())
        layers, grad = {}, loss.grad_logits
        for at, x in reversed(list(zip(self._plan.layers, [batch.images, *outputs]))):
            layers[at.name] = network.replay(at.name, x.copy(), grad.copy())
            grad = layers[at.name].grad_input
        trace = Trace(layers, loss)
        network.update(gradients_of(trace), self._training.optimizer.learning_rate, step)
        buffers = {
            f"{name}.{buffer}": array
            for name, layer in layers.items()
            for buffer, array in layer.buffers.items()
        }
        network.load_state(network.state() | buffers)

    def _build(self) -> Network:
        return self._parties[0].build(self._plan, self._training)

    def _take(self, network: Network, step: int, batch: Split) -> None:
        rate = self._training.optimizer.learning_rate
        network.train_step(batch.images.copy(), batch.labels, rate, step)

    @staticmethod
    def _trace(network: Network, at: Standing, batch: Split) -> Trace:
        at.load(network)
        return network.trace(batch.images.copy(), batch.labels)
