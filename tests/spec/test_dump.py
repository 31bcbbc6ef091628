"""dump_spec writes the dialect, and what it writes is read back as the same spec."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnspec import (
    MNIST,
    NPZ,
    SGD,
    Adam,
    Conv,
    Digits,
    FashionMNIST,
    Flatten,
    Limits,
    Linear,
    ModelSpec,
    Normal,
    Normalize,
    Pool,
    ReLU,
    TorchDefault,
    Training,
    dump_spec,
    load_spec,
    parse_spec,
)
from cnnspec.plan import write_out

SPECS = Path(__file__).parents[2] / "specs"


def spec(**options: Any) -> ModelSpec:
    return ModelSpec(input=(1, 8, 8), **{"layers": [Flatten(), Linear(out_features=3)], **options})


def test_what_has_its_default_value_is_left_out() -> None:
    plain = spec(
        layers=[
            Conv(out_channels=2, kernel_size=3, stride=(1, 1), padding=0, bias=True),
            ReLU(),
            Pool(kernel_size=2, kind="max"),
            Flatten(),
            Linear(out_features=3),
        ],
        training=Training(epochs=1, optimizer=SGD(learning_rate=0.01)),
        initialization=TorchDefault(),
    )
    assert dump_spec(plain) == (
        "input: [1, 8, 8]\n"
        "layers:\n"
        "  - conv: {out_channels: 2, kernel_size: 3}\n"
        "  - relu\n"
        "  - pool: {kernel_size: 2}\n"
        "  - flatten\n"
        "  - linear: {out_features: 3}\n"
    )


def test_defaults_are_written_on_demand() -> None:
    plain = spec(data=Digits())
    assert dump_spec(plain, defaults=True) == (
        "name: model\n"
        "input: [1, 8, 8]\n"
        "layers:\n"
        "  - flatten\n"
        "  - linear: {out_features: 3, bias: true}\n"
        "initialization: torch_default\n"
        "data: digits\n"
        "training:\n"
        "  epochs: 1\n"
        "  batch_size: 32\n"
        "  optimizer:\n"
        "    sgd:\n"
        "      learning_rate: 0.01\n"
        "      momentum: 0.0\n"
        "      nesterov: false\n"
        "      weight_decay: 0.0\n"
        "  precision: float32\n"
        "  seed: 0\n"
        "limits:\n"
        "  parameters: 1000000000\n"
        "  activations: 10000000000\n"
        "  layers: 10000\n"
        "  images: 1000000000\n"
    )


FULL = ModelSpec(
    name="full-1.0_b",
    input=(3, 32, 24),
    layers=[
        Conv(
            name="first",
            out_channels=6,
            kernel_size=(3, 5),
            stride=2,
            padding=(1, 0),
            dilation=2,
            groups=3,
            bias=False,
            in_channels=3,
        ),
        ReLU(name="act"),
        Pool(kernel_size=(2, 3), stride=(1, 2), padding=1, kind="avg", ceil_mode=True),
        Conv(out_channels=4, kernel_size=3, padding="same"),
        Flatten(name="flat"),
        Linear(out_features=10, bias=False),
    ],
    initialization=Normal(std=0.1),
    data=NPZ(
        path="mine.npz",
        normalize=Normalize(mean=[0.1307, 1, 0], std=(0.3081, 2, 0.5)),
        train_samples=1000,
        test_samples=100,
    ),
    training=Training(
        epochs=5,
        batch_size=10,
        optimizer=Adam(learning_rate=1e-3, betas=(0.5, 0.75), eps=1e-7, weight_decay=5e-4),
        precision="float64",
        seed=2**40,
    ),
    limits=Limits(parameters=10**6, activations=10**15, layers=50),
)

FULL_TEXT = """\
name: full-1.0_b
input: [3, 32, 24]
layers:
  - conv:
      name: first
      out_channels: 6
      kernel_size: [3, 5]
      stride: 2
      padding: [1, 0]
      dilation: 2
      groups: 3
      bias: false
      in_channels: 3
  - relu: {name: act}
  - pool:
      kind: avg
      kernel_size: [2, 3]
      stride: [1, 2]
      padding: 1
      ceil_mode: true
  - conv: {out_channels: 4, kernel_size: 3, padding: same}
  - flatten: {name: flat}
  - linear: {out_features: 10, bias: false}
initialization:
  normal: {std: 0.1}
