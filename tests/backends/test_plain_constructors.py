"""How a constructor is read: by names, and where those do not say all, by what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from cnnspec.backends.plain import (
    HintError,
    PlainLayer,
    UnsupportedSettingError,
)
from cnnspec.backends.plain.signature import Signature, signature_of
from cnnspec.spec.layers import BatchNorm, Conv, Dropout, Layer, Linear, Pool
from cnnspec.spec.sizes import Shape
from tests.backends.test_plain import Habit
from tests.backends.test_plain_habits import assert_linear, linear

FLOAT = np.dtype(float)


class Correlates:
    """A convolution with a stride, that a constructor sets up."""

    def set_up(self, out: int, channels: int, kernel: int, stride: int = 1, _: Any = None) -> None:
        self.W, self.b = np.zeros((out, channels, kernel, kernel)), np.zeros(out)
        self.k, self.s = kernel, stride

    def forward(self, x: Any) -> Any:
        assert x.shape[1] == self.W.shape[1]
        rows, columns = ((side - self.k) // self.s + 1 for side in x.shape[2:])
        return np.zeros((len(x), len(self.W), rows, columns)) + self.b[:, None, None]


class Pools:
    def set_up(self, kernel: int, stride: int) -> None:
        self.k, self.s = kernel, stride

    def forward(self, x: Any) -> Any:
        rows, columns = ((side - self.k) // self.s + 1 for side in x.shape[2:])
        return np.zeros((*x.shape[:2], rows, columns))


def declared(base: type, parameters: str, handed: str) -> type:
    """Return a class whose constructor takes these, and hands them on."""
    scope: dict[str, Any] = {"Base": base}
    exec(
        f"class Own(Base):\n    def __init__(self, {parameters}):\n        self.set_up({handed})\n",
        scope,
    )
    own: type = scope["Own"]
    return own


def made(cls: type, layer: Layer, input: Shape, **hints: Any) -> PlainLayer:
    return PlainLayer(cls, layer, input, layer.output_shape(input), FLOAT, **hints)


@pytest.mark.parametrize(
    ("parameters", "handed"),
    [
        ("nb_filters, filter_size, nb_channels", "nb_filters, nb_channels, filter_size"),
        ("filterSize, numFilters, channels", "numFilters, channels, filterSize"),
        ("NFilters, KernelSize, InChannels", "NFilters, InChannels, KernelSize"),
        ("a, b, c", "a, b, c"),
        ("a, b, c", "b, a, c"),
        ("a, b, c", "c, b, a"),
        ("k, f, c", "k, c, f"),
        ("kernels, depth, size, _", "kernels, depth, size"),
        ("number_of_filters, size", "number_of_filters, 3, size"),
        ("in_maps, out_maps, ksize", "out_maps, in_maps, ksize"),
        ("D=1, M=2, size=3", "M, D, size"),
        ("height, width, channels, filters, k", "filters, channels, k"),
        ("nb_channel, nb_filter, nb_row, nb_col", "nb_filter, nb_channel, nb_row"),
        ("input_num, size, output_num=2", "output_num, input_num, size"),
        ("shape", "shape[0], shape[1], shape[2]"),
        ("filter_shape", "filter_shape[3], filter_shape[2], filter_shape[0]"),
        ("kernel_shape, stride=1", "kernel_shape[0], kernel_shape[1], kernel_shape[2], stride"),
        ("kernel, stride=1", "kernel[3], kernel[2], kernel[0], stride"),
        ("input_shape, filter_shape", "filter_shape[0], input_shape[0], filter_shape[1]"),
        ("input_shape, kernel_size, depth", "depth, input_shape[0], kernel_size"),
        ("filters, size, channels, name, seed", "filters, channels, size"),
        ("ch_in, ch_out, k, act='relu'", "ch_out, ch_in, k, _=act.lower() if act else 1"),
    ],
)
def test_a_convolution_has_its_sizes_whatever_they_are_called(parameters: str, handed: str) -> None:
    layer = made(
        declared(Correlates, parameters, handed), Conv(out_channels=5, kernel_size=2), (3, 4, 6)
    )
    assert layer.instance.W.shape == (5, 3, 2, 2)


def test_what_was_guessed_is_noted() -> None:
    conv = Conv(out_channels=5, kernel_size=2)
    by_name = declared(
        Correlates, "nbFilters, filterSize, nbChannels", "nbFilters, nbChannels, filterSize"
    )
    assert made(by_name, conv, (3, 4, 6)).notes == ()
    of_shape = declared(Correlates, "shape", "shape[0], shape[1], shape[2]")
    assert made(of_shape, conv, (3, 4, 6)).notes == (
        "taken for the shape of the weight: `shape` = (out, in, height, width)",
    )


@pytest.mark.parametrize("handed", ["a, b", "b, a"])
def test_a_layer_without_weights_is_told_by_its_output(handed: str) -> None:
    pool = Pool(kernel_size=3, stride=2)
    layer = made(declared(Pools, "a, b", handed), pool, (2, 7, 9))
    assert (layer.instance.k, layer.instance.s) == (3, 2)


@pytest.mark.parametrize("order", ["a, b", "b, a"])
def test_what_comes_in_and_what_goes_out_is_told_by_the_output(order: str) -> None:
    scope: dict[str, Any] = {"Habit": Habit}
    exec(
        f"class Own(Habit):\n    def __init__(self, a, b):\n        super().__init__({order})\n",
        scope,
    )
    assert_linear(scope["Own"])


def test_a_word_in_a_name_says_a_stride() -> None:
    cls = declared(
        Correlates,
        "filters, channels, size, conv_stride=1, padding_mode='zeros'",
        "filters, channels, size, conv_stride",
    )
    layer = made(cls, Conv(out_channels=5, kernel_size=2, stride=2), (3, 4, 6))
    assert layer.instance.s == 2
    assert list(layer.not_tried) == ["padding_mode"]


def test_a_constructor_that_is_broken_is_no_guess() -> None:
    cls = declared(Correlates, "a, b, c", "a, b, unknown")
    with pytest.raises(NameError):
        made(cls, Conv(out_channels=5, kernel_size=2), (3, 4, 6))


def test_an_exact_name_wins_over_a_loose_one() -> None:
    class Both(Habit):
        def __init__(self, nIn: int, n_in: int, n_out: int) -> None:  # noqa: N803
            self.first = nIn
            super().__init__(n_in, n_out)

    with pytest.raises(HintError, match="wants `nIn`"):
        linear(Both)
    assert linear(Both, arguments={"nIn": 7}).instance.first == 7


def test_no_verdict_rests_on_a_guess_that_fails() -> None:
    cls = declared(Correlates, "a, b, c", "a, a, c")
    with pytest.raises(HintError) as caught:
        made(cls, Conv(out_channels=5, kernel_size=2), (3, 4, 6))
    assert str(caught.value) == (
        "what the constructor of Own takes cannot be told: with `a` for in_channels and `b` for "
        "out_channels and `c` for kernel_size, `W` has the shape 2 x 2 x 4 x 4, wanted "
        "3 x 2 x 4 x 4; say which is which: --map in_channels=NAME --map out_channels=NAME "
        "--map kernel_size=NAME"
    )


def test_a_class_that_is_wrong_is_judged_where_names_say_all() -> None:
    cls = declared(Correlates, "filters, channels, size", "filters, filters, size")
    layer = made(cls, Conv(out_channels=5, kernel_size=2), (3, 4, 6))
    assert layer.instance.W.shape == (5, 5, 2, 2)


def test_a_forward_pass_that_fails_leaves_the_shape_of_the_weights() -> None:
    class Transposed(Habit):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(a, b)

        def forward(self, x: Any) -> Any:
            return x @ self.W.T + self.b

    assert linear(Transposed).instance.W.shape == (3, 4)


class OfDictionary(Correlates):
    strided = True

    def __init__(self, options: Any) -> None:
        self.found = options
        size = options["kernelSize"]
        stride = options["stride"] if self.strided and "stride" in options else 1
        self.set_up(options["n_filters"], options.get("in_channels", 3), size, stride)


class OfKeywords(Correlates):
    def __init__(self, n_filters: int, **options: Any) -> None:
        self.found = options
        self.set_up(n_filters, options.pop("channels"), options["size"], options.get("stride", 1))


def test_options_in_a_dictionary() -> None:
    conv = Conv(out_channels=5, kernel_size=2)
    for cls in (OfDictionary, OfKeywords):
        layer = made(cls, conv, (3, 4, 6))
        assert layer.instance.W.shape == (5, 3, 2, 2)
        assert layer.notes == ()
    strided = conv.model_copy(update={"stride": 2})
    for cls in (OfDictionary, OfKeywords):
        assert made(cls, strided, (3, 4, 6)).instance.s == 2
    given = made(OfDictionary, conv, (3, 4, 6), arguments={"options": {"in_channels": 3}})
    assert given.instance.found["in_channels"] == 3


@dataclass
class Declared(Habit):
    n_in: int
    n_out: int
    seed: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.n_in, self.n_out)


def test_a_dataclass() -> None:
    assert_linear(Declared)


class WithActivation(Habit):
    def __init__(self, n_in: int, n_out: int, activation: Any = "relu") -> None:
        super().__init__(n_in, n_out)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        z = super().forward(x)
        return self.activate(z, self.activation)

    def activate(self, z: Any, activation: Any) -> Any:
        return z if activation is None else np.maximum(z, 0)


class ByWord(WithActivation):
    def activate(self, z: Any, activation: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "relu": lambda z: np.maximum(z, 0),
            "linear": lambda z: z,
        }
        return functions[activation](z)


@pytest.mark.parametrize(("cls", "word"), [(WithActivation, None), (ByWord, "linear")])
def test_a_layer_is_tried_without_its_activation(cls: type, word: str | None) -> None:
    layer = assert_linear(cls)
    assert layer.notes == (f"given: activation={word}; --arg says otherwise",)


def test_the_layer_before_is_refused() -> None:
    class Stacked(Habit):
        def __init__(self, prev_layer: Any, n_out: int) -> None:
            super().__init__(prev_layer.n_out, n_out)

    with pytest.raises(HintError, match=r"wants `prev_layer`, the layer before it by its name"):
        linear(Stacked)


def test_what_no_option_is_called_is_told() -> None:
    cls = declared(
        Correlates,
        "filters, channels, size, padding_mode='zeros', dtype=None, name='', W=None, init='he'",
        "filters, channels, size",
    )
    layer = made(cls, Conv(out_channels=5, kernel_size=2), (3, 4, 6))
    assert layer.not_tried == {
        "padding_mode": "no option of `conv` is called so; if it is one, say which: "
        "--map OPTION=padding_mode"
    }


def test_built_in_sizes_need_no_parameter() -> None:
    class OneSize(Correlates):
        def __init__(self, n: int) -> None:
            self.set_up(n, 3, 2)

    conv = Conv(out_channels=5, kernel_size=2)
    for built_in in (True, False):
        made_so = made(OneSize, conv, (3, 4, 6), built_in=built_in)
        assert made_so.instance.W.shape == (5, 3, 2, 2)


class NoBias:
    def __init__(self, n_in: int, n_out: int) -> None:
        self.W = np.zeros((n_in, n_out))

    def forward(self, x: Any) -> Any:
        return x @ self.W


def test_a_class_without_a_bias_is_made_for_layers_without_one() -> None:
    assert made(NoBias, Linear(out_features=4, bias=False), (3,)).instance.W.shape == (3, 4)
    with pytest.raises(UnsupportedSettingError, match="has no attribute for `bias`") as caught:
        made(NoBias, Linear(out_features=4), (3,))
    assert caught.value.lacks == "bias"

    class HasOne(NoBias):
        def __init__(self, n_in: int, n_out: int) -> None:
            super().__init__(n_in, n_out)
            self.b = np.zeros(n_out)

    with pytest.raises(UnsupportedSettingError, match="HasOne takes no `bias`"):
        made(HasOne, Linear(out_features=4, bias=False), (3,))

    class MayHaveOne(NoBias):
        def __init__(self, n_in: int, n_out: int) -> None:
            super().__init__(n_in, n_out)
            self.theta, self.delta = np.zeros(n_out), np.zeros(n_out)

    with pytest.raises(HintError, match=r"bias: false}'; else say .* bias=theta"):
        made(MayHaveOne, Linear(out_features=4), (3,))


def test_sizes_that_are_built_in_are_seen_in_what_is_made() -> None:
    class Cubic(Correlates):
        def __init__(self, channels: int, filters: int) -> None:
            self.set_up(filters, channels, 3)

    class Guessed(Correlates):
        def __init__(self, a: int, b: int) -> None:
            self.set_up(b, a, 3)

    # As many channels come in as a kernel has rows: that the kernel is `a` is disproved before.
    layer = made(Guessed, Conv(out_channels=5, kernel_size=3), (3, 4, 6))
    assert layer.instance.W.shape == (5, 3, 3, 3)
    layer = made(Cubic, Conv(out_channels=5, kernel_size=3), (2, 4, 6))
    assert layer.notes == ("Cubic takes no `kernel_size`: kernel_size 3 is taken as built in",)
    with pytest.raises(
        UnsupportedSettingError, match="takes no `kernel_size`; its param"
    ) as caught:
        made(Cubic, Conv(out_channels=5, kernel_size=2), (2, 4, 6))
    assert caught.value.lacks == "kernel_size"

    class Halves(Pools):
        def __init__(self) -> None:
            self.set_up(2, 2)

    assert made(Halves, Pool(kernel_size=2), (2, 4, 7)).instance.k == 2
    for shape in ((2, 6, 9), (2, 3, 3)):  # the latter has one window either way
        with pytest.raises(UnsupportedSettingError):
            made(Halves, Pool(kernel_size=3), shape)


class OfShapes(Habit):
    def __init__(self, input_shape: Any, output_shape: Any) -> None:
        super().__init__(*input_shape, *output_shape)


class OfNumbers(Habit):
    def __init__(self, input_shape: int, output_shape: int) -> None:
        super().__init__(input_shape, output_shape)


@pytest.mark.parametrize("cls", [OfShapes, OfNumbers])
def test_the_shape_of_features_is_one_number_or_several(cls: type) -> None:
    assert_linear(cls)


def test_linear_shapes_in_one() -> None:
    for order in ("shape[0], shape[1]", "shape[1], shape[0]"):
        scope: dict[str, Any] = {"Habit": Habit}
        exec(
            f"class Own(Habit):\n    def __init__(self, shape):\n        super().__init__({order})",
            scope,
        )
        assert_linear(scope["Own"])
    assert made(scope["Own"], Linear(out_features=4), (3,)).instance.W.shape == (3, 4)


def test_what_goes_out_of_a_norm_is_what_came_in() -> None:
    class Norm:
        def __init__(self, n_out: int) -> None:
            self.gamma, self.beta = np.ones(n_out), np.zeros(n_out)

        def forward(self, x: Any) -> Any:
            return self.gamma[:, None, None] * x

    assert made(Norm, BatchNorm(), (3, 4, 5)).instance.gamma.size == 3


def test_the_shape_of_the_input_in_one() -> None:
    class Norm:
        def __init__(self, shape: Any) -> None:
            self.gamma, self.beta = np.ones((1, shape[0], 1, 1)), np.zeros((1, shape[0], 1, 1))

        def forward(self, x: Any) -> Any:
            return self.gamma * x + self.beta

    layer = made(Norm, BatchNorm(), (3, 4, 5))
    assert layer.instance.gamma.size == 3
    assert layer.notes == ("taken for the shape of the input: `shape`",)


class WantsPairs(Correlates):
    def __init__(self, channels: int, filters: int, kernel_size: Any) -> None:
        height, _ = kernel_size
        self.set_up(filters, channels, height)


def test_what_is_lacking_is_so_in_every_spelling() -> None:
    without = Conv(out_channels=5, kernel_size=2, bias=False)
    with pytest.raises(UnsupportedSettingError, match="takes no `bias`"):
        made(WantsPairs, without, (3, 4, 6))


def test_sides_that_differ_say_nothing_of_a_reading() -> None:
    cls = declared(Correlates, "depth_in, depth_out, size", "depth_out, depth_in, size")
    conv = Conv(out_channels=5, kernel_size=2)
    with pytest.raises(TypeError):  # of the class: it takes no pair
        made(cls, conv, (3, 4, 6), pairs=frozenset({"kernel_size"}))


def test_a_value_is_given_in_the_words_of_the_class() -> None:
    class Named(Pools):
        def __init__(self, kernel: int, stride: int, mode: str = "max") -> None:
            if mode not in ("max", "average"):
                raise ValueError(mode)
            self.mode = mode
            self.set_up(kernel, stride)

    for kind, mode in (("max", "max"), ("avg", "average")):
        pool = Pool(kernel_size=2, stride=2, kind=kind)
        assert made(Named, pool, (2, 4, 6)).instance.mode == mode


def test_a_value_that_is_built_in_is_the_only_one_that_a_class_is_made_for() -> None:
    class Overlapping(Pools):
        def __init__(self, kernel: int) -> None:
            self.set_up(kernel, 1)

    built_in = {"stride": 1}
    layer = made(Overlapping, Pool(kernel_size=2, stride=1), (2, 4, 6), values=built_in)
    assert layer.forward(np.zeros((1, 2, 4, 6))).shape == (1, 2, 3, 5)
    assert {"stride", "padding"} <= {*layer.lacks}
    with pytest.raises(UnsupportedSettingError, match="takes no `stride`: 1 is built in") as caught:
        made(Overlapping, Pool(kernel_size=2), (2, 4, 6), values=built_in)
    assert caught.value.lacks == "stride"


@pytest.mark.parametrize(
    ("word", "given"),
    [("keep", 0.75), ("keep_ratio", 0.75), ("prob_keep", 0.75), ("drop", 0.25), ("pdrop", 0.25)],
)
def test_a_share_is_the_one_that_is_kept_or_the_one_that_is_dropped(
    word: str, given: float
) -> None:
    namespace: dict[str, Any] = {}
    exec(f"class Drops:\n    def __init__(self, {word}=0.5):\n        self.x = {word}", namespace)
    layer = made(namespace["Drops"], Dropout(p=0.25), (3,))
    assert layer.takes == ("p",)
    assert layer.instance.x == given


class Named:
    def __init__(self, name: str = "", trainable: bool = True) -> None:
        self.name, self.trainable = name, trainable


class HandsOn(Named):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units


class SaysSome(Named):
    def __init__(self, units: int, **kwargs: Any) -> None:
        Named.__init__(self, "its own", **kwargs)
        self.units = units


class Ignores:
    def __init__(self, units: int, **kwargs: Any) -> None:
        self.units = units


class ReadsOne(Named):
    def __init__(self, units: int, **kwargs: Any) -> None:
        self.rate = kwargs.pop("rate", 0.5)
        super().__init__(**kwargs)
        self.units = units


class KeepsAll:
    def __init__(self, **kwargs: Any) -> None:
        vars(self).update(kwargs)


class KeepsRest(KeepsAll):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units=units, **kwargs)


@pytest.mark.parametrize(
    ("cls", "parameters", "any_keyword"),
    [
        (HandsOn, ["units", "name", "trainable"], False),
        (SaysSome, ["units", "trainable"], False),
        (Ignores, ["units"], False),
        (ReadsOne, ["units", "rate", "name", "trainable"], False),
        (KeepsAll, [], True),
        (KeepsRest, ["units"], True),
    ],
)
def test_keywords_are_followed_to_who_takes_names(
    cls: type, parameters: list[str], any_keyword: bool
) -> None:
    found: Signature = signature_of(cls)
    assert [*found.parameters] == parameters
    assert found.any_keyword is any_keyword


class RefusesByHand:
    """Goes through its keywords, and refuses by name what it does not know."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        for word in kwargs:
            if word not in ("name", "stride"):
                raise TypeError("keyword argument not understood:", word)
        self.k, self.s = size, kwargs.get("stride", size)

    forward = Pools.forward


