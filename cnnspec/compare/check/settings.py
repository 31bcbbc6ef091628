"""The settings in which a class is tried: options, image sizes and batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes import LayerProbe, as_float32
from cnnspec.plan import Plan, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, Flatten
from cnnspec.spec.model import ModelSpec

LAYER = "layer"
"""The name that the layer has in its plan."""


def plan_of(setting: Setting) -> Plan:
    """Return a plan of the layer of a setting alone.

    Raises:
        SpecError: the layer cannot take such images.
    """
    layer = cast(AnyLayer, setting.layer.model_copy(update={"name": LAYER}))
    if len(setting.input) == 1:
        return resolve(ModelSpec(input=(*setting.input, 1, 1), layers=[Flatten(), layer]))
    after = [] if setting.layer.keyword == "flatten" else [Flatten()]
    channels, height, width = setting.input
    return resolve(ModelSpec(input=(channels, height, width), layers=[layer, *after]))


def probes_of(setting: Setting, plan: Plan) -> Iterator[LayerProbe]:
    """Yield what the layer is given: batches of 3, 1, 2 with many ties, and 7 images."""
    at = plan.layer(LAYER)
    random = stream(0, "check", setting.name)
    batches = [
        ("batch of 3", random.normal(size=(3, *at.input))),
        ("ties", random.integers(-1, 2, size=(2, *at.input))),
        ("batch of 7", random.normal(size=(7, *at.input))),
    ]
    if at.layer.least_batch(at.input) == 1:
        batches.insert(1, ("one image", random.normal(size=(1, *at.input))))
    for name, x in batches:
        grad = random.normal(size=(len(x), *at.output))
        yield LayerProbe(name, at, as_float32(x), as_float32(grad))