data:
  npz:
    normalize: {mean: [0.1307, 1.0, 0.0], std: [0.3081, 2.0, 0.5]}
    train_samples: 1000
    test_samples: 100
    path: mine.npz
training:
  epochs: 5
  batch_size: 10
  optimizer: {adam: {betas: [0.5, 0.75], eps: 1e-07, weight_decay: 0.0005}}
  precision: float64
  seed: 1099511627776
limits:
  parameters: 1000000
  activations: 1000000000000000
  layers: 50
"""


def test_every_option() -> None:
    assert dump_spec(FULL) == FULL_TEXT
    assert parse_spec(FULL_TEXT) == FULL
    assert parse_spec(dump_spec(FULL, defaults=True)) == FULL


@pytest.mark.parametrize("defaults", [False, True])
@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_ready_specs(path: Path, defaults: bool) -> None:
    ready = load_spec(path)
    for written in (ready, write_out(ready)):
        text = dump_spec(written, defaults=defaults)
        assert parse_spec(text) == written
        assert dump_spec(parse_spec(text), defaults=defaults) == text


PATHS = {
    "plain": ("data/mine.npz", "data/mine.npz"),
    "absolute": ("/data/mine.npz", "/data/mine.npz"),
    "dots": ("../a/./b.npz", "../a/./b.npz"),
    "empty": ("", '""'),
    "home": ("~", '"~"'),
    "nothing": ("null", '"null"'),
    "truth": ("true", '"true"'),
    "whole number": ("010", '"010"'),
    "hexadecimal": ("0x1F", '"0x1F"'),
    "octal": ("0o17", '"0o17"'),
    "number": ("1e3", '"1e3"'),
    "number without a digit before the point": (".5", '".5"'),
    "infinity": (".inf", '".inf"'),
    "not a number": (".nan", '".nan"'),
    "text of YAML 1.2": ("no", "no"),
    "digits and a line below": ("1_000", "1_000"),
    "leading minus": ("-a", '"-a"'),
    "document": ("---", '"---"'),
    "space": ("my data.npz", '"my data.npz"'),
    "outer spaces": (" a ", '" a "'),
    "comment": ("a #b", '"a #b"'),
    "mapping": ("a: b", '"a: b"'),
    "drive": ("C:\\data", '"C:\\\\data"'),
    "braces": ("{a}, [b]", '"{a}, [b]"'),
    "quotes": ('it\'s "it"', '"it\'s \\"it\\""'),
    "marks": ("*a&b!c%d@e`f|g>h?i", '"*a&b!c%d@e`f|g>h?i"'),
    "accent": ("é.npz", '"é.npz"'),
    "japanese": ("数字.npz", '"数字.npz"'),
    "emoji": ("\N{GRINNING FACE}", '"\N{GRINNING FACE}"'),
    "newlines": ("a\nb\r\nc\td", '"a\\nb\\r\\nc\\td"'),
    "control characters": ("\x00\x07\x1b\x7f\x85", '"\\u0000\\u0007\\u001b\\u007f\\u0085"'),
    "separators": ("\u2028\u2029\ufeff\ufffe", '"\\u2028\\u2029\\ufeff\\ufffe"'),
    "long": ("long " * 1000, '"' + "long " * 1000 + '"'),
    # os.fsdecode gives such a path for the byte 0xff
    "a byte that is no text": ("\udcff.npz", '"\\udcff.npz"'),
}


@pytest.mark.parametrize("defaults", [False, True])
@pytest.mark.parametrize(("path", "written"), PATHS.values(), ids=PATHS)
def test_paths(path: str, written: str, defaults: bool) -> None:
    with_path = spec(data=NPZ(path=path))
    text = dump_spec(with_path, defaults=defaults)
    data = text.partition("data:\n")[2].splitlines()
    if len(written) < 60:
        assert data[0] == f"  npz: {{path: {written}}}"
    else:
        assert data[:2] == ["  npz:", f"    path: {written}"]
    assert parse_spec(text) == with_path
    assert parse_spec(text.encode()) == with_path


NUMBERS = {
    1: "1.0",
    0.1: "0.1",
    1e-3: "0.001",
    1e-8: "1e-08",
    5e-324: "5e-324",
    1.7976931348623157e308: "1.7976931348623157e+308",
    1e16: "1e+16",
    0.1 + 0.2: "0.30000000000000004",
}


@pytest.mark.parametrize(("number", "written"), NUMBERS.items())
def test_numbers(number: float, written: str) -> None:
    with_number = spec(training=Training(optimizer=SGD(learning_rate=number)))
    text = dump_spec(with_number)
    assert text.splitlines()[-1] == f"  optimizer: {{sgd: {{learning_rate: {written}}}}}"
    again = parse_spec(text)
    assert again == with_number
    assert type(again.training.optimizer.learning_rate) is float


NAMES = {
    "123": '"123"',
    "1.5": '"1.5"',
    "1e5": '"1e5"',
    "0x10": '"0x10"',
    "010": '"010"',
    "true": '"true"',
    "null": '"null"',
    "no": "no",
    "a": "a",
    "1a": "1a",
    "1.2.3": "1.2.3",
    "2001-12-14": "2001-12-14",
}


@pytest.mark.parametrize(("name", "written"), NAMES.items(), ids=NAMES)
def test_names_that_look_like_numbers(name: str, written: str) -> None:
    named = spec(name=name)
    assert dump_spec(named).splitlines()[0] == f"name: {written}"
    assert parse_spec(dump_spec(named)) == named


@pytest.mark.parametrize("name", ["null", "true", "False", "_", "no", "e1"])
def test_layer_names_that_look_like_something_else(name: str) -> None:
    named = spec(layers=[Flatten(name=name), Linear(out_features=3)])
    assert parse_spec(dump_spec(named)) == named


# Any spec at all.

positive = st.integers(1, 9)
fractions = st.floats(0, 1, exclude_max=True)
rates = st.floats(0, allow_infinity=False)
finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True)
optimizers = st.one_of(
    st.builds(
        SGD,
        learning_rate=rates,
        momentum=st.floats(0, 1, exclude_min=True, exclude_max=True),
        nesterov=st.booleans(),
        weight_decay=rates,
    ),
    st.builds(
        Adam,
        learning_rate=rates,
        betas=st.tuples(fractions, fractions),
        eps=st.floats(0, exclude_min=True, allow_infinity=False),
        weight_decay=rates,
    ),
)
convs = st.builds(
    Conv,
    out_channels=positive,
    kernel_size=positive | st.tuples(positive, positive),
    padding=st.just("same") | st.integers(8, 20),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
)
pools = st.builds(
    Pool,
    kernel_size=st.integers(1, 2),
    stride=st.none() | st.just(1) | st.tuples(st.just(1), st.just(1)),
    kind=st.sampled_from(["max", "avg"]),
    ceil_mode=st.just(True),
)


def data_for(images: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Draw data whose images have this shape."""
    channels, *_ = images
    above_zero = st.floats(0, exclude_min=True, allow_infinity=False)
    options = {
        "normalize": st.none()
        | st.builds(
            Normalize,
            mean=st.lists(finite, min_size=channels, max_size=channels),
            std=st.lists(above_zero, min_size=channels, max_size=channels),
        ),
        "train_samples": st.none() | positive,
        "test_samples": st.none() | positive,
    }
    fitting = [kind for kind in (Digits, MNIST, FashionMNIST) if kind.known.shape == images]
    return st.one_of(
        st.none(),
        st.builds(NPZ, path=st.text(), **options),
        *[st.builds(kind, **options) for kind in fitting],
    )


