"""run_selftest(): how many planted faults the referee finds, and how many that are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

from cnnspec.address import Address
from cnnspec.backends import builder_of
from cnnspec.compare.planted import FAULTS, PlantedFault
from cnnspec.compare.planted.planting import faulty_builder
from cnnspec.compare.planted.random_specs import random_spec
from cnnspec.compare.planted.specs import SPECS
from cnnspec.compare.referee import compare_choices
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.verdict import Finding, Verdict
from cnnspec.plan import Plan, resolve
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Precision, Training

PRECISIONS: tuple[Precision, ...] = ("float32", "float64")

FAULTY = "numpy"
"""What the side with the planted fault is called."""

DIAGNOSED_SHARE = 0.9
"""Share of the planted faults whose cause must be named."""


@dataclass(frozen=True)
class Trial:
    """What the referee said of one fault on one spec."""

    fault: PlantedFault
    spec: str
    place: Address
    """Where it should be found: where the fault was planted."""
    found: Finding | None
    """The first divergence."""

    @property
    def detected(self) -> bool:
        """Whether anything was found."""
        return self.found is not None

    @property
    def localised(self) -> bool:
        """Whether the first divergence is at the right place and quantity."""
        if self.found is None or self.found.address != self.place:
            return False
        last = self.found.quantity.rpartition(".")[2]
        return not {self.found.quantity, last}.isdisjoint(self.fault.quantities)

    @property
    def accused(self) -> bool:
        """Whether the side that is wrong was named."""
        return self.found is not None and self.found.wrong_side == FAULTY

    @property
    def diagnosed(self) -> bool:
        """Whether the cause was named."""
        cause = self.found.cause if self.found else None
        return self.localised and cause is not None and cause.code in self.fault.causes

    @property
    def right(self) -> bool:
        """Whether all was right."""
        return self.localised and self.accused and self.diagnosed


class FalseAlarm(NamedTuple):
    """A spec without a fault on which the referee found one."""

    spec: str
    """The spec, in the dialect."""
    precision: str
    verdict: Verdict


@dataclass(frozen=True)
class SelfTest:
    """How the referee did."""

    trials: tuple[Trial, ...]
    clean: int
    """Specs without a fault; each was compared in both precisions."""
    false_alarms: tuple[FalseAlarm, ...]
    against: str
    """The backend that the planted one was held against."""

    def by_fault(self) -> dict[str, list[Trial]]:
        """Return the trials of each fault, by its name."""
        found: dict[str, list[Trial]] = {}
        for trial in self.trials:
            found.setdefault(trial.fault.name, []).append(trial)
        return found

    @property
    def planted(self) -> int:
        """Number of faults."""
        return len(self.by_fault())

    @property
    def detected(self) -> int:
        """Faults that were detected on every spec where they were planted."""
        return self._count(lambda trial: trial.detected)

    @property
    def localised(self) -> int:
        """Faults whose place and quantity were right on every spec."""
        return self._count(lambda trial: trial.localised)

    @property
    def accused(self) -> int:
        """Faults whose side was named on every spec."""
        return self._count(lambda trial: trial.accused)

    @property
    def diagnosed(self) -> int:
        """Faults whose cause was right on every spec."""
        return self._count(lambda trial: trial.diagnosed)

    @property
    def missed(self) -> list[Trial]:
        """Trials of which anything was missed."""
        return [trial for trial in self.trials if not trial.right]

    @property
    def passed(self) -> bool:
        """Whether all was detected and localised, most diagnosed, and no alarm was false."""
        return (
            self.detected == self.localised == self.planted
            and self.diagnosed >= DIAGNOSED_SHARE * self.planted
            and not self.false_alarms
        )

    def _count(self, right: Callable[[Trial], bool]) -> int:
        return sum(all(map(right, trials)) for trials in self.by_fault().values())


Progress = Callable[[int, int, str], None]
"""Called before each comparison: how many are done, of how many, and what comes now."""


def run_selftest(
    *,
    clean: int,
    faults: Sequence[PlantedFault] = FAULTS,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> SelfTest:
    """Plant every fault on every spec where it applies, and compare `clean` specs without any.

    The other side is torch where it is installed, else the textbook loops.
    """
    against = "torch" if find_spec("torch") else "loops"
    pairs = [
        (fault, spec)
        for fault in faults
        for spec in (*SPECS, *fault.family.specs)
        if fault.applies(resolve(spec), spec.training)
    ]
    show = on_progress or _silent
    total = len(pairs) + clean
    trials: list[Trial] = []
    alarms: list[FalseAlarm] = []
    with _one_thread(against):
        for done, (fault, spec) in enumerate(pairs):
            show(done, total, f"{fault.name} on {spec.name}")
            trials.append(_trial(fault, spec, against))
        for number in range(clean):
            show(len(pairs) + number, total, f"clean spec {number + 1} of {clean}")
            alarms += _false_alarms(random_spec(seed, number), against)
    return SelfTest(tuple(trials), clean, tuple(alarms), against)


def _trial(fault: PlantedFault, spec: ModelSpec, against: str) -> Trial:
    plan = resolve(spec)
    choice = BackendChoice(
        FAULTY, FAULTY, faulty_builder(fault, plan)
    )  # a copy of our own: no guard
    verdict = _judge(plan, spec.training, choice, against)
    return Trial(fault, spec.name, fault.place(plan), verdict.first_divergence)


def _false_alarms(spec: ModelSpec, against: str) -> Iterator[FalseAlarm]:
    plan = resolve(spec)
    for precision in PRECISIONS:
        training = spec.training.model_copy(update={"precision": precision})
        verdict = _judge(
            plan, training, BackendChoice.of_builder(FAULTY, builder_of("numpy")), against
        )
        if verdict.verdict != "same":
            yield FalseAlarm(dump_spec(spec), precision, verdict)


def _judge(plan: Plan, training: Training, first: BackendChoice, against: str) -> Verdict:
    second = BackendChoice.of_builder(against, builder_of(against))
    return compare_choices(plan, training, first, second)


@contextmanager
def _one_thread(backend: str) -> Iterator[None]:
    """Let a backend compute without threads: on small networks, they wait longer than they work."""
    spec = SPECS[0]
    network = builder_of(backend)(resolve(spec), spec.training, device="cpu")
    limited = getattr(network, "threads", None)
    with limited(1) if limited else nullcontext():
        yield


def _silent(done: int, total: int, what: str) -> None:
    """Show nothing."""
