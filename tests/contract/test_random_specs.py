"""Random trees of layers: all backends are one function, and the dialect keeps them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cnnspec.compare import compare_choices, parse_backend
from cnnspec.compare.planted import OPTIMIZERS
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.random_specs import drawn_entries
from cnnspec.difference import compare_specs
from cnnspec.plan import INPUT, resolve, write_out
from cnnspec.spec.composites import AnyEntry, count_layers
from cnnspec.spec.data import MNIST, NPZ, DataSource, Digits, FashionMNIST, Normalize
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.format import format_spec
from cnnspec.spec.initializations import Normal, TorchDefault
from cnnspec.spec.layers import Layer, Linear
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training

# torch says so once, of every `padding: same` that adds an odd number of cells.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

normal_run = settings(max_examples=20, deadline=None, derandomize=True)
slow_run = settings(max_examples=500, deadline=None, derandomize=True)

MAX_NUMBERS = 200  # that a layer gives for one image


class Drawn(Draw):
    """Draws what hypothesis chooses, which it makes small where something fails."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def whole(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))

    def real(self, least: float, most: float) -> float:
        return self._draw(st.floats(least, most))

    def yes(self, share: float = 0.5) -> bool:
        return self._draw(st.booleans())


@st.composite
def trees(draw: DrawFn, data: type[DataSource] | None = None) -> tuple[Shape, list[AnyEntry]]:
    """Draw an input shape, and layers and blocks that fit; what does not is left out.

    Where data has a shape and classes, the images have that shape, and each class a logit.
    """
    small = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7))
    images = (data and data.known.shape) or draw(small)

    def fits(layer: Layer, input: Shape, output: Shape) -> bool:
        if data:  # the last batch of an epoch may be one image
            return layer.least_batch(input) == 1
        return math.prod(output) <= MAX_NUMBERS

    layers = [*drawn_entries(Drawn(draw), images, fits)]
    if data and data.known.classes:
        classes = data.known.classes + draw(st.sampled_from([0, 0, 3]))
        layers.append(Linear(out_features=classes))
    return images, layers


@st.composite
def optimizers(draw: DrawFn) -> AnyOptimizer:
    return draw(st.sampled_from([*OPTIMIZERS.values()])).drawn(Drawn(draw))


TRAININGS = st.builds(
    Training,
    epochs=st.integers(1, 100),
    batch_size=st.integers(2, 1000),  # batch norm over one feature needs two
    optimizer=optimizers(),
    precision=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**31),
)

INITIALIZATIONS = st.just(TorchDefault()) | st.builds(Normal, std=st.floats(1e-3, 2))


@st.composite
def specs(draw: DrawFn, data: type[DataSource] | None = None) -> ModelSpec:
    """Draw a spec that resolves; its input and layers fit the data, which is left out."""
    images, layers = draw(trees(data))
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
    layers = named(draw, spec.layers, 1)
    return spec.model_copy(
        update={
            "name": draw(MODEL_NAMES),
            "layers": layers,
            "data": kind and draw(data_sources(kind, spec.input[0])),
        }
    )


def named(draw: DrawFn, value: Sequence[Any], depth: int) -> tuple[Any, ...]:
    """Give some entries of a list names, or of lists that stand so deep within each other."""
    if depth > 1:
        return tuple(named(draw, each, depth - 1) for each in value)
    count = len(value)
    names = draw(st.lists(LAYER_NAMES, min_size=count, max_size=count, unique=True))
    entries = []
    for entry, name in zip(value, names):
        inside = {
            option: named(draw, getattr(entry, option), levels)
            for option, levels in getattr(entry, "lists", {}).items()
        }
        given = {"name": name} if draw(st.booleans()) else {}
        entries.append(entry.model_copy(update=inside | given))
    return tuple(entries)


PAIRS = [("numpy", "torch"), ("loops", "torch")]
PRECISIONS = ["float32", "float64"]
SHARES = dict(
    enumerate(product(PAIRS, ["float32", "float64", "float64", "float64"]))  # float32 takes thrice
)


def check_backends(spec: ModelSpec, backends: tuple[str, str], precision: str) -> None:
    plan = resolve(spec)
    first, second = map(parse_backend, backends)
    few = 4 if "loops" in backends else 64  # they take their time for each image
    batch = min(spec.training.batch_size, few)
    training = spec.training.model_copy(update={"batch_size": batch, "precision": precision})
    verdict = compare_choices(plan, training, first, second)
    assert verdict.findings == ()
    assert verdict.coverage.not_compared == ()
    assert all(done == of for done, of in verdict.coverage.counts.values())
    assert verdict.verdict == "same"


def check_dialect(spec: ModelSpec) -> None:
    for defaults in (False, True):
        text = dump_spec(spec, defaults=defaults)
        assert parse_spec(text) == spec
        assert format_spec(text) == text
    out = write_out(spec)
    assert write_out(out) == out
    assert resolve(out).state == resolve(spec).state
    assert compare_specs(spec, out).same


def check_layout(spec: ModelSpec) -> None:
    plan = resolve(spec)
    known: dict[str, Shape] = {INPUT: spec.input}
    for at in plan.layers:
        assert at.input_shapes == tuple(known[source] for source in at.inputs)
        assert at.name not in known
        known[at.name] = at.output
    assert len(plan.layers) == count_layers(spec.layers)


@pytest.mark.torch
@normal_run
@given(specs(), st.sampled_from(PAIRS), st.sampled_from(PRECISIONS))
def test_backends_are_one_function(
    spec: ModelSpec, backends: tuple[str, str], precision: str
) -> None:
    check_backends(spec, backends, precision)


@normal_run
@given(decorated_specs())
def test_the_dialect_keeps_every_spec(spec: ModelSpec) -> None:
    check_dialect(spec)
    check_layout(spec)


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_backends_are_one_function_2000(share: int) -> None:
    """In eight shares, each of 250 trees of its own."""
    backends, precision = SHARES[share]

    @seed(share)
    @settings(max_examples=250, deadline=None, database=None)
    @given(specs())
    def are_one_function(spec: ModelSpec) -> None:
        check_backends(spec, backends, precision)

    are_one_function()


@pytest.mark.slow
@slow_run
@given(decorated_specs())
def test_the_dialect_keeps_every_spec_500(spec: ModelSpec) -> None:
    check_dialect(spec)
    check_layout(spec)
