"""A network with so many threads, whatever the others have."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from cnnspec.backends.network import Batch, Labels, Network, StepResult
from cnnspec.backends.sharing import Making, Shared, Turn
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace

_limiting = Turn()
"""One limit at a time: the pools are the process's, and go back to what they were before it."""


def _pools() -> ThreadpoolController:
    """Return the thread pools of the process."""
    return _pools_of(len(sys.modules))


@lru_cache(maxsize=1)
def _pools_of(modules: int) -> ThreadpoolController:
    """Look for them anew where modules were imported: to look takes as long as many a step."""
    return ThreadpoolController()


class ThreadLimited(Shared):
    """Lets a network compute with a number of threads, call by call.

    Limits the thread pools of the process (BLAS, OpenMP) for the time of the call; torch's
    networks have a `threads` of their own, as torch counts its threads itself.
    """

    def __init__(self, network: Network, threads: int) -> None:
        self.plan, self.backend = network.plan, network.backend
        self._network, self._threads = network, threads
        super().__init__()

    def _own_turn(self) -> Turn:
        """Return that of the network: nobody else is to compute with this number of threads."""
        return self._network._turn if isinstance(self._network, Shared) else Turn()

    def _making(self) -> Making:
        return ThreadLimited, (self._network, self._threads)

    @contextmanager
    def _limit(self) -> Iterator[Network]:
        own = getattr(self._network, "threads", None)
        # The limit's turn comes before the network's, which may be that of the whole engine: within
        # a limit, a network of somebody's own waits for the engine, and the two would wait for
        # each other. Its own number goes first: once the pools are limited, torch takes that for
        # its number before.
        with (
            _limiting.lock,
            self._turn.lock,
            own(self._threads) if own else nullcontext(),
            _pools().limit(limits=self._threads),
        ):
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

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        with self._limit() as network:
            return network.train_step(batch, learning_rate, step)

    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        with self._limit() as network:
            network.update(gradients, learning_rate, step)

    def trace(self, batch: Batch, *, step: int) -> Trace:
        with self._limit() as network:
            return network.trace(batch, step=step)

    def replay(
        self,
        layer: str,
        inputs: Sequence[Array],
        grad_output: Array,
        *,
        state: Mapping[str, Array] | None = None,
        noise: NDArray[np.bool] | None = None,
    ) -> LayerTrace:
        with self._limit() as network:
            return network.replay(layer, inputs, grad_output, state=state, noise=noise)

    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        with self._limit() as network:
            return network.replay_loss(logits, labels)
