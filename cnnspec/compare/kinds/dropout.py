"""What the referee knows of dropout: a mask that was drawn, and one factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, computed
from cnnspec.compare.kinds.drawing import DrawingKind
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Dropout
from cnnspec.trace import Array

Observed = Observation[LayerSituation]

ROUNDINGS = 8
"""Of a factor made of p in a few steps, and of the products with it."""


class Given(NamedTuple):
    """What one quantity is made of: the same way forward and back."""

    source: Exact
    """x, or the upstream gradient."""
    kept: NDArray[np.bool]
    """The mask, number by number."""
    p: float
    x: Exact

    @property
    def scale(self) -> float:
        """What is kept is multiplied by it."""
        return 1 / (1 - self.p)

    @classmethod
    def of(cls, observation: Observed) -> Given:
        """Return what an observed quantity is made of."""
        situation, options = observation.situation, observation.situation.at.layer
        assert isinstance(options, Dropout)
        assert situation.noise is not None
        x = situation.x
        source = x if observation.quantity == "output" else situation.grad_output
        return cls(source, np.broadcast_to(situation.noise, x.shape), options.p, x)


def _fault(
    code: str,
    sentence: str,
    factor: Callable[[Given], Any],
    *quantities: str,
) -> Fault[LayerSituation]:
    """Return a fault that multiplies by other factors."""

    def predict(observation: Observed) -> Prediction:
        given = Given.of(observation)
        value = given.source * factor(given)
        return computed(value, np.abs(value), ROUNDINGS)

    return Fault(code, quantities, sentence, predict)


_SCALES = (
    _fault(
        "not-scaled",
        "what is kept is not divided by 1 - p: on average the output is smaller in training than "
        "in evaluation",
        lambda at: at.kept,
    ),
    _fault(
        "divided-by-p",
        "what is kept is divided by p; it is to be divided by 1 - p, the share that is kept",
        lambda at: at.kept / at.p if at.p else at.kept,
    ),
    _fault(
        "multiplied",
        "what is kept is multiplied by 1 - p; it is to be divided by it",
        lambda at: at.kept * (1 - at.p),
    ),
    _fault(
        "multiplied",
        "what is kept is multiplied by p; it is to be divided by 1 - p",
        lambda at: at.kept * at.p,
    ),
    _fault(
        "scaled-twice",
        "what is kept is divided by 1 - p twice",
        lambda at: at.kept * at.scale**2,
    ),
)

_MASKS = (
    _fault(
        "not-applied",
        "nothing is dropped and nothing scaled: the layer is left out in training",
        lambda at: 1.0,
        "output",
    ),
    _fault(
        "mask-missing",
        "nothing is dropped: every number is divided by 1 - p",
        lambda at: at.scale,
        "output",
    ),
    _fault(
        "mask-missing",
        "the gradient passes everywhere; where a number was dropped, it is 0",
        lambda at: at.scale,
        "grad_input",
    ),
    _fault(
        "mask-missing",
        "the gradient of the output is returned as it came; it is to be dropped and scaled as the "
        "numbers were",
        lambda at: 1.0,
        "grad_input",
    ),
    _fault(
        "mask-inverted",
        "what is to be kept is dropped, and the other way round",
        lambda at: ~at.kept * at.scale,
    ),
    _fault(
        "mask-inverted",
        "p is taken for the share that is kept: what is to be dropped is kept, and divided by p",
        lambda at: ~at.kept / at.p if at.p else 0 * at.source,
    ),
    _fault(
        "mask-inverted",
        "what is to be kept is dropped, and the other way round; nothing is scaled",
        lambda at: ~at.kept,
    ),
    _fault(
        "mask-of-output",
        "the gradient is 0 where the output is 0; it is 0 only where a number was dropped",
        lambda at: at.kept * (at.x != 0) * at.scale,
        "grad_input",
    ),
)


def _of_another_mask(
    sentence: str, fits: Callable[[Dropout, NDArray[np.bool]], bool]
) -> Fault[LayerSituation]:
    """Return the fault of whoever drops other numbers, of which those that are kept are right."""

    def predict(observation: Observed) -> Prediction | None:
        given, options = Given.of(observation), observation.situation.at.layer
        assert isinstance(options, Dropout)
        if observation.found.shape != given.source.shape or not options.p:
            return None
        kept = observation.found != 0
        if not fits(options, kept | (given.source == 0)):
            return None
        value = given.source * kept * given.scale
        return computed(value, np.abs(value), ROUNDINGS)

    return Fault("other-mask", (), sentence, predict)


def _drops_parts_of_channels(options: Dropout, kept: NDArray[np.bool]) -> bool:
    axes = tuple(range(2, kept.ndim))
    return options.per == "channel" and bool(np.any(kept.any(axis=axes) & ~kept.all(axis=axes)))


_OTHER_MASKS = (
    _of_another_mask(
        "numbers are dropped one by one; whole channels are to be dropped",
        _drops_parts_of_channels,
    ),
    _of_another_mask(
        "what is kept is right, but other numbers are dropped than the mask says: the layer draws "
        "a mask of its own, or another one back than forward",
        lambda options, kept: True,
    ),
)


HELP = {
    "not-scaled": "divide what is kept by 1 - p, forward and back",
    "divided-by-p": "divide by 1 - p",
    "multiplied": "divide by 1 - p",
    "scaled-twice": "divide by 1 - p once",
    "not-applied": "in training, drop with the probability p, and divide what is kept by 1 - p",
    "mask-missing": "multiply by the mask of the forward pass, and divide by 1 - p",
    "mask-inverted": "drop with the probability p, and divide what is kept by 1 - p",
    "mask-of-output": "keep the mask of the forward pass, and use it again",
    "other-mask": "take one mask, that of this pass, forward and back",
    "same-mask": "draw a mask in each forward pass, and seed the generator outside of it",
    "dropped-together": "draw a random number for each number of the mask",
    "drops-in-evaluation": "return the input where `training` is false: a parameter of `forward`, "
    "or an attribute",
}


def _cause(code: str, sentence: str) -> Cause:
    """Return what is said of a mask that a class drew itself."""
    return Cause(code, sentence, HELP[code])


class DropoutKind(DrawingKind):
    """Numbers times 0 or 1 / (1 - p): linear in x, as long as the mask is the same."""

    factors = _SCALES
    faults = (*_MASKS, *_OTHER_MASKS)
    help = HELP
    settings = (
        Setting("images", Dropout(p=0.25), (3, 4, 5)),
        Setting("features", Dropout(p=0.5), (16,)),
        numbers("nothing dropped", Dropout(p=0.0), (3, 4, 5)),
        numbers("one row of one channel", Dropout(p=0.25), (1, 1, 5)),
        numbers("one feature", Dropout(p=0.5), (1,)),
        Setting("channels", Dropout(p=0.4, per="channel"), (8, 3, 2)),
        numbers("channels, one row of one channel", Dropout(p=0.4, per="channel"), (1, 1, 5)),
    )
    one_of = "per"
    taken_for_the_rest = "mask-inverted"
    nothing_dropped = _cause("not-applied", "nothing is dropped in training")
    kept_for_dropped = _cause(
        "mask-inverted",
        "p is taken for the share that is kept; it is the share that is dropped",
    )
    same_mask = _cause(
        "same-mask", "the same numbers are dropped in each call; each is to draw others"
    )
    other_in_evaluation = _cause(
        "drops-in-evaluation",
        "evaluation drops or scales numbers, as training does; it is to return its input",
    )

    def dropped_together(self, axes: Sequence[str]) -> Cause:
        all_of_them = f"all {' and all '.join(axes)}"
        return _cause(
            "dropped-together",
            f"{all_of_them} share one mask, which is to be drawn for each of them",
        )

    def share_in_words(self, layer: Dropout, dropped: int, seen: int) -> str:
        share = f"{100 * dropped / seen:.0f} %"
        return f"{dropped} of {seen} numbers are dropped, {share}; p is {layer.p:g}"

    def meant_by_kept(self, layer: Dropout) -> Dropout | None:
        return layer.model_copy(update={"p": 1 - layer.p}) if layer.p else None

    def in_evaluation(self, layer: Dropout, x: Array) -> Array:
        return x

    def like(self, layer: Dropout) -> Sequence[Setting]:
        return [each for each in super().like(layer) if not any(layer.problems(each.input))]

    def predict(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return e