any_input = st.tuples(positive, st.integers(8, 30), st.integers(8, 30))
specs = (any_input | st.sampled_from([(1, 8, 8), (1, 28, 28)])).flatmap(
    lambda images: st.builds(
        ModelSpec,
        name=words,
        input=st.just(images),
        layers=st.lists(convs | pools | st.just(ReLU()), max_size=3).map(
            lambda layers: [*layers, Flatten(), Linear(out_features=10)]
        ),
        initialization=st.builds(TorchDefault)
        | st.builds(Normal, std=st.floats(0, exclude_min=True, allow_infinity=False)),
        data=data_for(images),
        training=st.builds(
            Training,
            epochs=positive,
            batch_size=positive,
            optimizer=optimizers,
            precision=st.sampled_from(["float32", "float64"]),
            seed=st.integers(0, 2**70),
        ),
        limits=st.builds(
            Limits,
            parameters=st.integers(10**7, 10**15),
            activations=st.integers(10**8, 10**15),
            layers=st.integers(100, 10_000),
        ),
    )
)


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(written=specs, defaults=st.booleans())
def test_what_is_written_is_read_back(written: ModelSpec, defaults: bool) -> None:
    assert parse_spec(dump_spec(written, defaults=defaults)) == written
    out = write_out(written)
    assert parse_spec(dump_spec(out, defaults=defaults)) == out
