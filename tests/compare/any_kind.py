"""A spec that has a layer of a kind, whichever that is."""

from __future__ import annotations

from cnnspec.plan import resolve
from cnnspec.spec.model import ModelSpec
from tests import rooms


def with_kind(spec: ModelSpec, kind: str) -> ModelSpec:
    """Return a spec that ends in two layers, with one of the kind near its end if it has none."""
    if any(at.kind == kind for at in resolve(spec).layers):
        return spec
    layer = next(iter(rooms.LAYERS[kind].cases.values())).layer
    place = len(spec.layers) - (2 if layer.takes == "images" else 1)
    layers = (*spec.layers[:place], layer, *spec.layers[place:])
    return spec.model_copy(update={"layers": layers})
