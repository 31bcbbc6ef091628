"""What constructors take beside the options of a layer, and what they are given for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.plain.alike import parts_of, word_set
from cnnspec.backends.plain.names import ARRAYS, LEARNING_RATES, NO_SIZES, SHAPES
from cnnspec.backends.plain.signature import REQUIRED

ACTIVATION = word_set("activation activations act nonlinearity nonlin")
_NONE = "linear identity none"
NO_ACTIVATION: tuple[str | None, ...] = (None, *_NONE.split())
"""What says that there is none, the likeliest first."""

_NEUTRAL: tuple[tuple[frozenset[str], Any], ...] = (
    (word_set("optimizer optim"), None),
    (word_set("regularizer regularization regularisation"), None),
    (word_set("reg l1 l2 decay momentum"), 0.0),
    (word_set("name id"), "layer"),
    (word_set("seed state"), 0),
    (word_set("dtype"), np.float64),
    (word_set("verbose debug"), False),
    (word_set("trainable"), True),
)
_INDIFFERENT = word_set(
    "init initializer initialiser initialization initialize initializers std stddev sigma scale "
    "gain distribution momentum beta1 beta2 device constraint max batch first last rng random "
    "loss config options dropout shape"
)
"""Words for what makes no other function of a layer, whose weights are given to it."""


def values_for(word: str, default: Any) -> tuple[Any, ...]:
    """Return what to give for a parameter that is no option, in the order in which it is tried.

    Nothing: it keeps its default, or nobody knows.
    """
    parts = {*parts_of(word)}
    if parts & ACTIVATION:
        none = default is None or (isinstance(default, str) and default.lower() in NO_ACTIVATION)
        return () if none and default is not REQUIRED else NO_ACTIVATION
    if default is not REQUIRED:
        return ()
    if word in LEARNING_RATES:
        return (0.01,)  # of no matter: the gradient is read off the update
    if "rng" in parts:
        return (np.random.default_rng(0),)
    return next(((value,) for words, value in _NEUTRAL if parts & words), ())


def beside(word: str) -> bool:
    """Tell whether a parameter is none of a layer's sizes, and there is a value for it."""
    return bool(values_for(word, REQUIRED))


def is_indifferent(word: str) -> bool:
    """Tell whether a parameter can make no other function of a layer, by what it is called."""
    known = {*NO_SIZES, *SHAPES}
    arrays = {name for words in ARRAYS.values() for name in words}
    return (
        beside(word)
        or word in known | arrays
        or bool({*parts_of(word)} & _INDIFFERENT)
        or not word.strip("_")
    )
