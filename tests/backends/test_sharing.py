"""Networks in several threads, copied, pickled, and sent to other processes."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from cnnspec.backends.network import Batch, Network
from cnnspec.compare import BackendChoice, parse_backend
from cnnspec.compare.sides.plain import plain_network
from cnnspec.errors import BackendError
from cnnspec.plan import Plan
from cnnspec.spec.optimizers import Adam
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.backends.every_network import (
    PLAN,
    TRAINING,
    OwnNetwork,
    OwnReLU,
    every_network,
    network_of,
    own,
)
from tests.cases import assert_same_bits, batch_of

TRAININGS = {"momentum": TRAINING, "adam": Training(optimizer=Adam())}
BATCHES = [batch_of(PLAN, 3 + number, "sharing", number) for number in range(6)]


def pickled(network: Network) -> Network:
    return pickle.loads(pickle.dumps(network))  # type: ignore[no-any-return]


WAYS: dict[str, Callable[[Network], Network]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": pickled,
}


def everything(network: Network) -> dict[str, Array]:
    slots = {f"slot {name}": slot for name, slot in network.optimizer_state().items()}
    return network.state() | slots


def train(network: Network, steps: range) -> dict[str, Array]:
    """Take steps, and return all that the network then is and says."""
    for step in steps:
        network.train_step(Batch(*BATCHES[step % len(BATCHES)]), 0.05, step)
    images, labels = BATCHES[0]
    trace = network.trace(Batch(images, labels), step=1)
    return everything(network) | {
        "logits": network.predict(images),
        "loss": np.array(trace.loss.loss),
        "grad_input": trace.layers["conv1"].grad_input,
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("optimizer", TRAININGS)
@every_network
def test_a_copy_trains_on_bit_by_bit_and_by_itself(sort: str, optimizer: str, way: str) -> None:
    network = network_of(sort, training=TRAININGS[optimizer])
    train(network, range(1, 4))
    before = everything(network)
    found = WAYS[way](network)
    assert type(found) is type(network)
    assert found.backend == network.backend
    assert found.plan == network.plan
    after = train(found, range(4, 8))
    assert_same_bits(everything(network), before)
    assert_same_bits(train(network, range(4, 8)), after)
    network.load_state({name: 0 * array for name, array in network.state().items()})
    network.load_optimizer_state(
        {name: 0 * array for name, array in network.optimizer_state().items()}
    )
    assert_same_bits(everything(found), {name: after[name] for name in before})


@every_network
def test_copies_of_copies_are_networks_like_any_other(sort: str) -> None:
    network = network_of(sort)
    wanted = train(copy.deepcopy(network), range(1, 4))
    again = pickled(copy.copy(pickled(copy.deepcopy(network))))
    assert_same_bits(train(again, range(1, 4)), wanted)


def test_a_copy_of_what_holds_a_network_twice_holds_one() -> None:
    network = network_of("loops")
    for first, second in (copy.deepcopy([network] * 2), pickle.loads(pickle.dumps([network] * 2))):
        assert first is second
        assert first is not network


def test_a_plain_class_takes_all_that_it_keeps_with_it() -> None:
    network: Any = network_of("plain")
    train(network, range(1, 3))
    calls = network._layers["linear1"].instance.calls
    for way in WAYS.values():
        found: Any = way(network)
        assert found._layers["linear1"].instance.calls == calls > 0
        found.predict(BATCHES[0][0])
        assert network._layers["linear1"].instance.calls == calls


def test_attributes_of_a_class_derived_from_a_network_are_copied() -> None:
    network: Any = network_of("numpy")
    network.kept = {"a": np.ones(2)}
    found = copy.deepcopy(network)
    found.kept["a"][0] = 5
    assert network.kept["a"].tolist() == [1, 1]


def plain_with(relu: type) -> Network:
    return plain_network(PLAN, TRAINING, layers={"relu": relu})


def test_a_class_without_a_name_can_be_copied_and_not_pickled() -> None:
    class Local(OwnReLU):
        pass

    network = plain_with(Local)
    copy.deepcopy(network).predict(BATCHES[0][0])
    with pytest.raises(BackendError, match=r"cannot be pickled: .*Local.*; define its classes and"):
        pickle.dumps(network)


class HoldsALock(OwnReLU):
    def __init__(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.parametrize("way", WAYS)
def test_a_class_that_cannot_be_copied_says_what_to_do(way: str) -> None:
    wanted = "top level of a module" if way == "pickle" else "`__deepcopy__`"
    with pytest.raises(BackendError, match=rf"cannot be .*: .*lock.*{wanted}"):
        WAYS[way](plain_with(HoldsALock))


# Other processes.


def in_a_process(networks: list[Network]) -> list[tuple[Array, dict[str, Array]]]:
    return [(network.predict(BATCHES[1][0]), train(network, range(3, 5))) for network in networks]


def spawned(networks: list[Network]) -> list[tuple[Array, dict[str, Array]]]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(in_a_process, networks).result(timeout=120)


@pytest.mark.parametrize(
    "sorts",
    [
        ("numpy", "loops", "plain", "guarded", "numpy@threads=2"),
        pytest.param(("torch", "torch@threads=2"), marks=pytest.mark.slow),
    ],
    ids=["numpy", "torch"],
)
def test_a_spawned_process_predicts_and_trains_on(sorts: tuple[str, ...]) -> None:
    networks = [network_of(sort) for sort in sorts]
    for network in networks:
        train(network, range(1, 3))
    for network, (logits, after) in zip(networks, spawned(networks), strict=True):
        assert_same_bits({"logits": network.predict(BATCHES[1][0])}, {"logits": logits})
        assert_same_bits(train(network, range(3, 5)), after)


OWN = """
import numpy as np
from cnnspec import plain_network

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask

def Network(plan, training, *, device):
    return plain_network(plan, training, layers={"relu": ReLU})
"""


def test_a_network_of_a_user_s_file_is_sent_with_its_file(tmp_path: Path) -> None:
    """Two files of one name, too: the other process runs both."""
    networks = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "own.py"
        file.write_text(OWN.replace("x > 0", "x > 1") if folder == "second" else OWN)
        networks.append(parse_backend(f"{file}:Network").build(PLAN, TRAINING))
    wanted = [network.predict(BATCHES[1][0]) for network in networks]
    assert not np.array_equal(*wanted)
    for network, logits in zip(networks, wanted):
        assert_same_bits({"logits": pickled(network).predict(BATCHES[1][0])}, {"logits": logits})
    for (found, _), logits in zip(spawned(networks), wanted, strict=True):
        assert_same_bits({"logits": found}, {"logits": logits})
    sent = pickle.dumps(networks[0])
    (tmp_path / "first" / "own.py").unlink()
    name = type(networks[0]._network._layers["relu1"].instance).__module__  # type: ignore[attr-defined]
    del sys.modules[name]
    with pytest.raises(BackendError, match=r"there is no file .*first/own\.py to take the backend"):
        pickle.loads(sent)


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no forking here")
forks_beside_threads = pytest.mark.filterwarnings(
    "ignore:.*multi-threaded.*fork:DeprecationWarning"
)


def forked(act: Callable[[], bool]) -> bool:
    """Return what a forked process makes of it; fail where it does not end."""
    child = os.fork()
    if child == 0:
        os._exit(0 if act() else 1)
    for _ in range(200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return pytest.fail("the child waits for a thread of its parent")


@forks
@forks_beside_threads
@pytest.mark.parametrize("sort", ["numpy", "loops", "plain", "guarded", "numpy@threads=2"])
def test_a_forked_process_does_not_wait_for_a_thread_of_its_parent(sort: str) -> None:
    network, (images, _) = network_of(sort), BATCHES[0]
    wanted = network.predict(images)
    with held(network):
        assert forked(lambda: np.array_equal(network.predict(images), wanted))


@forks
@forks_beside_threads
@pytest.mark.torch
def test_a_forked_process_does_not_wait_for_threads_of_torch() -> None:
    """Of OpenMP's threads, which share out what is large, it has none."""
    import torch

    network, images = network_of("torch"), np.repeat(BATCHES[0][0], 1000, axis=0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        wanted = network.predict(images)
        assert forked(lambda: np.allclose(network.predict(images), wanted, atol=1e-5))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


class held:  # noqa: N801
    """A context in which another thread is in a call of a network."""

    def __init__(self, network: Any) -> None:
        self._lock, self._over, self._in = network._turn.lock, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with self._lock:
            self._in.set()
            self._over.wait(60)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._in.wait(60)

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


# Threads.


@pytest.fixture
def _often() -> Iterator[None]:
    """Let threads take turns after a few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


LOOKS: dict[str, Callable[[Any, Any, Any], dict[str, Any]]] = {
    "predict": lambda network, images, labels: {"logits": network.predict(images)},
    "trace": lambda network, images, labels: {
        name: layer.grad_input
        for name, layer in network.trace(Batch(images, labels), step=1).layers.items()
    },
    "replay": lambda network, images, labels: (
        network.replay("conv1", [images], np.ones((len(images), 3, 6, 5))).grad_parameters
    ),
    "replay_loss": lambda network, images, labels: {
        "grad": network.replay_loss(np.eye(4), np.arange(4)).grad_logits
    },
    "state": lambda network, images, labels: everything(network),
}


@pytest.mark.usefixtures("_often")
@every_network
def test_threads_that_use_one_network_get_what_each_would_get_alone(sort: str) -> None:
    network = network_of(sort)
    tasks = [(look, batch) for look in LOOKS for batch in BATCHES] * 2
    wanted = [LOOKS[look](network, *batch) for look, batch in tasks]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda task: LOOKS[task[0]](network, *task[1]), tasks))
    for one, other in zip(found, wanted, strict=True):
        assert_same_bits(one, other)


@pytest.mark.usefixtures("_often")
@every_network
def test_steps_of_several_threads_are_taken_one_after_the_other(sort: str) -> None:
    """Of one batch, so that their order does not matter; what copies see is between two steps."""
    found, wanted = network_of(sort), network_of(sort)
    images, labels = BATCHES[0]
    steps = 24
    states = [everything(wanted)]
    for _ in range(steps):
        wanted.train_step(Batch(images, labels), 0.05, 1)
        states.append(everything(wanted))

    def act(number: int) -> Network | None:
        if number % 2:
            return copy.deepcopy(found)
        found.train_step(Batch(images, labels), 0.05, 1)
        return None

    with ThreadPoolExecutor(4) as pool:
        copies = [made for made in pool.map(act, range(2 * steps)) if made is not None]
    assert_same_bits(everything(found), states[-1])
    known = [b"".join(array.tobytes() for array in state.values()) for state in states]
    for made in copies:
        assert b"".join(array.tobytes() for array in everything(made).values()) in known


@pytest.mark.usefixtures("_often")
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_number_of_threads_is_put_back(backend: str) -> None:
    """Limits that overlapped would leave the process with that of whoever came first."""
    networks = [
        parse_backend(f"{backend}@threads={count}").build(PLAN, TRAINING) for count in (1, 2, 3)
    ]
    before = numbers_of_threads(backend)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: networks[number % 3].predict(BATCHES[0][0]), range(60)))
    assert numbers_of_threads(backend) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(numbers_of_threads, backend).result() == before


def test_two_limited_networks_of_one_engine_do_not_wait_for_each_other() -> None:
    """One takes the engine's turn as its own, the other within a call of somebody's network."""
    within, other_asks = threading.Event(), threading.Event()

    class Slow(OwnNetwork):
        def predict(self, images: Array) -> Array:
            within.set()
            other_asks.wait(60)
            time.sleep(0.2)
            return super().predict(images)

    def build(plan: Plan, training: Training, *, device: str) -> Network:
        return own(plan, training, device=device, kind=Slow)

    slow = replace(BackendChoice.of_builder("slow", build), threads=2).build(PLAN, TRAINING)
    plain = network_of("numpy@threads=2")
    images = BATCHES[0][0]
    found: dict[str, Array] = {}

    def ask_slow() -> None:
        found["slow"] = slow.predict(images)

    def ask_plain() -> None:
        within.wait(60)
        other_asks.set()
        found["plain"] = plain.predict(images)

    threads = [threading.Thread(target=ask, daemon=True) for ask in (ask_slow, ask_plain)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found.keys() == {"slow", "plain"}
    np.testing.assert_array_equal(found["slow"], found["plain"])


def numbers_of_threads(backend: str) -> list[int]:
    found = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    if backend == "torch":
        import torch

        found.append(torch.get_num_threads())
    return found
