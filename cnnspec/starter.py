"""Commented specs to start from: a template fitted to a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnspec.plan import Plan, resolve
from cnnspec.spec.data import MNIST, AnyData, Digits, FashionMNIST, Normalize
from cnnspec.spec.dump import spec_node
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.nodes import Collection, Comment, Entry, Scalar, write
from cnnspec.spec.sizes import Shape, show

COLUMN = 58
"""Where comments stand, if they can."""

DATA: dict[str, AnyData] = {
    "digits": Digits(),
    "mnist": MNIST(normalize=Normalize(mean=(0.1307,), std=(0.3081,))),
    "fashion_mnist": FashionMNIST(normalize=Normalize(mean=(0.286,), std=(0.353,))),
}
"""The data sets, each normalised by its own mean and deviation where that pays."""


def small(input: Shape, classes: int) -> list[AnyLayer]:
    """Two convolutions, each with pooling, and two linear layers."""
    return [
        *_block(input, 16, 1),
        *_block(_halved(input), 32, 1),
        *_head([64], classes),
    ]


def lenet5(input: Shape, classes: int) -> list[AnyLayer]:
    """LeNet-5 (LeCun et al., 1998) with relu and max pooling."""
    first = Conv(out_channels=6, kernel_size=5, padding=2)
    fits = min(_halved(input)[1:]) >= 6
    second = Conv(out_channels=16, kernel_size=5, padding=0 if fits else 2)
    inner = _shape_after([first, ReLU(), *_pool(input), second], input)
    return [
        *(first, ReLU(), *_pool(input)),
        *(second, ReLU(), *_pool(inner)),
        *_head([120, 84], classes),
    ]


def vgg(input: Shape, classes: int) -> list[AnyLayer]:
    """Blocks of two 3 x 3 convolutions and pooling (Simonyan and Zisserman, 2015), made small."""
    layers: list[AnyLayer] = []
    shape = input
    for channels in (16, 32, 64):
        if min(shape[1:]) >= 2:
            layers += _block(shape, channels, 2)
            shape = _halved(shape)
    return [*layers, *_head([128], classes)]


def mlp(input: Shape, classes: int) -> list[AnyLayer]:
    """No convolution: linear layers over the pixels, as a base line."""
    return _head([128], classes)


TEMPLATES: dict[str, Callable[[Shape, int], list[AnyLayer]]] = {
    "small": small,
    "lenet5": lenet5,
    "vgg": vgg,
    "mlp": mlp,
}


def starter(
    template: str, data: AnyData, shape: Shape, classes: int, *, name: str, header: Sequence[str]
) -> str:
    """Return the text of a spec for images of `shape`; `header` are comments to start with."""
    channels, height, width = shape
    spec = ModelSpec(
        name=name,
        input=(channels, height, width),
        layers=TEMPLATES[template](shape, classes),
        data=data,
    )
    root = spec_node(spec)
    _say_shapes(root, resolve(spec))
    root.entries.append(_training(epochs=20 if data.keyword == "digits" else 5))
    for entry in root.entries:
        if entry.key in ("layers", "data", "training"):
            entry.above.append("")
    return write(root, [*(f"# {line}".rstrip() for line in header), ""])


def _say_shapes(root: Collection, plan: Plan) -> None:
    sections = {entry.key: entry for entry in root.entries}
    sections["input"].beside.append(Comment("# channels x height x width", COLUMN))
    layers = sections["layers"]
    layers.beside.append(Comment("# what each gives", COLUMN))
    assert isinstance(layers.value, Collection)
    for entry, layer in zip(layers.value.entries, plan.layers):
        said = show(layer.output)
        if layer is plan.layers[-1]:
            said += ": one for each class"
        elif len(layer.output) == 1:
            said += " features"
        entry.beside.append(Comment(f"# {said}", COLUMN))


def _training(*, epochs: int) -> Entry:
    options = [
        ("epochs", f"{epochs}", "# times through the images"),
        ("batch_size", "32", "# images a step"),
        ("optimizer", "{adam: {learning_rate: 1e-3}}", "# or sgd"),
        ("seed", "0", "# of weights and order"),
    ]
    entries = [
        Entry(key, Scalar(text), beside=[Comment(said, COLUMN)]) for key, text, said in options
    ]
    return Entry("training", Collection(is_list=False, entries=entries))


def _block(input: Shape, channels: int, convs: int) -> list[AnyLayer]:
    conv: list[AnyLayer] = [Conv(out_channels=channels, kernel_size=3, padding=1), ReLU()]
    return [*(conv * convs), *_pool(input)]


def _pool(input: Shape) -> list[AnyLayer]:
    return [Pool(kernel_size=2)] if min(input[1:]) >= 2 else []


def _halved(input: Shape) -> Shape:
    channels, height, width = input
    return (channels, height // 2, width // 2) if min(height, width) >= 2 else input


def _head(widths: Sequence[int], classes: int) -> list[AnyLayer]:
    hidden: list[AnyLayer] = []
    for features in widths:
        hidden += [Linear(out_features=features), ReLU()]
    return [Flatten(), *hidden, Linear(out_features=classes)]


def _shape_after(layers: Sequence[AnyLayer], shape: Shape) -> Shape:
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape
