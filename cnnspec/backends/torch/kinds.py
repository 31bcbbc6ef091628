"""The kinds that the torch backend has. The package itself does without torch, and so without them.

A layer is built from its options and the shape of its input, an optimizer from its options and
the parameters; a loss takes the logits (n, classes) and the labels (n,).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn, optim

from cnnspec.backends.torch.adam import adam
from cnnspec.backends.torch.add import add
from cnnspec.backends.torch.batch_norm import batch_norm
from cnnspec.backends.torch.concat import concat
from cnnspec.backends.torch.conv import conv
from cnnspec.backends.torch.cross_entropy import cross_entropy
from cnnspec.backends.torch.dropout import dropout
from cnnspec.backends.torch.flatten import flatten
from cnnspec.backends.torch.gelu import gelu
from cnnspec.backends.torch.global_pool import global_pool
from cnnspec.backends.torch.layer_norm import layer_norm
from cnnspec.backends.torch.leaky_relu import leaky_relu
from cnnspec.backends.torch.linear import linear
from cnnspec.backends.torch.pool import pool
from cnnspec.backends.torch.relu import relu
from cnnspec.backends.torch.sgd import sgd
from cnnspec.backends.torch.sigmoid import sigmoid
from cnnspec.backends.torch.softmax import softmax
from cnnspec.backends.torch.tanh import tanh
from cnnspec.spec.sizes import Shape

LAYERS: dict[str, Callable[[Any, Shape], nn.Module]] = {
    "conv": conv,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "gelu": gelu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softmax": softmax,
    "pool": pool,
    "global_pool": global_pool,
    "flatten": flatten,
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "dropout": dropout,
    "add": add,
    "concat": concat,
}

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"cross_entropy": cross_entropy}

OPTIMIZERS: dict[str, Callable[[Any, Iterable[Tensor]], optim.Optimizer]] = {
    "sgd": sgd,
    "adam": adam,
}
