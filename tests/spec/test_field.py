"""Words of the field: a suggestion is never another function, and every answer is true."""

from __future__ import annotations

import inspect

import pytest

from cnnspec import inspect_spec, resolve
from cnnspec.spec import field, field_layers
from cnnspec.spec.composites import ENTRIES
from cnnspec.spec.data import DATA_KINDS
from cnnspec.spec.dialects import in_this_dialect, keyed
from cnnspec.spec.field import NOT_NEEDED, OTHERS, SYNONYMS, answer_to, keeps_shape
from cnnspec.spec.field_words import Word, plain
from cnnspec.spec.layers import KINDS, Flatten, ReLU
from cnnspec.spec.model import KINDS_AT
from cnnspec.spec.section import Kind
from cnnspec.spec.words import did_you_mean, meant, slips
from tests.rooms import LAYERS

KNOWN: dict[str, dict[str, type[Kind]]] = {
    "layer": ENTRIES,
    "data": DATA_KINDS,
    "initialization": KINDS_AT["initialization",],
    "optimizer": KINDS_AT["training", "optimizer"],
}
WORDS = [(noun, word) for noun in KNOWN for word in OTHERS[noun]]


@pytest.mark.parametrize(("noun", "word"), WORDS, ids=[" ".join(each) for each in WORDS])
def test_nothing_is_offered_for_another_function(noun: str, word: str) -> None:
    for spelt in (word, word.upper(), word.capitalize(), f"nn.{word}", f"tf.keras.layers.{word}"):
        assert meant(spelt, KNOWN[noun], noun) is None
        assert did_you_mean(spelt, KNOWN[noun], noun) == OTHERS[noun][word].answer
    assert not OTHERS[noun][word].answer.startswith("did you mean")
    assert "{what}" not in OTHERS[noun][word].answer


def test_a_word_has_one_answer() -> None:
    for noun, known in KNOWN.items():
        same = {plain(word) for word, meant in SYNONYMS.items() if meant[0].split(":")[0] in known}
        assert not (same | set(known)) & set(OTHERS[noun])
    assert not {plain(word) for word in SYNONYMS} & {plain(word) for word in NOT_NEEDED}


def test_a_word_of_a_room_is_no_longer_one_for_what_is_not_here() -> None:
    """So that a new kind needs no edit of the tables of what is not here."""
    table = {"rectifier": Word("it is not here"), "relu": Word("nor this"), "flux": Word("nor")}
    assert {"rectifier", "relu", "flux"} & set(field._not_here("layer", table)) == {"flux"}
    assert field._not_here("layer", {"reshape": Word("not here")})["reshape"].answer.startswith(
        "there is `flatten`, "
    )


def test_an_answer_lists_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_layers, "KINDS", {"relu": ReLU, "flatten": Flatten})
    assert field_layers._here("activation") == (
        "`relu` is the only one that cnnspec has; it is another function"
    )
    monkeypatch.setattr(field_layers, "KINDS", {"relu": ReLU, "flux": ReLU})
    assert field_layers._here("activation") == (
        "cnnspec has `relu` and `flux`; each is another function"
    )


def test_a_call_has_arguments_that_the_kind_has() -> None:
    for kinds in KNOWN.values():
        for kind in kinds.values():
            for call, order in kind.words.calls.items():
                assert kind.words.stand_for(call) is not None or plain(call) == plain(kind.keyword)
                assert set(order.split()) - {"inplace"} <= set(kind.model_fields), call
            for words in kind.vocabulary():
                named = {*words.options, *words.guesses, *words.values, *words.examples}
                of_a_base = "words" not in vars(kind) or words is not kind.words
                assert of_a_base or named <= set(kind.model_fields), kind.keyword


# What torch has is walked: none of it may be taken for something else.

SAME = {
    "layer": {name: meant for room in LAYERS.values() for name, meant in room.called.items()},
    "optimizer": {"SGD": "sgd", "Adam": "adam"},
    "initialization": {"normal_": "normal", "normal": "normal"},
    "data": {"MNIST": "mnist", "FashionMNIST": "fashion_mnist"},
}


def names_of_torch() -> list[tuple[str, str]]:
    import torch

    modules = [name for name, item in vars(torch.nn).items() if inspect.isclass(item)]
    optimizers = [name for name, item in vars(torch.optim).items() if inspect.isclass(item)]
    functions = [name for name in vars(torch.nn.functional) if name.islower() and name[0] != "_"]
    inits = [name for name in vars(torch.nn.init) if name.endswith("_") and name[0] != "_"]
    return [
        *(("layer", name) for name in [*modules, *functions]),
        *(("optimizer", name) for name in optimizers),
        *(("initialization", name) for name in [*inits, *(name[:-1] for name in inits)]),
    ]


