"""The settings in which a class is tried: options, image sizes and batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cnnspec.backends.plain import LAYOUTS
from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes.draw import as_float32
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.errors import BackendError
from cnnspec.plan import Plan, part
from cnnspec.randomness import stream
from cnnspec.spec.amounts import in_words

LAYER = "layer"
"""The name that the layer has in its plan."""

STEEP = "batch of 7"
"""The batch whose gradient is large: code that cuts gradients off shows it."""

MOST = 10**9
"""Weights, inputs and outputs of one image: more than any layer that is known has."""


def plan_of(setting: Setting) -> Plan:
    """Return a plan of the layer of a setting alone.

    Raises:
        ShapeError: the layer cannot take such images.
    """
    return part(setting.layer, LAYER, setting.input)


def lying_so(settings: Sequence[Setting], layout: str) -> list[Setting]:
    """Return settings with images of one channel, where a layout has no axis for channels."""
    if not LAYOUTS[layout].gray:
        return [*settings]
    return [_gray(setting) for setting in settings]


def _gray(setting: Setting) -> Setting:
    """Return a setting with gray images; as it is where the layer takes none."""
    gray = (1, *setting.input[1:])
    if len(setting.input) != 3 or any(True for _ in setting.layer.problems(gray)):
        return setting
    return replace(setting, input=gray)


def check_size(setting: Setting) -> None:
    """Refuse a layer that is far too large to be tried.

    Raises:
        BackendError: it is.
        ShapeError: the layer cannot take such images.
    """
    at = plan_of(setting).layer(LAYER)
    numbers = at.parameter_count + math.prod(at.input) + math.prod(at.output)
    if numbers > MOST:
        raise BackendError(
            f"a `{at.kind}` with these options has {in_words(numbers)} weights, inputs and outputs "
            f"for one image; at most {in_words(MOST)} are tried: make its options smaller"
        )


def probes_of(setting: Setting, plan: Plan) -> Iterator[LayerProbe]:
    """Yield what the layer is given: batches of 3, 1, 7 with many ties, and again 7 images.

    The last has the shape of the one before: what is looked up once for a shape is stale there.
    """
    at = plan.layer(LAYER)
    random = stream(0, "check", setting.name)
    batches = [
        ("batch of 3", random.normal(size=(3, *at.input))),
        ("ties", random.integers(-1, 2, size=(7, *at.input)).astype(float)),
        (STEEP, random.normal(size=(7, *at.input))),
    ]
    if at.layer.least_batch(at.input) == 1:
        batches.insert(1, ("one image", random.normal(size=(1, *at.input))))
    for name, x in batches:
        grad = random.normal(size=(len(x), *at.output))
        if name == STEEP:
            grad *= 32
        x[::2] *= setting.spread
        yield LayerProbe(name, at, (as_float32(x),), as_float32(grad))
