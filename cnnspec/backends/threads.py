"""A network with so many threads, whatever the others have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from cnnspec.backends.network import Labels, Network, Step
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace


class ThreadLimited:
    """Lets a network compute with a number of threads, call by call.

    Limits the thread pools of the process (BLAS, OpenMP) for the time of the call; torch's
    networks have a `threads` of their own, as torch counts its threads itself.
    """

    def __init__(self, network: Network, threads: int) -> None:
        self.plan, self.backend = network.plan, network.backend
        self._network, self._threads = network, threads

    @contextmanager
    def _limit(self) -> Iterator[Network]:
        limited = getattr(self._network, "threads", None)
        with threadpool_limits(self._threads):
            if limited is None:
                yield self._network
            else:
                with limited(self._threads):
                    yield self._network

    def state(self) -> State:
        return self._network.state()

    def load_state(self, state: Mapping[str, Array]) -> None:
        self._network.load_state(state)

    def optimizer_state(self) -> State:
        return self._network.optimizer_state()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        self._network.load_optimizer_state(state)

    def predict(self, images: Array) -> Array:
        with self._limit() as network:
            return network.predict(images)

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        with self._limit() as network:
            return network.train_step(images, labels, learning_rate, step)

    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        with self._limit() as network:
            network.update(gradients, learning_rate, step)

    def trace(self, images: Array, labels: Labels) -> Trace:
        with self._limit() as network:
            return network.trace(images, labels)

    def replay(self, layer: str, x: Array, grad_output: Array) -> LayerTrace:
        with self._limit() as network:
            return network.replay(layer, x, grad_output)

    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        with self._limit() as network:
            return network.replay_loss(logits, labels)
