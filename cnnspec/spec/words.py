"""Words: what a value is, and which word was meant."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cnnspec.spec.diagnostics import Diagnostic, Location, Path, brief
from cnnspec.spec.scalars import core_scalar
from cnnspec.spec.source import UNREAD

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
    "pooling": ("pool",),
    "gaussian": ("normal",),
    "default": ("torch_default",),
    "kaiming_uniform": ("torch_default",),
    # options
    "activations": ("layers",),
    "batch": ("batch_size",),
    "batchsize": ("batch_size",),
    "channels": ("out_channels", "num_features"),
    "dataset": ("data",),
    "dtype": ("precision",),
    "epsilon": ("eps",),
    "features": ("out_features",),
    "filters": ("out_channels",),
    "file": ("path",),
    "init": ("initialization",),
    "input_shape": ("input",),
    "input_size": ("input",),
    "kernel": ("kernel_size",),
    "l2": ("weight_decay",),
    "lr": ("learning_rate",),
    "max_epochs": ("epochs",),
    "model": ("layers",),
    "network": ("layers",),
    "num_epochs": ("epochs",),
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

NOT_NEEDED = {
    "softmax": "the loss takes the logits as they are: leave it out",
    "log_softmax": "the loss takes the logits as they are: leave it out",
    "input": "the input stands on top, as in `input: [1, 28, 28]`: leave it out",
    "dropout": "there is no dropout; leave it out",
    "layer_norm": "`batch_norm` is the only normalisation",
    "layernorm": "`batch_norm` is the only normalisation",
    "group_norm": "`batch_norm` is the only normalisation",
    "groupnorm": "`batch_norm` is the only normalisation",
    "tanh": "`relu` is the only activation",
    "sigmoid": "`relu` is the only activation",
    "gelu": "`relu` is the only activation",
    "adamw": "its decay apart from the gradient is not there; `adam` couples them",
    "track_running_stats": "leave it out: running statistics are always kept",
    "batch_normalize": "leave it out: a `- batch_norm` is a layer of its own",
    "padding_mode": "leave it out: zeros are added",
    "inplace": "leave it out: how a layer keeps its arrays is up to the backend",
    "activation": "leave it out: a `- relu` is a layer of its own; the last layer has none",
    "loss": "leave it out: the loss is the mean cross-entropy of the logits",
    "backend": "choose the backend with `--backend`",
    "device": "choose the device with `--device`",
    "<<": "merge keys are not supported: write the options out",
}
"""What is not written in a spec at all, and what to do instead."""


def keeps_shape(kind: str) -> bool:
    """Tell whether a kind that does not exist is known not to change a shape elsewhere."""
    asked = kind.lower()
    return asked in NOT_NEEDED or "batch_norm" in SYNONYMS.get(asked, ())


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    known = list(known)
    asked = word.lower()
    for synonym in SYNONYMS.get(asked, ()):
        if synonym.partition(":")[0] in known:
            return synonym
    if asked in NOT_NEEDED and asked not in known:
        return None
    near = difflib.get_close_matches(asked[:100], known, n=1)
    return near[0] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Offer the nearest known word, or all of them."""
    known = list(known)
    word_meant = meant(word, known)
    if word_meant is not None:
        return f"did you mean `{word_meant}`?"
    if word.lower() in NOT_NEEDED:
        return NOT_NEEDED[word.lower()]
    return f"known are {', '.join(known)}" if known else "it has no options"


def noun_of(path: Path) -> str:
    """Name what stands at a path: `layers[2]` is a layer."""
    words = [step for step in path if isinstance(step, str)]
    word = words[-1] if words else "spec"
    return word.removesuffix("s") if path and isinstance(path[-1], int) else word


def unknown_kind(path: Path, word: str, kinds: Iterable[str], at: Location) -> Diagnostic:
    """Say that there is no such kind."""
    message = f"there is no kind of {noun_of(path)} called `{brief(word)}`"
    return Diagnostic("unknown-kind", message, path, at, did_you_mean(word, kinds))


