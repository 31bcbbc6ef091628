"""bench(): one spec on several backends, by turns in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from cnnspec.backends import LOOPS
from cnnspec.backends.network import Batch, Network
from cnnspec.bench.cost import predict_cost, step_cost
from cnnspec.bench.layers import NOT_BY_LAYER, layer_rows, time_layers
from cnnspec.bench.loops import SliceTimes, measure_slice
from cnnspec.bench.machine import Machine, measure_machine
from cnnspec.bench.measure import Spread, Times, alternate
from cnnspec.bench.memory import peak_memory
from cnnspec.bench.parts import Parts, Progress
from cnnspec.bench.records import MODES, TORCH, WORDS, Bench, LeftOut, Mode, Row
from cnnspec.bench.worthless import Load, reasons
from cnnspec.compare import BackendChoice, parse_backend
from cnnspec.environment import MOST_THREADS
from cnnspec.errors import BackendError
from cnnspec.plan import Plan, resolve_to_train
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training

BACKENDS = ("numpy", TORCH, LOOPS)
BATCHES = (1, 10, 32, 128, 512)
SECONDS = 2.0
"""For each batch size and mode, shared by the backends."""

Networks = Mapping[str, Network]
Peaks = dict[tuple[str, int], dict[str, int]]


def bench(
    spec: ModelSpec,
    backends: Sequence[str] = BACKENDS,
    *,
    batches: Sequence[int] = BATCHES,
    threads: int = 1,
    seconds: float = SECONDS,
    memory: bool = True,
    on_progress: Progress = lambda done, total, what: None,
) -> Bench:
    """Time training steps, predictions and layers of a spec on several backends.

    They take turns in one process, with the same number of threads, on the same random images,
    and with a learning rate of 0: every step is the same. `backends` are names, `torch@compile`
    or `path/to/file.py:Network`. The loops take part with a slice, which is scaled up. With
    `memory`, each backend and batch size gets a process that tells its peak.

    Raises:
        BackendError: a backend is unknown, or cannot do what was asked.
        DataError: a batch is too small for a layer's statistics.
        ValueError: there is no batch size, or a number of threads or seconds is out of range.
    """
    if not batches or min(batches) < 1 or not 1 <= threads <= MOST_THREADS or seconds <= 0:
        raise ValueError(
            f"wanted batch sizes from 1, 1 to {MOST_THREADS} threads and some seconds; found "
            f"{tuple(batches)}, {threads} and {seconds}"
        )
    plan, training = resolve_to_train(spec), spec.training
    choices = {name: _choice(name) for name in backends}
    loops = choices.pop(LOOPS, None)
    load = Load.at_start()
    total = 2 + len(batches) * (len(MODES) + memory * len(choices)) + bool(loops and plan.macs)
    parts = Parts(on_progress, total)
    parts.begin("the machine")
    machine = measure_machine(threads, training.precision)
    at = _At(plan, training, machine)
    networks = {name: choice.build(plan, training) for name, choice in choices.items()}
    times: dict[tuple[Mode, int], dict[str, Times]] = {}
    loads: dict[tuple[Mode, int], Load] = {}
    with _threads_of(networks, threads):
        for batch, mode in product(batches, MODES):
            parts.begin(f"{WORDS[mode]}, batch {batch}")
            actions = _actions(networks, mode, _batch(plan, batch))
            times[mode, batch] = alternate(actions, seconds, before_block=parts.go_on)
            loads[mode, batch] = load.now()
        layer_batch = min(batches, key=lambda size: abs(size - training.batch_size))
        parts.begin(f"layers in steps of {layer_batch}")
        passes = time_layers(networks, _batch(plan, layer_batch), seconds, parts.go_on)
        of_layers = load.now()
    layers = layer_rows(plan, training, machine, of_layers, passes, layer_batch)
    left_out = [
        LeftOut(f"layers of {name}", NOT_BY_LAYER) for name in networks if name not in passes
    ]
    peaks: Peaks = {}
    if memory:
        peaks, missing = _peaks(spec, list(networks), batches, threads, parts)
        left_out += missing
    rows = [
        at.row(mode, name, batch, found, peaks, loads[mode, batch])
        for (mode, batch), found in times.items()
        for name in found
    ]
    if loops and plan.macs:
        parts.begin("a slice of the loops")
        taken = measure_slice(loops, spec)
        rows += _loop_rows(at, taken, times, load.now())
    elif loops:
        left_out.append(LeftOut(LOOPS, "no multiply-accumulates to scale a slice up by"))
    rows.sort(key=lambda row: (MODES.index(row.mode), batches.index(row.batch_size)))
    return Bench(
        plan,
        training,
        machine,
        load.highest_of([*loads.values(), of_layers]),
        tuple(rows),
        layer_batch,
        tuple(layers),
        tuple(left_out),
    )


def _choice(text: str) -> BackendChoice:
    """Read who takes part: all in the spec's precision, on the CPU, with the same threads."""
    choice = parse_backend(text)
    if choice.threads or choice.precision or choice.device != "cpu" or "autocast" in choice.options:
        raise BackendError(
            f"`{text}`: all backends are timed in the spec's precision (`--set "
            "training.precision=float64`), on the CPU and with the same number of threads "
            "(`--threads`); the only setting here is `compile`"
        )
    return choice


