"""The forms in which an optimizer may want weights and gradients, the likeliest first."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.backends.plain.optimizers.holders import (
    Alone,
    AloneLayer,
    AloneStep,
    Holder,
    InDictionary,
    InList,
    InPairs,
    InPrefixedDictionary,
    InTurnedPairs,
)
from cnnspec.backends.plain.optimizers.objects import (
    InFilledLayer,
    InFilledLayers,
    InFilledModel,
    InItems,
    InLayer,
    InLayers,
    InListedItems,
    InModel,
    InModelOfObjects,
    InNamedObjects,
    InObject,
    InObjects,
    InPrefixedLayer,
    InPrefixedLayers,
)
from cnnspec.backends.plain.optimizers.roles import GRADIENTS

ALL_AT_ONCE: tuple[type[Holder], ...] = (
    *(InDictionary, InPrefixedDictionary, InList, InPairs, InTurnedPairs),
    *(InObjects, InNamedObjects, InItems, InListedItems),
    *(InLayers, InFilledLayers, InPrefixedLayers, InModel, InFilledModel, InModelOfObjects),
)
ONE_BY_ONE: Mapping[type[Holder], int] = {
    **{Alone: 1, AloneStep: 1, AloneLayer: 2, InObject: 1, InLayer: 2, InFilledLayer: 2},
    InPrefixedLayer: 2,
}
"""How many arrays they have at a time."""

SINGULAR = ("w", "weight", "param", "parameter", "theta", "x", "p")
"""Words for weights that are one array, likelier than several."""


def ways_for(roles: frozenset[str], words: frozenset[str]) -> list[type[Holder]]:
    """Return the forms that have something for all of some roles, of parameters called so."""
    if roles == {GRADIENTS}:  # the weights are with the caller
        return [AloneStep]
    every = (way for way in (*ALL_AT_ONCE, *ONE_BY_ONE) if way is not AloneStep)
    ways = [way for way in every if roles and roles <= way.serves]
    if words & {*SINGULAR}:
        ways.sort(key=lambda way: way is not Alone)
    return ways
