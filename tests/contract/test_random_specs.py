"""Random chains of layers: all backends are one function, and the dialect keeps them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cnnspec.compare import compare_parties, parse_party
from cnnspec.errors import ShapeError
from cnnspec.plan import resolve
from cnnspec.spec.data import MNIST, NPZ, DataSource, Digits, FashionMNIST, Normalize
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.initializations import Normal, TorchDefault
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.spec.sizes import Shape, pair
from cnnspec.spec.training import Training

# torch says so once, of every `padding: same` that adds an odd number of cells.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

normal_run = settings(max_examples=6, deadline=None, derandomize=True)
slow_run = settings(max_examples=500, deadline=None, derandomize=True)

MAX_NUMBERS = 200  # that a layer gives for one image


def sizes(least: int, most: int | tuple[int, int]) -> SearchStrategy[tuple[int, int]]:
    height, width = pair(most)
    return st.tuples(st.integers(least, height), st.integers(least, width))


@st.composite
def convs(draw: DrawFn, shape: Shape) -> Conv:
    channels, height, width = shape
    groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    padding = draw(st.just("same") | sizes(0, 2))
    return Conv(
        out_channels=groups * draw(st.integers(1, 4 // groups)),
        kernel_size=draw(sizes(1, (min(height, 4), min(width, 4)))),
        stride=1 if padding == "same" else draw(sizes(1, 3)),
        padding=padding,
        dilation=draw(sizes(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
        in_channels=draw(st.none() | st.just(channels)),
    )


@st.composite
def pools(draw: DrawFn, shape: Shape) -> Pool:
    _, height, width = shape
    rows, columns = draw(sizes(1, (min(height, 4), min(width, 4))))
    return Pool(
        kind=draw(st.sampled_from(["max", "avg"])),
        kernel_size=(rows, columns),
        stride=draw(st.none() | sizes(1, 3)),
        padding=draw(sizes(0, (rows // 2, columns // 2))),
        ceil_mode=draw(st.booleans()),
    )


LINEARS = st.builds(Linear, out_features=st.integers(1, 8), bias=st.booleans())


@st.composite
def chains(draw: DrawFn, data: type[DataSource] | None = None) -> tuple[Shape, list[AnyLayer]]:
    """Draw an input shape and layers that fit; a layer that does not is left out.

    Where data has a shape and classes, the images have that shape, and each class a logit.
    """
    small = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7))
    images = shape = (data and data.known.shape) or draw(small)
    most = math.inf if data else MAX_NUMBERS
    layers: list[AnyLayer] = []

    def add(layer: AnyLayer) -> None:
        nonlocal shape
        try:
            output = layer.output_shape(shape)
        except ShapeError:
            return
        if math.prod(output) <= most:
            layers.append(layer)
            shape = output

    for kind in draw(st.lists(st.sampled_from([convs, convs, pools, None]), max_size=5)):
        add(draw(kind(shape)) if kind else ReLU())
    add(Flatten())
    for layer in draw(st.lists(LINEARS | st.just(ReLU()) | st.just(Flatten()), max_size=3)):
        add(layer)
    last = draw(LINEARS | LINEARS | LINEARS | st.none())
    if data and data.known.classes:
        add(Linear(out_features=data.known.classes + draw(st.sampled_from([0, 0, 3]))))
    elif last:
        add(last)
    return images, layers


OPTIMIZERS = st.one_of(
    st.builds(
        SGD,
        learning_rate=st.floats(1e-4, 1),
        momentum=st.just(0.0) | st.floats(0, 0.99),
        weight_decay=st.just(0.0) | st.floats(0, 1),
    ),
    st.builds(
        SGD,
        momentum=st.floats(0.01, 0.99),
        nesterov=st.just(True),
        weight_decay=st.just(0.0) | st.floats(0, 1),
    ),
    st.builds(
        Adam,
        learning_rate=st.floats(1e-5, 1),
        betas=st.tuples(st.floats(0, 0.99), st.floats(0, 0.999)),
        eps=st.floats(1e-10, 1),
        weight_decay=st.just(0.0) | st.floats(0, 1),
    ),
)

TRAININGS = st.builds(
    Training,
    epochs=st.integers(1, 100),
    batch_size=st.integers(1, 1000),
    optimizer=OPTIMIZERS,
    precision=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**31),
)

INITIALIZATIONS = st.just(TorchDefault()) | st.builds(Normal, std=st.floats(1e-3, 2))


@st.composite
def specs(draw: DrawFn, data: type[DataSource] | None = None) -> ModelSpec:
    """Draw a spec that resolves; its input and layers fit the data, which is left out."""
    images, layers = draw(chains(data))
    return ModelSpec(
        input=images,
        layers=layers,
        initialization=draw(INITIALIZATIONS),
        training=draw(TRAININGS),
    )


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DATA = [Digits, MNIST, FashionMNIST, NPZ]


def data_sources(kind: type[DataSource], channels: int) -> SearchStrategy[DataSource]:
    """Draw data of a kind, normalized by channel, with no more images than there are."""
    normalizes = st.builds(
        Normalize,
        mean=st.tuples(*[NUMBERS] * channels),
        std=st.tuples(*[st.floats(0, exclude_min=True, allow_infinity=False)] * channels),
    )
    paths = {"path": st.text()} if kind is NPZ else {}
    return st.builds(
        kind,
        normalize=st.none() | normalizes,
        train_samples=st.none() | st.integers(1, kind.known.train_images or 10**6),
        test_samples=st.none() | st.integers(1, kind.known.test_images or 10**6),
        **paths,
    )


WORDS = st.sampled_from(["true", "null", "no", "1", "1e5", "0x1F", "0o7", "1.", "inf", "y"])
MODEL_NAMES = WORDS | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
# No digit ends a name: `conv1` might be the plan's own name of another layer.
LAYER_NAMES = st.sampled_from(["null", "true", "no", "_"]) | st.from_regex(
    r"[A-Za-z_]([A-Za-z0-9_]{0,8}[A-Za-z_])?", fullmatch=True
)


@st.composite
def decorated_specs(draw: DrawFn) -> ModelSpec:
    """Draw a spec with names, data and everything else that a file can say."""
    kind = draw(st.none() | st.sampled_from(DATA))
    spec = draw(specs(kind))
    count = len(spec.layers)
    names = draw(st.lists(LAYER_NAMES, min_size=count, max_size=count, unique=True))
    named = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    layers = [
        layer.model_copy(update={"name": name}) if give else layer
        for layer, name, give in zip(spec.layers, names, named)
    ]
    return spec.model_copy(
        update={
            "name": draw(MODEL_NAMES),
            "layers": tuple(layers),
            "data": kind and draw(data_sources(kind, spec.input[0])),
        }
    )


def check_backends(spec: ModelSpec) -> None:
    plan = resolve(spec)
    few = min(spec.training.batch_size, 10)  # loops take their time for each image
    for backends, batch in (
        (("numpy", "torch"), spec.training.batch_size),
        (("loops", "torch"), few),
    ):
        first, second = map(parse_party, backends)
        training = spec.training.model_copy(update={"batch_size": batch})
        verdict = compare_parties(plan, training, first, second)
        assert verdict.findings == ()
        assert verdict.coverage.not_compared == ()
        assert all(done == of for done, of in verdict.coverage.counts.values())
        assert verdict.verdict == "same"


def check_dialect(spec: ModelSpec) -> None:
    for defaults in (False, True):
        assert parse_spec(dump_spec(spec, defaults=defaults)) == spec


@pytest.mark.torch
@normal_run
@given(specs())
def test_backends_are_one_function(spec: ModelSpec) -> None:
    check_backends(spec)


@normal_run
@given(decorated_specs())
def test_the_dialect_keeps_every_spec(spec: ModelSpec) -> None:
    check_dialect(spec)


@pytest.mark.slow
@slow_run
@given(specs())
def test_backends_are_one_function_500(spec: ModelSpec) -> None:
    check_backends(spec)


@pytest.mark.slow
@slow_run
@given(decorated_specs())
def test_the_dialect_keeps_every_spec_500(spec: ModelSpec) -> None:
    check_dialect(spec)
