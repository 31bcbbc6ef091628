"""Backends that somebody else wrote: whatever they raise is told as theirs, with file and line.

So is an answer that is not what was asked for. cnnspec's own backends are not guarded: what they
raise is an error of cnnspec's.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.answers import (
    UnfitError,
    as_layer,
    as_logits,
    as_loss,
    as_state,
    as_step,
    as_trace,
    shown,
    slots_of,
)
from cnnspec.backends.border import (
    check_images,
    check_layer,
    check_loss,
    check_replay,
    check_step,
    check_training,
)
from cnnspec.backends.foreign import foreign
from cnnspec.backends.network import Batch, Labels, LayerTimes, Network, StepResult
from cnnspec.backends.raised import TOLD, called, in_words, place_of, told
from cnnspec.backends.sharing import Making, Shared, by_turns, pickled
from cnnspec.backends.user_file import is_user_file, run_before, whole_path
from cnnspec.errors import BackendError, CnnspecError
from cnnspec.plan import Plan
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace

T = TypeVar("T")

METHODS = tuple(name for name in vars(Network) if name[0] != "_" and callable(vars(Network)[name]))


def guarded(builder: Callable[..., Any], name: str) -> Callable[..., Network]:
    """Return a builder whose own errors, and those of its networks, are told as those of `name`."""

    def build(plan: Plan, training: Training, **options: Any) -> Network:
        try:
            with foreign():
                network = builder(plan, training, **options)
        except (CnnspecError, MemoryError, KeyboardInterrupt):
            raise
        except BaseException as error:  # somebody's code raises whatever it likes
            raise BackendError(
                f"`{name}` cannot build a network: {in_words(error)}{place_of(error)}; a backend "
                "is called as `Network(plan, training, device=...)`"
            ) from error
        missing = [method for method in METHODS if not callable(getattr(network, method, None))]
        missing += [
            attribute for attribute in ("plan", "backend") if not hasattr(network, attribute)
        ]
        if missing:
            lacks = ", ".join(f"`{method}`" for method in missing)
            raise BackendError(
                f"`{name}` returned {shown(network)}, which "
                + (f"has no {lacks}" if len(missing) < len(METHODS) else "is no network")
                + "; wanted one with the methods of `cnnspec.Network`, such as "
                "`cnnspec.backends.numpy.build(plan, training, device=device)` returns"
            )
        if not isinstance(network.plan, Plan):
            raise BackendError(
                f"`{name}` returned a network whose `plan` is {shown(network.plan)}; wanted the "
                "plan that it was given"
            )
        return GuardedNetwork(network, name, plan, slots_of(plan, training.optimizer))

    return build


def _from_bytes(
    network: bytes, guarding: tuple[str, Plan, Mapping[str, Shape]], file: str | None
) -> GuardedNetwork:
    """Make a guarded network again, once the file is run that has its classes."""
    if file is not None:
        run_before(file)
    return GuardedNetwork(pickle.loads(network), *guarding)


class GuardedNetwork(Shared):
    """A network of somebody else's: an exit becomes an error, and an error says whose it is."""

    def __init__(self, network: Network, name: str, plan: Plan, slots: Mapping[str, Shape]) -> None:
        super().__init__()
        self.plan, self.backend = plan, network.backend
        self._network, self._name = network, name
        self._slots = dict(slots)

    def __getattr__(self, attribute: str) -> Any:
        """Return what is not part of the protocol as it is, but for the times of the layers."""
        found = getattr(self._network, attribute)
        return self._layer_times if attribute == "layer_times" else found

    def _layer_times(self, batch: Batch) -> dict[str, LayerTimes]:
        check_training(batch, self.plan)
        found: dict[str, LayerTimes] = self._run("layer_times", batch)
        return found

    def _making(self) -> Making:
        return GuardedNetwork, (self._network, self._name, self.plan, self._slots)

    @by_turns
    def __reduce__(self) -> Making:
        file = whole_path(self._name) if is_user_file(self._name) else None
        guarding = (self._name, self.plan, self._slots)
        return _from_bytes, (pickled(self._network), guarding, file)

    @by_turns
    def _run(self, method: str, *given: Any, **named: Any) -> Any:
        try:
            with foreign():
                return getattr(self._network, method)(*given, **named)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            if not told(error):
                error.add_note(f"{TOLD} `{self._name}` in {method}{place_of(error)}")
            raise
        except BaseException as stop:  # an exit, or what a test framework ends a test with
            place = f"in {method}{place_of(stop)}"
            does = "calls" if isinstance(stop, SystemExit) else "raises"
            what = called(stop) if isinstance(stop, SystemExit) else in_words(stop)
            raised = BackendError(f"`{self._name}` {does} {what} {place}")
            raised.add_note(f"{TOLD} `{self._name}` {place}")
            raise raised from stop

    def _ask(self, method: str, *given: Any, answer: Callable[[Any], T], **named: Any) -> T:
        """Run a method and hold its answer to what was asked for."""
        found = self._run(method, *given, **named)
        try:
            return answer(found)
        except UnfitError as unfit:
            error = BackendError(
                f"`{self._name}` returned {unfit.found} from {method}; wanted {unfit.wanted}"
            )
            error.add_note(f"{TOLD} `{self._name}` in {method}")
            raise error from None

    def state(self) -> State:
        return self._ask("state", answer=lambda found: as_state(found, self.plan.state))

    def load_state(self, state: Mapping[str, Array]) -> None:
        self._run("load_state", state)

    def optimizer_state(self) -> State:
        return self._ask("optimizer_state", answer=lambda found: as_state(found, self._slots))

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        self._run("load_optimizer_state", state)

    def predict(self, images: Array) -> Array:
        check_images(images, self.plan)
        return self._ask("predict", images, answer=as_logits)

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        check_training(batch, self.plan, step)
        return self._ask(
            "train_step",
            *(batch, learning_rate, step),
            answer=lambda found: as_step(found, len(batch.images), self.plan.classes),
        )

    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        check_step(step)
        self._run("update", gradients, learning_rate, step)

    def trace(self, batch: Batch, *, step: int) -> Trace:
        check_training(batch, self.plan, step)
        return self._ask(
            "trace",
            batch,
            step=step,
            answer=lambda found: as_trace(found, len(batch.images), self.plan),
        )

    def replay(
        self,
        layer: str,
        inputs: Sequence[Array],
        grad_output: Array,
        *,
        state: Mapping[str, Array] | None = None,
        noise: NDArray[np.bool] | None = None,
    ) -> LayerTrace:
        at = check_layer(layer, self.plan)
        check_replay(inputs, grad_output, at, state, noise)
        return self._ask(
            "replay",
            *(layer, inputs, grad_output),
            state=state,
            noise=noise,
            answer=lambda found: as_layer(found, at),
        )

    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        check_loss(logits, labels)
        return self._ask("replay_loss", logits, labels, answer=as_loss)
