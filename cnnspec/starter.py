"""Commented specs to start from: a template fitted to a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cnnspec.spec.checks import check
from cnnspec.spec.composites import COMPOSITES, AnyEntry, Repeat, Residual
from cnnspec.spec.data import MNIST, AnyData, Digits, FashionMNIST, Normalize
from cnnspec.spec.diagnostics import Path
from cnnspec.spec.dump import spec_node
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.nodes import Collection, Comment, Entry, Node, Scalar, write
from cnnspec.spec.sections import Sections
from cnnspec.spec.sizes import Shape, show

COLUMN = 58
"""Where comments stand, if they can."""

DATA: dict[str, AnyData] = {
    "digits": Digits(),
    "mnist": MNIST(normalize=Normalize(mean=(0.1307,), std=(0.3081,))),
    "fashion_mnist": FashionMNIST(normalize=Normalize(mean=(0.286,), std=(0.353,))),
}
"""The data sets, each normalised by its own mean and deviation where that pays."""


COURSE = ("conv", "relu", "pool", "linear", "cross_entropy")
"""What students write who build their first network."""


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


def resnet(input: Shape, classes: int) -> list[AnyEntry]:
    """Residual blocks (He et al., 2015), made small: two widths, and no linear layer but the last.

    The second width has images of half the size, where that can be.
    """
    stride = 2 if min(input[1:]) >= 2 else 1
    down = Conv(out_channels=32, kernel_size=1, stride=stride)
    shape = _shape_after([down], input)
    mean = Pool(kind="avg", kernel_size=(shape[1], shape[2]))
    return [
        *(*_normed(16), ReLU()),
        Repeat(times=2, layers=[Residual(body=[*_normed(16), ReLU(), *_normed(16)]), ReLU()]),
        Residual(body=[*_normed(32, stride), ReLU(), *_normed(32)], shortcut=[down, BatchNorm()]),
        ReLU(),
        *([mean] if max(shape[1:]) > 1 else []),
        *_head([], classes),
    ]


def mlp(input: Shape, classes: int) -> list[AnyLayer]:
    """No convolution: linear layers over the pixels, as a base line."""
    return _head([128], classes)


TEMPLATES: dict[str, Callable[[Shape, int], Sequence[AnyEntry]]] = {
    "small": small,
    "lenet5": lenet5,
    "vgg": vgg,
    "resnet": resnet,
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
    _say_shapes(root, spec)
    root.entries.append(_training(epochs=20 if data.keyword == "digits" else 5))
    for entry in root.entries:
        if entry.key in ("layers", "data", "training"):
            entry.above.append("")
    return write(root, [*(f"# {line}".rstrip() for line in header), ""])


def _say_shapes(root: Collection, spec: ModelSpec) -> None:
    placed = check(Sections.of(spec)).layers
    sections = {entry.key: entry for entry in root.entries}
    sections["input"].beside.append(Comment("# channels x height x width", COLUMN))
    layers = sections["layers"]
    layers.beside.append(Comment("# what each gives", COLUMN))
    for entry, path in _entries(layers.value, ("layers",), 1):
        given = [at.output for at in placed if at.path[: len(path)] == path][-1]
        said = show(given)
        if path == placed[-1].path[: len(path)]:
            said += ": one for each class"
        elif len(given) == 1:
            said += " features"
        entry.beside.append(Comment(f"# {said}", COLUMN))


def _entries(node: Node, path: Path, depth: int) -> Iterator[tuple[Entry, Path]]:
    """Yield the layers and blocks of a list, each with its path."""
    assert isinstance(node, Collection)
    for index, entry in enumerate(node.entries):
        if depth > 1:
            yield from _entries(entry.value, (*path, index), depth - 1)
            continue
        yield entry, (*path, index)
        assert isinstance(entry.value, Collection)
        (kind,) = entry.value.entries
        word = kind.key or ""
        assert isinstance(kind.value, Collection)
        for option in kind.value.entries:
            name = option.key or ""
            if word in COMPOSITES and name in COMPOSITES[word].lists:
                inside = (*path, index, word, name)
                yield from _entries(option.value, inside, COMPOSITES[word].lists[name])


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


def _normed(channels: int, stride: int = 1) -> list[AnyEntry]:
    """A 3 x 3 convolution and its norm."""
    return [Conv(out_channels=channels, kernel_size=3, stride=stride, padding=1), BatchNorm()]


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
