"""The NumPy engine on several threads, and in pieces: the same function, the same bits again."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from cnnspec import build, load_spec, parse_spec, resolve
from cnnspec.backends.network import Batch, Network, StepResult
from cnnspec.backends.numpy import LAYERS, lanes, relu
from cnnspec.backends.numpy import threads as threads_of_engine
from cnnspec.backends.numpy.batch_norm import BatchNormNumPy
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.coupled import CoupledLayer
from cnnspec.backends.numpy.lanes import Lane
from cnnspec.backends.numpy.threads import Blas, Meeting, OneBlasThread, _blas, side_by_side
from cnnspec.spec.layers import KINDS, ReLU
from cnnspec.trace import Array

PLAIN = parse_spec("""
input: [2, 8, 7]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 5}
training: {optimizer: adam}
""")
NORMED = parse_spec("""
input: [2, 8, 7]
layers:
  - conv: {out_channels: 4, kernel_size: 3, bias: false}
  - batch_norm
  - relu
  - flatten
  - batch_norm: {affine: false}
  - linear: {out_features: 5}
training: {optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9}}}
""")
BRANCHED = parse_spec("""
input: [2, 8, 7]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - parallel: {paths: [[relu, conv: {out_channels: 2, kernel_size: 1}], [], [relu]]}
  - relu
  - flatten
  - residual: {body: [relu, linear: {out_features: 560}]}
  - linear: {out_features: 5}
training: {optimizer: adam}
""")
NORMED_BRANCHES = parse_spec("""
input: [2, 8, 7]
layers:
  - residual:
      body: [conv: {out_channels: 3, kernel_size: 3, padding: 1}, batch_norm, relu]
      shortcut: [conv: {out_channels: 3, kernel_size: 1}, batch_norm]
  - parallel: {paths: [[batch_norm, relu], [], [relu, batch_norm]]}
  - flatten
  - linear: {out_features: 5}
training: {optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9}}}
""")
DRAWING = parse_spec("""
input: [2, 8, 7]
layers:
  - conv: {out_channels: 4, kernel_size: 3}
  - dropout: {p: 0.2}
  - dropout: {p: 0.4, per: channel}
  - relu
  - residual: {body: [dropout, conv: {out_channels: 4, kernel_size: 1}]}
  - flatten
  - linear: {out_features: 6}
  - relu
  - dropout
  - linear: {out_features: 5}
training: {optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9}}}
""")
SPECS = {
    "plain": PLAIN,
    "normed": NORMED,
    "branched": BRANCHED,
    "normed branches": NORMED_BRANCHES,
    "drawing": DRAWING,
}
IMAGES = 13
"""Not to be shared out evenly."""


def network_of(name: str, precision: str = "float64") -> Network:
    spec = SPECS[name]
    training = spec.training.model_copy(update={"precision": precision})
    return build(resolve(spec), training, "numpy")


def batch() -> tuple[Array, Array]:
    random = np.random.default_rng(3)
    return random.normal(size=(IMAGES, 2, 8, 7)), random.integers(0, 5, IMAGES)


def trained(network: Network, threads: int) -> tuple[list[StepResult], dict[str, Array]]:
    images, labels = batch()
    with threadpool_limits(threads):
        steps = [network.train_step(Batch(images, labels), 0.1, step) for step in (1, 2, 3)]
        steps.append(StepResult(0.0, network.predict(images)))
    return steps, network.state() | network.optimizer_state()


@pytest.fixture
def shared_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let small networks be shared out, too, and note how many images each lane has."""
    monkeypatch.setattr(lanes, "WORK", 1)
    seen: list[int] = []
    learn = Lane.learn

    def noted(self: Lane, images: Array, *rest: Array, batch: int, most: int) -> object:
        seen.append(len(images))
        return learn(self, images, *rest, batch=batch, most=most)

    monkeypatch.setattr(Lane, "learn", noted)
    return seen


each_spec = pytest.mark.parametrize("name", SPECS)


