"""Words of the field: what torch, Keras, Caffe and people call things, and what is true of each.

Three answers are there. A word is another name of something here (`SYNONYMS`); it is not written
in a spec at all (`NOT_NEEDED`); or it is something else than all that is here (`OTHERS`), and then
nothing here may be offered in its place, however near the letters are.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.spec.field_layers import LAYERS
from cnnspec.spec.field_others import DATA, INITIALIZATIONS, OPTIMIZERS, OPTIONS
from cnnspec.spec.field_words import Word, plain

SYNONYMS: dict[str, tuple[str, ...]] = {
    # kinds, as torch, Keras, darknet and people call them
    "batch_normalization": ("batch_norm",),
    "batchnorm": ("batch_norm",),
    "batchnorm1d": ("batch_norm",),
    "batchnorm2d": ("batch_norm",),
    "batchnormalization": ("batch_norm",),
    "bn": ("batch_norm",),
    "avg_pool": ("pool: {kind: avg, ...}",),
    "avgpool": ("pool: {kind: avg, ...}",),
    "average_pool": ("pool: {kind: avg, ...}",),
    "avgpool2d": ("pool: {kind: avg, ...}",),
    "averagepooling2d": ("pool: {kind: avg, ...}",),
    "conv2d": ("conv",),
    "convolution": ("conv",),
    "convolution2d": ("conv",),
    "convolutional": ("conv",),
    "dense": ("linear",),
    "fc": ("linear",),
    "fully_connected": ("linear",),
    "max_pool": ("pool",),
    "maxpool": ("pool",),
    "maxpool2d": ("pool",),
    "max_pooling": ("pool",),
    "maxpooling2d": ("pool",),
    "averagepooling": ("pool: {kind: avg, ...}",),
    "pool2d": ("pool",),
    "fullyconnected": ("linear",),
    "rectifier": ("relu",),
    "pooling": ("pool",),
    "inner_product": ("linear",),
    "innerproduct": ("linear",),
    "gaussian": ("normal",),
    "random_normal": ("normal",),
    "randomnormal": ("normal",),
    "fashionmnist": ("fashion_mnist",),
    "fmnist": ("fashion_mnist",),
    "stochastic_gradient_descent": ("sgd",),
    "default": ("torch_default",),
    # options
    "activations": ("layers",),
    "batch": ("batch_size",),
    "batchsize": ("batch_size",),
    "channels": ("out_channels", "num_features"),
    "dataset": ("data",),
    "dtype": ("precision",),
    "beta2": ("betas",),
    "epsilon": ("eps",),
    "features": ("out_features",),
    "filters": ("out_channels",),
    "file": ("path",),
    "init": ("initialization",),
    "dilation_rate": ("dilation",),
    "input_shape": ("input",),
    "input_size": ("input",),
    "kernel": ("kernel_size",),
    "l2": ("weight_decay",),
    "lr": ("learning_rate",),
    "max_epochs": ("epochs",),
    "architecture": ("layers",),
    "model": ("layers",),
    "modules": ("layers",),
    "net": ("layers",),
    "network": ("layers",),
    "n_epochs": ("epochs",),
    "num_epochs": ("epochs",),
    "num_output": ("out_channels", "out_features"),
    "out_channels": ("out_features",),
    "out_features": ("out_channels",),
    "in_channels": ("in_features", "num_features"),
    "in_features": ("in_channels", "num_features"),
    "num_features": ("in_channels", "in_features"),
    "pad": ("padding",),
    "pool_size": ("kernel_size",),
    "random_seed": ("seed",),
    "rate": ("learning_rate",),
    "size": ("kernel_size",),
    "std_dev": ("std",),
    "stddev": ("std",),
    "train": ("training",),
    "units": ("out_features",),
    "use_bias": ("bias",),
}
"""What other tools call a thing, in small letters, and what it is called here."""


BESIDES = {
    "batchnormalization": "the defaults of Keras are `batch_norm: {momentum: 0.01, eps: 1e-3}`, "
    "as `momentum` is the share of the batch here",
}
"""What is to be known of a synonym: the same thing, and yet its options say something else."""


NOT_NEEDED = {
    "softmax": "the loss takes the logits as they are: leave it out",
    "log_softmax": "the loss takes the logits as they are: leave it out",
    "logits": "the last layer gives them: leave it out",
    "identity": "it does nothing: leave it out",
    "input": "the input stands on top, as in `input: [1, 28, 28]`: leave it out",
    "input_layer": "the input stands on top, as in `input: [1, 28, 28]`: leave it out",
    "track_running_stats": "leave it out: running statistics are always kept",
    "batch_normalize": "leave it out: a `- batch_norm` is a layer of its own",
    "count_include_pad": "padded cells are always counted in an average: leave it out if you "
    "mean that",
    "padding_mode": "only zeros are put around images: leave it out if you mean that",
    "inplace": "leave it out: how a layer keeps its arrays is up to the backend",
    "activation": "leave it out: a `- relu` is a layer of its own; the last layer has none",
    "loss": "the loss is always the mean cross-entropy of the logits: leave it out if "
    "you mean that",
    "criterion": "the loss is always the mean cross-entropy of the logits: leave it out if "
    "you mean that",
    "metrics": "leave it out: loss and accuracy are always recorded",
    "shuffle": "leave it out: the images of every epoch are in a new order",
    "data_format": "leave it out: images are channels, height, width",
    "backend": "choose the backend with `--backend`",
    "device": "choose the device with `--device`",
    "<<": "merge keys are not supported: write the options out",
}
"""What is not written in a spec at all, and what to do instead."""


OTHERS: dict[str, dict[str, Word]] = {
    "layer": LAYERS,
    "initialization": INITIALIZATIONS,
    "optimizer": OPTIMIZERS,
    "data": DATA,
    "option": OPTIONS,
}
"""By what stands there, without case, `_` and `-`."""

_SYNONYMS = {plain(word): meant for word, meant in SYNONYMS.items()}
_NOT_NEEDED = {plain(word): answer for word, answer in NOT_NEEDED.items()}


def synonyms_of(word: str) -> tuple[str, ...]:
    """Return what a word of another tool is called here; nothing where it is no such word."""
    return _SYNONYMS.get(plain(word), ())


def besides(word: str) -> str:
    """Say what differs though a word is a synonym; nothing where nothing does."""
    return BESIDES.get(plain(word), "")


def answer_to(word: str, noun: str) -> str:
    """Say what a word of the field is, where a `noun` stands; nothing where it is none.

    An option of a layer and a layer are asked for alike where the word is not written at all.
    """
    asked = plain(word)
    found = OTHERS.get(noun, {}).get(asked)
    return found.answer if found else _NOT_NEEDED.get(asked, "")


def keeps_shape(kind: str) -> bool:
    """Tell whether a kind of layer that does not exist is known not to change a shape."""
    asked = plain(kind)
    found = LAYERS.get(asked)
    if found is not None:
        return found.keeps_shape
    return asked in _NOT_NEEDED or "batch_norm" in _SYNONYMS.get(asked, ())


def same_word(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a word is but for case, `_` and `-`."""
    asked = plain(word)
    return next((each for each in known if plain(each) == asked), None)