def _batch(plan: Plan, size: int) -> Batch:
    """Draw images and labels."""
    random = np.random.default_rng(0)
    images = random.normal(size=(size, *plan.input)).astype(np.float32)
    return Batch(images, random.integers(0, plan.classes, size))


@contextmanager
def _threads_of(networks: Networks, threads: int) -> Iterator[None]:
    """Let all networks, and BLAS, have so many threads, while the context lasts."""
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(threads))
        for network in networks.values():
            if limited := getattr(network, "threads", None):
                stack.enter_context(limited(threads))
        yield


def _actions(networks: Networks, mode: Mode, batch: Batch) -> dict[str, Callable[[], object]]:
    def train(network: Network) -> Callable[[], object]:
        steps = count(1)
        return lambda: network.train_step(batch, 0.0, next(steps))

    def predict(network: Network) -> Callable[[], object]:
        return lambda: network.predict(batch.images)

    make = {"train": train, "predict": predict}[mode]
    return {name: make(network) for name, network in networks.items()}


@dataclass(frozen=True)
class _At:
    """What figures are reckoned from."""

    plan: Plan
    training: Training
    machine: Machine

    def row(
        self,
        mode: Mode,
        name: str,
        batch: int,
        times: dict[str, Times],
        peaks: Peaks,
        load: Load,
    ) -> Row:
        own, torch = times[name], times.get(TORCH)
        return self.row_of(
            mode,
            name,
            batch,
            own.spread,
            load,
            calls=len(own.calls),
            ratio_to_torch=own.ratio(torch) if torch else None,
            peak_memory=peaks.get((name, batch), {}).get(mode),
        )

    def row_of(
        self, mode: Mode, name: str, batch: int, seconds: Spread, load: Load, **rest: Any
    ) -> Row:
        parts = (step_cost if mode == "train" else predict_cost)(self.plan, batch, self.training)
        flops = sum(part.flops for part in parts)
        of_roofline = self.machine.bound(parts) / seconds.median
        return Row(
            mode,
            name,
            batch,
            seconds,
            gflops=flops / seconds.median / 1e9,
            of_roofline=of_roofline,
            worthless=reasons(of_roofline, (seconds,), load),
            **rest,
        )


def _loop_rows(
    at: _At,
    taken: SliceTimes,
    times: Mapping[tuple[Mode, int], Mapping[str, Times]],
    load: Load,
) -> Iterator[Row]:
    for (mode, batch), found in times.items():
        seconds, part = taken.scaled(mode, at.plan, batch)
        torch = found.get(TORCH)
        ratio = seconds.times(1 / torch.spread.median) if torch else None
        more = {"calls": 1, "ratio_to_torch": ratio, "slice": part}
        yield at.row_of(mode, LOOPS, batch, seconds, load, **more)


def _peaks(
    spec: ModelSpec,
    names: Sequence[str],
    batches: Sequence[int],
    threads: int,
    parts: Parts,
) -> tuple[Peaks, list[LeftOut]]:
    """Return the peak memory of each backend and batch size, and what could not be told."""
    peaks: Peaks = {}
    missing = []
    text = dump_spec(spec.model_copy(update={"data": None}), defaults=True)
    for batch, name in product(batches, names):
        parts.begin(f"memory of {name}, batch {batch}")
        found = peak_memory(text, name, batch, threads)
        if isinstance(found, str):
            missing.append(LeftOut(f"memory of {name}, batch {batch}", found))
        else:
            peaks[name, batch] = found
    return peaks, missing