@each_spec
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_several_lanes_are_the_same_function(
    name: str, threads: int, shared_out: list[int]
) -> None:
    one, several = (trained(network_of(name), count) for count in (1, threads))
    assert sorted(shared_out[3 : 3 + threads]) == sorted(
        [IMAGES // threads] * (threads - IMAGES % threads)
        + [IMAGES // threads + 1] * (IMAGES % threads)
    )
    for alone, together in zip(one[0], several[0]):
        assert together.loss == pytest.approx(alone.loss, rel=1e-13)
        np.testing.assert_allclose(together.outputs, alone.outputs, rtol=1e-10, atol=1e-12)
    for key, array in one[1].items():
        np.testing.assert_allclose(several[1][key], array, rtol=1e-10, atol=1e-11, err_msg=key)


@each_spec
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_number_of_threads_gives_the_same_bits_every_time(
    name: str, precision: str, shared_out: list[int]
) -> None:
    runs = [trained(network_of(name, precision), 3) for _ in range(3)]
    assert len(shared_out) == 3 * 3 * 3
    for steps, state in runs[1:]:
        assert [step.loss for step in steps] == [step.loss for step in runs[0][0]]
        for key, array in runs[0][1].items():
            np.testing.assert_array_equal(state[key], array)


@pytest.mark.parametrize("name", ["plain", "branched"])
def test_pieces_bound_the_images_of_a_pass(
    name: str, shared_out: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    forward = ConvNumPy.forward

    def noted(self: ConvNumPy, x: Array) -> Array:
        seen.append(x.shape[-1])
        return forward(self, x)

    whole = trained(network_of(name), 1)
    monkeypatch.setattr(ConvNumPy, "forward", noted)
    plan = resolve(SPECS[name])
    image = sum(int(np.prod(at.output)) for at in plan.layers) * 8
    convolutions = sum(LAYERS[at.kind] is ConvNumPy for at in plan.layers)
    monkeypatch.setattr(lanes, "PIECE", 4 * image)
    for threads in (1, 2):
        seen.clear()
        pieces = trained(network_of(name), threads)
        assert max(seen) == 4
        assert sum(seen) == 4 * IMAGES * convolutions
        for key, array in whole[1].items():
            np.testing.assert_allclose(pieces[1][key], array, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("images", "most", "sizes"),
    [
        (8, 8, [8]),
        (8, 7, [4, 4]),
        (128, 31, [16] * 8),  # arrays of one size serve all pieces
        (13, 4, [3, 3, 3, 4]),  # there is none but 1
        (3, 1, [1, 1, 1]),
    ],
)
def test_pieces_are_of_one_size_where_that_is_not_too_small(
    images: int, most: int, sizes: list[int]
) -> None:
    pieces = list(lanes._pieces(images, most))
    assert [piece.stop - piece.start for piece in pieces] == sizes
    assert [piece.start for piece in pieces] == [sum(sizes[:i]) for i in range(len(sizes))]


@pytest.mark.parametrize("name", ["normed", "normed branches"])
def test_statistics_of_a_batch_norm_are_never_of_a_piece(
    name: str, shared_out: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(network_of(name), 1)
    monkeypatch.setattr(lanes, "PIECE", 1)
    for threads in (1, 2):
        pieces = trained(network_of(name), threads)
        for key, array in whole[1].items():
            np.testing.assert_allclose(pieces[1][key], array, rtol=1e-10, atol=1e-11)


@each_spec
def test_a_lane_that_fails_ends_the_others_and_the_next_step_goes_on(
    name: str, shared_out: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, images, labels = network_of(name), *batch()
    start = network.state()
    layer = BatchNormNumPy if network.plan.buffers else ConvNumPy
    forward = layer.forward

    def fails(self: ConvNumPy, x: Array) -> Array:
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("this lane")
        return forward(self, x)

    with threadpool_limits(3), monkeypatch.context() as patch:
        patch.setattr(layer, "forward", fails)
        with pytest.raises(ValueError, match="this lane"):
            network.train_step(Batch(images, labels), 0.1, 1)
    network.load_state(start)
    assert np.isfinite(trained(network, 3)[0][0].loss)
    trace = network.trace(Batch(images, labels), step=1)  # a lane that waits for nobody
    assert np.isfinite(trace.loss.loss)


def test_small_work_is_not_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Lane, "join", lambda self, meeting, index: seen.append(index))
    trained(network_of("plain"), 4)
    assert set(seen) == {0}


def test_lanes_are_as_many_as_blas_has_threads_and_blas_has_one() -> None:
    with threadpool_limits(3):
        with OneBlasThread() as outer, OneBlasThread() as inner:
            assert (outer, inner) == (3, 1)
        with OneBlasThread() as after:
            assert after == 3


def test_blas_is_held_to_one_thread_by_whoever_calls() -> None:
    def held() -> tuple[int, list[int]]:
        with OneBlasThread() as threads:
            return threads, [blas.threads() for blas in _blas()]

    assert _blas()
    with threadpool_limits(3), ThreadPoolExecutor(1) as other:
        for call in (held, other.submit(held).result, held):
            assert call() == (3, [1] * len(_blas()))
        assert [blas.threads() for blas in _blas()] == [3] * len(_blas())


class OpenMP:
    """A BLAS whose threads are OpenMP's: each thread that calls has a number of its own."""

    internal_api, threading_layer = "openblas", "openmp"

    def __init__(self) -> None:
        self._here = threading.local()

    def get_num_threads(self) -> int:
        return getattr(self._here, "threads", 3)

    def set_num_threads(self, threads: int) -> None:
        self._here.threads = threads


def test_blas_with_threads_for_each_caller_is_held_in_every_lane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blas = Blas.of(OpenMP())
    monkeypatch.setattr(threads_of_engine, "_blas", lambda: [blas])
    threads_of_engine._workers.cache_clear()  # new ones, which find that BLAS
    try:
        with threads_of_engine._workers(), OneBlasThread() as threads:
            assert threads == 3
            assert side_by_side([blas.threads] * 4) == [1] * 4
    finally:
        threads_of_engine._workers.cache_clear()
    assert blas.threads() == 3


def test_layer_times_are_of_every_layer(shared_out: list[int]) -> None:
    for name in SPECS:
        network, images, labels = network_of(name), *batch()
        with threadpool_limits(2):
            times = network.layer_times(Batch(images, labels))  # type: ignore[attr-defined]
        assert list(times) == [at.name for at in network.plan.layers]
        assert all(time.forward > 0 for time in times.values())
        backward = [name for name, time in times.items() if time.backward > 0]
        assert backward == list(times)


def test_side_by_side_keeps_the_order_and_raises() -> None:
    def task(number: int) -> Callable[[], int]:
        return lambda: number if number < 10 else 1 // 0

    assert side_by_side([task(number) for number in range(5)]) == [0, 1, 2, 3, 4]
    for numbers in ((1, 10, 2), (10, 1, 2), (1, 2, 10)):
        with pytest.raises(ZeroDivisionError):
            side_by_side([task(number) for number in numbers])
    assert side_by_side([task(7)]) == [7]


def test_a_lane_that_cannot_start_leaves_nobody_waiting(
    shared_out: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, images, labels = network_of("normed"), *batch()
    submit, started = ThreadPoolExecutor.submit, []

    def runs_out(self: ThreadPoolExecutor, *given: object) -> object:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(given)
        return submit(self, *given)  # type: ignore[arg-type]

    with threadpool_limits(3), monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", runs_out)
        with pytest.raises(RuntimeError, match="can't start"):
            network.train_step(Batch(images, labels), 0.1, 1)
    assert np.isfinite(trained(network, 3)[0][0].loss)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no forking here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_threads_of_its_own(shared_out: list[int]) -> None:
    network = network_of("plain")
    trained(network, 3)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if np.isfinite(trained(network, 3)[0][0].loss) else 1)
        except BaseException:
            os._exit(2)
    for _ in range(200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the child waits for threads of its parent")
    assert status == 0


def test_calls_from_several_threads_take_turns_and_give_the_same_bits(
    shared_out: list[int],
) -> None:
    images, labels = batch()

    def losses(network: Network) -> list[float]:
        return [network.train_step(Batch(images, labels), 0.1, step).loss for step in range(1, 9)]

    with threadpool_limits(3):
        alone = losses(network_of("normed"))
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(losses, [network_of("normed") for _ in range(4)]))
    assert together == [alone] * 4


def test_a_prediction_of_one_image_allocates_next_to_nothing() -> None:
    spec = load_spec(Path(__file__).parents[2] / "specs" / "vgg-small.yaml")
    network = build(resolve(spec), spec.training, "numpy")
    image = np.zeros((1, 3, 32, 32), np.float32)
    network.predict(image)
    tracemalloc.start()
    try:
        network.predict(image)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What NumPy's own loops take for a moment, 8,192 numbers an operand; one output of conv1 alone
    # has 256 KiB.
    assert peak < 128 * 1024


def test_images_are_copied_to_the_same_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Array] = []
    predict = ConvNumPy.predict

    def noted(self: ConvNumPy, x: Array) -> Array:
        seen.append(x)
        return predict(self, x)

    monkeypatch.setattr(ConvNumPy, "predict", noted)
    network, (images, _) = network_of("plain"), batch()
    for _ in range(2):
        network.predict(images)
    first, second = seen
    assert first is second
    assert not np.shares_memory(first, images)


def test_a_relu_in_place_spares_the_images() -> None:
    spec = parse_spec("input: [1, 2, 2]\nlayers: [relu, flatten, {linear: {out_features: 2}}]")
    network = build(resolve(spec), spec.training, "numpy")
    images = np.full((3, 1, 2, 2), -1, np.float32)
    for some in (images, images[:1]):
        network.predict(some)
        network.train_step(Batch(some, np.zeros(len(some), int)), 0.1, 1)
    assert (images == -1).all()


@pytest.mark.parametrize("over", [0, 1])
def test_a_relu_keeps_few_zeros(over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relu, "ZEROS", 2 * 3 * 4 * IMAGES - over)
    layer = relu.ReLUNumPy(ReLU(), (2, 3, 4), (2, 3, 4), np.dtype("float64"))
    x = np.random.default_rng(0).normal(size=(2, 3, 4, IMAGES))
    assert layer._zeros(x).shape == (x.shape[1:] if over else x.shape)
    np.testing.assert_array_equal(layer.forward(x.copy()), np.where(x > 0, x, 0))


def test_a_network_goes_when_nobody_holds_it() -> None:
    network = network_of("plain")
    trained(network, 2)
    gone = weakref.ref(network)
    gc.disable()
    try:
        del network
        assert gone() is None
    finally:
        gc.enable()


def test_errors_of_numpy_are_as_the_caller_set_them() -> None:
    def overflow() -> str:
        try:
            np.float32(3e38) * np.float32(10)
        except FloatingPointError:
            return "raised"
        return "passed"

    with np.errstate(over="raise"):
        assert side_by_side([overflow, overflow]) == ["raised", "raised"]
    with np.errstate(over="ignore"):
        assert side_by_side([overflow, overflow]) == ["passed", "passed"]


@pytest.mark.parametrize("kind", KINDS)
def test_layers_meet_where_the_spec_says_that_images_hang_together(kind: str) -> None:
    assert issubclass(LAYERS[kind], CoupledLayer) == KINDS[kind].couples_images


def test_a_meeting_adds_up_in_the_order_of_the_parties() -> None:
    meeting = Meeting(3)
    parts = [np.array([1e16]), np.array([1.0]), np.array([-1e16])]

    def bring(index: int) -> Callable[[], list[float]]:
        return lambda: [float(meeting.total(index, parts[index])[0]) for _ in range(50)]

    wanted = float(((parts[0] + parts[1]) + parts[2])[0])
    assert side_by_side([bring(index) for index in range(3)]) == [[wanted] * 50] * 3