def describe(value: Any) -> str:
    """Say what a value of a YAML file is: `"3"` (text)."""
    if value is None:
        return "nothing"
    if value is UNREAD:
        return "what cannot be read"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        shown = value if len(value) <= 40 else value[:40] + "..."
        return f'"{shown}" (text)'
    if isinstance(value, int | float):
        return f"`{value}`"
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if not isinstance(value, list | tuple) or len(value) > 4:
        return f"a {type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else "that"
    return "[" + ", ".join(describe(item).strip("`") for item in value) + "]"


def nearest_legal(path: Path, wanted: str, found: Any, written: str) -> str:
    """Offer the nearest value that is allowed, where one is near; `written` is the source."""
    if path[-1] == "input":
        return "write `[channels, height, width]`, as in `[1, 28, 28]`"
    if isinstance(found, str):
        return _legal_for_text(path, wanted, found)
    if "`true` or `false`" in wanted and found in (0, 1):
        return f"write `{str(bool(found)).lower()}`"
    if isinstance(found, bool):
        return ""
    if "a whole number" in wanted and isinstance(found, float) and found.is_integer():
        return f"write `{found:.0f}`" if 1 <= found < 1e15 else ""
    if wanted == "wanted text" and isinstance(found, int | float):
        is_name = path == ("name",) and re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", written)
        return f'write `"{written}"`, in quotes' if is_name or path[-1] == "path" else ""
    if path[-2:-1] == ("normalize",) and isinstance(found, int | float) and found > 0:
        return f"write `[{found}]`, with a number for each channel"
    return ""


def _legal_for_text(path: Path, wanted: str, found: str) -> str:
    if "`true` or `false`" in wanted:
        words = {"yes": "true", "on": "true", "true": "true"}
        words |= {"no": "false", "off": "false", "false": "false"}
        word = words.get(found.strip().lower())
        return f"write `{word}`" if word else ""
    if "`avg`" in wanted:
        words = {"average": "avg", "mean": "avg", "avg": "avg", "maximum": "max", "max": "max"}
        return f"write `{words[found.lower()]}`" if found.lower() in words else ""
    if "`nhwc`" in wanted:
        words = {"channels_first": "nchw", "channels_last": "nhwc", "chw": "nchw", "hwc": "nhwc"}
        words |= {word: word for word in ("nchw", "nhwc", "nhw")} | {"hw": "nhw"}
        word = words.get(found.strip().lower())
        return f"write `{word}`" if word else ""
    if "letters, digits" in wanted:
        return _legal_name(wanted, found)
    if found.lower() in ("none", "null", "nil"):
        return "leave it out to have the default"
    number = _number(found)
    if "number" in wanted and number > 0 and math.isfinite(number):
        if "whole" not in wanted or isinstance(number, int):
            return f"write `{found.strip()}` without quotes"
        return ""
    if "whole" in wanted and re.fullmatch("[0-9]{1,3}([_ ][0-9]{3})+", found):
        return f"write `{re.sub('[_ ]', '', found)}`"
    sizes = re.fullmatch(r"\(?([1-9][0-9]*)(?: ?[x,] ?([1-9][0-9]*)\)?)?", found[:20])
    if "[height, width]" in wanted and sizes:
        return f"write `[{sizes[1]}, {sizes[2] or sizes[1]}]`"
    return ""


def _number(text: str) -> float:
    """Return the number that a text would be without its quotes, or 0."""
    try:
        value = core_scalar(text.strip())
    except ValueError:
        return 0
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _legal_name(wanted: str, found: str) -> str:
    keep = "[^A-Za-z0-9._-]+" if "`.`" in wanted else "[^A-Za-z0-9_]+"
    near = re.sub(keep, "_", found[:24]).strip("_.-")
    if near[:1].isdigit() and "`.`" not in wanted:
        near = f"_{near}"
    return f"did you mean `{near}`?" if near else ""