@pytest.mark.torch
def test_nothing_of_torch_is_taken_for_something_else() -> None:
    names = names_of_torch()
    assert len(names) > 250
    for noun, name in names:
        assert meant(name, KNOWN[noun], noun) == SAME[noun].get(name), (noun, name)


KERAS = """
Activation ActivityRegularization Add AlphaDropout Attention Average AveragePooling1D
AveragePooling3D Bidirectional CenterCrop Concatenate Conv1D Conv1DTranspose Conv2DTranspose Conv3D
Cropping2D DepthwiseConv2D Dot Dropout EinsumDense ELU Embedding GaussianDropout GaussianNoise
GlobalAveragePooling2D GlobalMaxPooling2D GRU GroupNormalization Identity Lambda
LayerNormalization LeakyReLU LSTM Masking Maximum MaxPooling1D MaxPooling3D Minimum
MultiHeadAttention Multiply Normalization Permute PReLU RandomCrop RandomFlip RepeatVector Rescaling
Reshape Resizing RMSNormalization SeparableConv2D SimpleRNN Softmax SpatialDropout2D
SpectralNormalization Subtract UnitNormalization UpSampling2D ZeroPadding2D
HeNormal HeUniform GlorotNormal GlorotUniform LecunNormal Orthogonal TruncatedNormal VarianceScaling
Zeros Ones RandomUniform Constant
Adadelta Adafactor Adagrad Adamax AdamW Ftrl Lion Nadam RMSprop
Scale Eltwise LRN Deconvolution Power Exp Log Split Slice Silence InnerProduct PReLU TanH BNLL
route shortcut yolo upsample maxpool local crnn detection region reorg
"""


@pytest.mark.parametrize("name", KERAS.split())
def test_nothing_of_keras_caffe_and_darknet_is_taken_for_something_else(name: str) -> None:
    for noun, known in KNOWN.items():
        assert meant(name, known, noun) == SAME[noun].get(name)


def test_slips() -> None:
    assert slips("relu", "relu") == 0
    assert [slips(word, "relu") for word in ("rellu", "rlu", "rely", "erlu")] == [1, 1, 1, 1]
    assert slips("kernal_siez", "kernel_size") == 2
    assert slips("", "abc") == slips("abc", "") == 3


SLIPS = {
    "conv": "con convv conf cnov Conv CONV",
    "flatten": "flaten flattten flatten_ Flattern",
    "linear": "liner linaer lnear",
    "batch_norm": "batchnorm batch_nrom BatchNorm batch-norm bath_norm",
    "pool": "poool pol pooling",
}


@pytest.mark.parametrize(
    ("word", "wanted"),
    [(word, wanted) for wanted, words in SLIPS.items() for word in words.split()],
)
def test_a_slip_is_seen(word: str, wanted: str) -> None:
    assert meant(word, KINDS, "layer") == wanted


@pytest.mark.parametrize(
    ("word", "known", "wanted"),
    [
        ("num_output", ["out_channels", "kernel_size"], "out_channels"),
        ("num_output", ["out_features", "bias"], "out_features"),
        ("n_epochs", ["epochs", "batch_size"], "epochs"),
        ("beta_2", ["learning_rate", "betas"], "betas"),
    ],
)
def test_an_option_of_another_tool_is_known(word: str, known: list[str], wanted: str) -> None:
    assert meant(word, known) == wanted


@pytest.mark.parametrize(
    ("word", "noun", "answer"),
    [
        ("reshape", "layer", "there is `flatten`, "),
        ("View", "layer", "there is `flatten`, "),
        ("Activation", "layer", "each activation is a kind of its own: `relu`, `leaky_relu`, "),
        ("Eltwise", "layer", "branches that are added are a block: `residual: {body: [...]}` adds"),
        ("skip_connection", "layer", "a branch whose input is added to it is a block: `residual:"),
        ("Concatenate", "layer", "branches whose outputs are joined are a block: `parallel: {pat"),
        ("nn.Sequential", "layer", "layers stand in one list: write those inside it one after "),
        ("upsample", "layer", "cnnspec does not have it (larger images)"),
        ("path", "data", "a file of your own is `npz: {path: my.npz}`"),
        (
            "dataset",
            "data",
            "the key is the kind of data: `data: mnist`, or `data: {mnist: {...}}`",
        ),
        ("root", "option", "choose the folder of the data sets with `--data-dir`"),
        ("padding_mode", "option", "only zeros are put around images: leave it out if you mean "),
        ("count_include_pad", "option", "padded cells are always counted in an average: leave it "),
    ],
)
def test_a_true_way_out(word: str, noun: str, answer: str) -> None:
    assert did_you_mean(word, KNOWN.get(noun, []), noun).startswith(answer)


