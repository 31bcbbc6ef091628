"""Forecast: how long the loops will take, said before they begin, and how to have it shorter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from cnnspec.backends import LOOPS
from cnnspec.backends.loops.pace import Pace, pace_of
from cnnspec.bench.loops import cut_to_size
from cnnspec.cli.output import say
from cnnspec.compare.sides.choice import parse_backend
from cnnspec.compare.sides.effort import effort_of
from cnnspec.compare.trajectory.few import share_of
from cnnspec.compare.trajectory.together import planned_steps
from cnnspec.data import Dataset, load_data
from cnnspec.plan import Plan, resolve
from cnnspec.spec.model import ModelSpec
from cnnspec.training import Run

LONG = 30.0
"""Seconds from which on something is said beforehand."""

PASSES, FORWARD, UPDATES = 170, 40, 22
"""What a replay asks of costly loops, in about, besides a whole batch of each layer: images that go
forward and back, those that go forward alone, and updates."""

FEW_STEPS = 10
"""Steps that are offered in place of a whole training."""

_SIDES = parse_backend(LOOPS), parse_backend(LOOPS)


@dataclass(frozen=True)
class LoopsTraining:
    """A training by the loops."""

    model: ModelSpec
    data: Dataset
    steps: int | None = None
    """None: the whole."""
    networks: int = 1
    """How many are trained."""

    @property
    def learnt(self) -> int:
        """Images that are learnt from, in all epochs."""
        whole = self.model.training.epochs * len(self.data.train)
        batch = self.model.training.batch_size
        return whole if self.steps is None else min(whole, self.steps * batch)

    @property
    def tested(self) -> int:
        """Images that are predicted: all of the test images after each epoch."""
        return math.ceil(self.learnt / len(self.data.train)) * len(self.data.test)

    def seconds(self, pace: Pace) -> float:
        """Return how long the loops take."""
        steps = planned_steps(self.data, self.model.training, self.steps)
        return self.networks * (pace.training(self.learnt, steps) + pace.testing(self.tested))

    def shorter(self, pace: Pace) -> Iterator[str]:
        """Yield options that make it short."""
        training, source = self.model.training, self.model.data
        if self.learnt > len(self.data.train):
            yield "--set training.epochs=1"
        few = _round(LONG / (pace.forward + pace.backward))
        if source and len(self.data.train) > few and self.learnt > training.epochs * few:
            yield f"--set data.{source.keyword}.train_samples={few}"
        tests = _round(LONG / pace.forward)
        if source and len(self.data.test) > tests:
            yield f"--set data.{source.keyword}.test_samples={tests}"
        larger = 10 * training.batch_size
        if self.steps is None and pace.update > training.batch_size * (
            pace.forward + pace.backward
        ):
            yield f"--set training.batch_size={larger}"


def of_training(plan: Plan, training: LoopsTraining) -> None:
    """Say how long a training by the loops will take, where that is long."""
    pace = pace_of(plan, training.model.training)
    ways = [*training.shorter(pace), "--backend numpy"]
    _say(training.seconds(pace), _images(training), ways)


def of_evaluation(plan: Plan, model: ModelSpec, images: int) -> None:
    """Say how long the loops will take to predict so many images, where that is long."""
    pace = pace_of(plan, model.training)
    ways = ["--backend numpy"]
    if model.data:
        few = _round(LONG / pace.forward)
        ways.insert(0, f"--set data.{model.data.keyword}.test_samples={few}")
    _say(pace.testing(images), f"{images:,} images to test on", ways)


def of_comparison(
    model: ModelSpec,
    backends: tuple[str, str],
    data_dir: str | None,
    *,
    mode: str,
    steps: int | None,
    all_of_it: bool,
    twins: int,
) -> None:
    """Say how long the loops of a comparison will take, if they are a side, where that is long.

    `all_of_it`: the user asked for the training, which else is cut short beside the loops.
    """
    slow = [_is_loops(backend) for backend in backends]
    if not any(slow):
        return
    plan, data = (
        resolve(model),
        load_data(model.data, data_dir, limits=model.limits) if model.data else None,
    )
    pace = pace_of(plan, model.training)
    replayed = sum(slow) * of_replay(plan, model, pace)
    trained, ways, what = 0.0, [], "every part to replay"
    if data and mode != "replay" and steps != 0:
        share = None if all_of_it else share_of(plan, model.training, _SIDES, data)
        of_first = twins if mode == "free" and slow[0] else 0
        share_steps, share_data = (share.steps, share.data) if share else (steps, data)
        training = LoopsTraining(model, share_data, share_steps, sum(slow) + of_first)
        trained = training.seconds(pace)
        what += f", {_images(training)}"
        ways = [] if share else ["--mode replay"]
        if not share and (steps is None or steps > FEW_STEPS):
            ways.append(f"--steps {FEW_STEPS}")
        ways += training.shorter(pace) if not share else []
    _say(replayed + trained, what, [*ways, *_without_loops()])


def of_runs(run: Run, backends: tuple[str, str], twins: int, data_dir: str | None) -> None:
    """Say how long the loops will take to compare two runs, of which `run` is the first."""
    model, slow = run.spec(), sum(map(_is_loops, backends))
    if not slow or model.data is None:
        return
    plan, data = resolve(model), load_data(model.data, data_dir, limits=model.limits)
    pace = pace_of(plan, model.training)
    seconds, what = slow * pace.testing(len(data.test)), "the test images"
    if slow == 1:
        seconds += of_replay(plan, model, pace)
        what += ", every part to replay"
    ways = _without_loops() if slow == 1 else []
    if twins:
        seconds += LoopsTraining(model, data, networks=twins).seconds(pace)
        what += f", {twins} twins to train where the weights differ"
        ways.insert(0, "--twins 0")
    _say(seconds, what, ways)


def of_bench(model: ModelSpec) -> None:
    """Say how long the slice of the loops will take in a benchmark, where that is long."""
    plan = resolve(cut_to_size(model))
    pace = pace_of(plan, model.training)
    images = max(at.layer.least_batch(at.input) for at in plan.layers)
    _say(
        pace.training(images, 1) + pace.testing(images),
        f"a step and a prediction of {images} image{'' if images == 1 else 's'}",
        _without_loops() or ["--backends numpy"],
    )


def of_replay(plan: Plan, model: ModelSpec, pace: Pace) -> float:
    """Return how long the loops take to have every part replayed; 0 where that is short."""
    batch = model.training.batch_size
    effort = effort_of(_SIDES[0], plan, batch, 0.0)
    if not effort.few:
        return 0.0
    whole = min(batch, effort.most)
    passes = (PASSES + whole) * (pace.forward + pace.backward)
    return passes + FORWARD * pace.forward + UPDATES * pace.update


def _is_loops(backend: str) -> bool:
    """Tell by the name alone: a file of somebody's own is not imported for a forecast."""
    return backend.partition("@")[0] == LOOPS


def _without_loops() -> list[str]:
    """Return the option that leaves them out, if there is another backend to compare."""
    return ["--backends numpy,torch"] if find_spec("torch") else []


def _images(training: LoopsTraining) -> str:
    what = f"{training.learnt:,} images to learn from, {training.tested:,} to test on"
    return what if training.networks == 1 else f"{what}, {training.networks} times"


def _round(number: float) -> int:
    """Return a number with one digit that counts, from 1 on."""
    whole = max(1, round(number))
    digit: int = 10 ** (len(str(whole)) - 1)
    return whole // digit * digit


def _say(seconds: float, what: str, ways: list[str]) -> None:
    if seconds > LONG:
        say(f"cnnspec: the loops will take about {duration(seconds)}: {what}")
        if ways:
            say(f"         for less: {', '.join(ways)}")


def duration(seconds: float) -> str:
    """Write about how long something takes: 40 s, 12 min, 3 h, 2 days."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
