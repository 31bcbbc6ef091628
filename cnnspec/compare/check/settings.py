"""The settings in which a class is tried: options, image sizes and batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cnnspec.compare.probes import LayerProbe, as_float32
from cnnspec.plan import Plan, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape

LAYER = "layer"
"""The name that the layer has in its plan."""


@dataclass(frozen=True)
class Setting:
    """A layer with its options, over images of one size."""

    name: str
    layer: AnyLayer
    input: Shape

    def plan(self) -> Plan:
        """Return a plan of this layer alone.

        Raises:
            SpecError: the layer cannot take such images.
        """
        layer = self.layer.model_copy(update={"name": LAYER})
        if len(self.input) == 1:
            return resolve(ModelSpec(input=(*self.input, 1, 1), layers=[Flatten(), layer]))
        after = [] if self.layer.keyword == "flatten" else [Flatten()]
        channels, height, width = self.input
        return resolve(ModelSpec(input=(channels, height, width), layers=[layer, *after]))

    def probes(self, plan: Plan) -> Iterator[LayerProbe]:
        """Yield what the layer is given: batches of 3, 1, 2 with many ties, and 7 images."""
        at = plan.layer(LAYER)
        random = stream(0, "check", self.name)
        batches = [
            ("batch of 3", random.normal(size=(3, *at.input))),
            ("ties", random.integers(-1, 2, size=(2, *at.input))),
            ("batch of 7", random.normal(size=(7, *at.input))),
        ]
        if self.layer.least_batch(at.input) == 1:
            batches.insert(1, ("one image", random.normal(size=(1, *at.input))))
        for name, x in batches:
            grad = random.normal(size=(len(x), *at.output))
            yield LayerProbe(name, at, as_float32(x), as_float32(grad))


IMAGES = (3, 6, 7)

SETTINGS: dict[str, list[Setting]] = {
    "conv": [
        Setting("plain", Conv(out_channels=4, kernel_size=3), IMAGES),
        Setting("one channel", Conv(out_channels=1, kernel_size=2), (1, 4, 5)),
        Setting("kernel of one cell", Conv(out_channels=3, kernel_size=1), (2, 3, 4)),
        Setting("stride 2", Conv(out_channels=3, kernel_size=3, stride=2), (2, 7, 9)),
        Setting("stride leaves cells", Conv(out_channels=2, kernel_size=2, stride=2), (2, 5, 7)),
        Setting("padding 1", Conv(out_channels=3, kernel_size=3, padding=1), IMAGES),
        Setting(
            "padding 1 and stride 2",
            Conv(out_channels=2, kernel_size=3, stride=2, padding=1),
            (2, 5, 8),
        ),
    ],
    "linear": [
        Setting("plain", Linear(out_features=4), (6,)),
        Setting("as many out as in", Linear(out_features=5), (5,)),
        Setting("one output", Linear(out_features=1), (3,)),
    ],
    "relu": [Setting("images", ReLU(), (2, 4, 5)), Setting("features", ReLU(), (6,))],
    "pool": [
        Setting("side by side", Pool(kernel_size=2), (2, 4, 6)),
        Setting("side by side, cells left over", Pool(kernel_size=2), (2, 5, 7)),
        Setting("overlapping windows", Pool(kernel_size=3, stride=2), (2, 5, 7)),
        Setting("overlapping windows, stride 1", Pool(kernel_size=2, stride=1), (2, 4, 5)),
    ],
    "flatten": [Setting("images", Flatten(), (2, 3, 4))],
    "batch_norm": [
        Setting("images", BatchNorm(), (3, 4, 5)),
        Setting("features", BatchNorm(), (6,)),
    ],
}
"""By kind. A class that has no padding, or no stride, is not made for those that have."""


def settings_like(layer: AnyLayer) -> list[Setting]:
    """Return settings with the options that a user gave."""
    if isinstance(layer, Linear):
        return [Setting("as given", layer, (layer.in_features or 6,))]
    if isinstance(layer, Conv | Pool):
        sizes = [max(1, w.extent - sum(w.padding)) + 2 * w.stride for w in layer.windows()]
        channels = getattr(layer, "in_channels", None) or 3 * getattr(layer, "groups", 1)
        height, width = sizes
        return [Setting("as given", layer, (channels, height, width + 1))]
    written = getattr(layer, "num_features", None)
    inputs = {each.name: each.input for each in SETTINGS[layer.keyword]}
    if written is not None:
        inputs = {name: (written, *shape[1:]) for name, shape in inputs.items()}
    return [Setting(name, layer, shape) for name, shape in inputs.items()]