def test_the_same_layer_whose_options_say_something_else() -> None:
    offered = did_you_mean("BatchNormalization", KINDS, "layer")
    assert offered.startswith("did you mean `batch_norm`? the defaults of Keras are ")
    assert "`batch_norm: {momentum: 0.01, eps: 1e-3}`" in offered
    assert did_you_mean("BatchNorm2d", KINDS, "layer") == "did you mean `batch_norm`?"


@pytest.mark.parametrize(
    ("call", "offered"),
    [
        ("Conv2D(8, 3, activation='relu')", "`conv: {out_channels: 8, kernel_size: 3}`; `activa"),
        ("Dense(10, activation='softmax')", "`linear: {out_features: 10}`; `activation`: leave"),
        ("Conv2D(8, 3, padding='valid')", "`conv: {out_channels: 8, kernel_size: 3, padding: 0}`"),
        ("avg_pool(kernel_size=2)", "`pool: {kind: avg, kernel_size: 2}`"),
        ("avg_pool2d(x, 2)", "`pool: {kind: avg, ...}`"),
        ("Conv2d(1)", "`conv: {...}`"),
        ("Activation('tanh')", "`tanh`"),
        ("nn.Softmax(dim=1)", "`softmax`; `dim`: leave it out: it is over the features of each "),
        ("BatchNormalization(momentum=0.9)", "`batch_norm: {...}`; the defaults of Keras"),
        (
            "nn.Conv2d(1, 8, 3, padding_mode='reflect')",
            "`conv: {out_channels: 8, kernel_size: 3}`; `padding_mode`: only zeros are put",
        ),
    ],
)
def test_a_call_is_offered_with_options_that_there_are(call: str, offered: str) -> None:
    told = in_this_dialect(call, KINDS)
    before = "write the kind as the key, over its options: " if "..." in offered else "write "
    assert told.startswith(before + offered)


def test_a_kind_as_a_value_stays_the_same_function() -> None:
    assert keyed({"type": "AvgPool2d", "kernel_size": 2}, KINDS) == (
        "write `pool: {kind: avg, kernel_size: 2}`"
    )


def test_shapes_behind_what_is_not_here() -> None:
    for kind in ("dropout", "GELU", "LayerNorm", "softmax", "Identity", "BatchNormalization"):
        assert keeps_shape(kind)
    for kind in ("conv1d", "adaptive_avg_pool", "upsample", "residual", "lstm", "nonsense"):
        assert not keeps_shape(kind)


def test_what_is_answered_to_an_option_and_to_a_kind_differs() -> None:
    assert answer_to("dropout", "layer") != answer_to("dropout", "option") != ""
    assert answer_to("nonsense", "layer") == answer_to("prelu", "optimizer") == ""


# Layers as other tools write them: what is offered is taken.

CALLS = {call: written for call, written in SAME["layer"].items() if "(" in call}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_another_tool_is_written_here(call: str) -> None:
    assert in_this_dialect(call, KINDS) == f"write `{CALLS[call]}`"
    takes = KINDS[CALLS[call].partition(":")[0]].takes
    layers = ["flatten", CALLS[call]] if takes == "features" else [CALLS[call], "flatten"]
    text = "input: [1, 8, 8]\nlayers: [" + ", ".join(layers) + "]\n"
    spec = inspect_spec(text).spec
    assert spec is not None
    resolve(spec)


@pytest.mark.parametrize(
    "call", ["Conv2d(n, 8)", "Conv2d(*a)", "Linear(", "x" * 500, "Conv2d(" * 90]
)
def test_a_call_that_cannot_be_read(call: str) -> None:
    assert not in_this_dialect(call, KINDS).startswith("write `")
    assert "write `" not in in_this_dialect(call, KINDS)


def test_a_call_of_something_else_is_not_read() -> None:
    assert in_this_dialect("PReLU()", KINDS) == in_this_dialect("LSTM(3)", KINDS) == ""


def test_the_kind_as_the_value_of_a_key() -> None:
    assert keyed({"type": "Conv2d", "filters": 8, "kernel_size": [3, 3]}, KINDS) == (
        "write `conv: {out_channels: 8, kernel_size: [3, 3]}`"
    )
    assert keyed({"class_name": "Dense", "config": {"units": 10}}, KINDS) == (
        "write the kind as the key, over its options: `linear: {...}`"
    )
    assert (
        keyed({"type": "PReLU"}, KINDS) == keyed({"a": 1}, KINDS) == keyed({"type": 3}, KINDS) == ""
    )
