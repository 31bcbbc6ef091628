"""Every cause that the referee can name: by its code, what is said of each part that may have it.

Faults are those that the rooms of `cnnspec.compare.kinds` suspect, and those of any layer. Where
a sentence is made of what was found, it is that of a row of tests/kinds or tests/compare/causes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from cnnspec.compare import BackendChoice, parse_backend, planted
from cnnspec.compare.causes.help import HELP
from cnnspec.compare.causes.layout import other_layouts
from cnnspec.compare.causes.left_out import numbers_left_out
from cnnspec.compare.check import losses
from cnnspec.compare.check.grading import evaluation, grade_optimizer, known, state
from cnnspec.compare.check.probabilities import ZERO_TIMES_LOG
from cnnspec.compare.faults.fault import Fault, LossSituation, Observation
from cnnspec.compare.kinds import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.compare.kinds.drawing import DrawingKind
from cnnspec.compare.kinds.kind import Kind
from cnnspec.compare.kinds.loss import LossKind
from cnnspec.compare.planted.planting import faulty_builder
from cnnspec.compare.planted.specs import SPECS
from cnnspec.compare.probes.draw import loss_probes
from cnnspec.compare.referee import compare_choices
from cnnspec.compare.verdict import Cause, Verdict
from cnnspec.compare.verdict.quantities import OF_LOSS
from cnnspec.plan import resolve
from cnnspec.spec.losses import LOSSES as LOSS_OPTIONS
from tests import rooms
from tests.compare.causes.any_layer import FACTORS, ORDERS, OTHERS, SETTINGS

ANY, NETWORK = "any layer", "whole networks"
"""What may have faults, beside the kinds."""

CLASSES = 4

Said = Iterator[tuple[str, Cause]]
"""What has a fault, a kind or one of the two above, and what is said."""


@cache
def known_causes() -> dict[str, dict[str, Cause]]:
    """Return what is said, by code, and then by what has the fault."""
    found: dict[str, dict[str, Cause]] = {}
    for owner, cause in chain(
        _of_any_layer(), _of_layers(), _of_losses(), _of_optimizers(), _of_networks()
    ):
        found.setdefault(cause.code, {}).setdefault(owner, cause)
    return dict(sorted(found.items()))


def _said(owner: str, faults: Iterable[Fault[Any]], kind: Kind[Any] | None = None) -> Said:
    what_to_do = {**HELP, **(kind.help if kind else {})}
    for fault in faults:
        yield owner, Cause(fault.code, fault.sentence, what_to_do.get(fault.code, ""))


def _of_any_layer() -> Said:
    for name, quantity, faulty, _ in (*FACTORS, *ORDERS, *OTHERS):
        cause = SETTINGS[name].diagnose(quantity, faulty)
        assert cause is not None
        yield ANY, cause
    for setting in SETTINGS.values():
        for quantity in setting.truths[0]:
            observed = setting.observe(quantity, _right(quantity))
            yield from _said(ANY, other_layouts(observed))
            yield from _said(ANY, numbers_left_out(observed))
    # What a check sees beside the numbers.
    yield ANY, state.CHANGES_INPUT
    yield ANY, state.UPDATES
    yield ANY, state.ACCUMULATES
    yield ANY, state.SHARED
    yield ANY, state.OF_ONE_SIZE
    yield ANY, state.APART
    yield ANY, evaluation.OTHER
    yield ANY, known.KEPT
    yield ANY, known.UPDATED
    yield ANY, known.STALE
    yield ANY, known.DRAWN
    for cause in (*losses.PROBABILITIES.values(), ZERO_TIMES_LOG):
        yield ANY, cause


def _right(quantity: str) -> Any:
    return lambda at, right: right[quantity]


def _of_layers() -> Said:
    for word, kind in LAYERS.items():
        room = rooms.LAYERS[word]
        for setting in room.probed.values():
            for quantity in setting.truths[0]:
                observed = setting.observe(quantity, _right(quantity))
                yield from _said(word, kind.suspected(observed), kind)
        if isinstance(kind, DrawingKind):
            yield from _of_drawn(word, kind)
        yield from _said(word, kind.evaluation_faults, kind)
        for setting, quantity, faulty, code in room.faults:
            suspected = kind.suspected(setting.observe(quantity, faulty))
            yield from _said(word, (fault for fault in suspected if fault.code == code), kind)


def _of_drawn(word: str, kind: DrawingKind) -> Said:
    """Yield what a check sees of a mask that a class draws itself."""
    yield word, kind.kept_for_dropped
    yield word, kind.nothing_dropped
    yield word, kind.other_in_evaluation
    yield word, kind.same_mask
    yield word, kind.dropped_together(["rows", "columns"])


def _of_losses() -> Said:
    for word, kind in LOSSES.items():
        for observed in _losses(word):
            faults = [*kind.suspected([observed])]
            yield from _said(word, faults, kind)
            cause = next(_overflows(kind, observed, faults), None)
            yield from [(word, cause)] if cause else []


def _overflows(
    kind: LossKind, observed: Observation[LossSituation], faults: Iterable[Fault[LossSituation]]
) -> Iterator[Cause]:
    """Yield what is said of faults that give no finite number: of one kind of loss, one thing."""
    for fault in faults:
        with np.errstate(all="ignore"):
            given = fault.change(observed)
        if given and not np.isfinite(given.value).any():
            cause = kind.overflow([replace(observed, found=given.value)])
            yield from [cause] if cause else []


def _losses(word: str) -> Iterator[Observation[LossSituation]]:
    """Yield a loss on each probe; what is found and wanted does not matter."""
    for name, logits in loss_probes(CLASSES, 0):
        labels = np.arange(len(logits)) % CLASSES
        situation = LossSituation(LOSS_OPTIONS[word](), name, logits.astype(np.float64), labels)
        for quantity, shape in zip(OF_LOSS, [(), logits.shape]):
            nothing = np.zeros(shape)
            yield Observation(situation, quantity, nothing, nothing, nothing)


def _of_optimizers() -> Said:
    for word, kind in OPTIMIZERS.items():
        yield word, grade_optimizer.CHANGES_GRADIENTS
        yield word, grade_optimizer.SHARED
        yield word, grade_optimizer.LEFT_OUT
        if kind.counted_for_each:
            yield word, kind.counted_for_each
        room = rooms.OPTIMIZERS[word]
        for update in room.right.values():
            for quantity in ("", *update.options.slots):
                observed = update.observe(update.right, quantity)
                yield from _said(word, kind.suspected(observed), kind)
        for update, rule, codes in room.faults.values():
            for quantity, code in codes.items():
                suspected = kind.suspected(update.observe(rule, quantity))
                yield from _said(word, (fault for fault in suspected if fault.code == code), kind)


def _of_networks() -> Said:
    """Yield what is said where faults are planted into what ties the parts together."""
    told: set[str] = set()
    for fault in (fault for family in BETWEEN for fault in family.faults):
        if not fault.causes <= told:
            told |= fault.causes
            for finding in _compared(fault).findings:
                yield from [(NETWORK, finding.cause)] if finding.cause else []


BETWEEN = [
    family
    for family in planted.FAMILIES
    if family
    not in (*planted.LAYERS.values(), *planted.LOSSES.values(), *planted.OPTIMIZERS.values())
]
"""Faults of no kind."""


def _compared(fault: planted.PlantedFault) -> Verdict:
    """Compare a network with a fault and one without, on the first spec in which it shows."""
    spec, plan = next(
        (spec, plan)
        for spec in (*SPECS, *fault.family.specs)
        for plan in [resolve(spec)]
        if fault.applies(plan, spec.training)
    )
    faulty = BackendChoice.of_builder("faulty", faulty_builder(fault, plan))
    return compare_choices(plan, spec.training, faulty, parse_backend("numpy"))