class RefusesElsewhere:
    def __init__(self, size: int, **kwargs: Any) -> None:
        self.k = size
        self.set_up(**kwargs)

    def set_up(self, stride: int) -> None:
        self.s = stride

    forward = Pools.forward


@pytest.mark.parametrize("cls", [RefusesByHand, RefusesElsewhere])
def test_what_keywords_turn_out_not_to_take_is_not_offered(cls: type) -> None:
    assert made(cls, Pool(kernel_size=2, stride=1), (3, 5, 6)).forward(np.zeros((1, 3, 5, 6))).size
    with pytest.raises(UnsupportedSettingError) as refused:
        made(cls, Pool(kernel_size=2, stride=1, ceil_mode=True), (3, 5, 6))
    assert refused.value.lacks == "ceil_mode"


@dataclass
class KeepsArraysInFields(Correlates):
    out: int
    channels: int
    kernel: int
    arrays: dict[str, Any] = field(default_factory=dict)
    gradients: list[Any] = field(default_factory=list)
    mystery: float = 0.5

    def __post_init__(self) -> None:
        self.set_up(self.out, self.channels, self.kernel)


def test_a_field_that_is_an_empty_container_is_no_option() -> None:
    layer = made(KeepsArraysInFields, Conv(out_channels=4, kernel_size=3), (3, 6, 7))
    assert [*layer.not_tried] == ["mystery"]
