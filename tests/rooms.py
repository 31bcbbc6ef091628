"""Every room of tests/kinds/, and its rows under names that begin with the kind."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.spec.initializations import AnyInitialization
from cnnspec.spec.section import Kind
from tests.kinds import (
    adam,
    add,
    batch_norm,
    concat,
    conv,
    cross_entropy,
    dropout,
    flatten,
    gelu,
    global_pool,
    layer_norm,
    leaky_relu,
    linear,
    normal,
    pool,
    relu,
    sgd,
    sigmoid,
    softmax,
    tanh,
    torch_default,
)
from tests.room import LayerRoom, OptimizerRoom

LAYERS: dict[str, LayerRoom] = {
    "conv": conv.ROOM,
    "pool": pool.ROOM,
    "global_pool": global_pool.ROOM,
    "relu": relu.ROOM,
    "leaky_relu": leaky_relu.ROOM,
    "gelu": gelu.ROOM,
    "sigmoid": sigmoid.ROOM,
    "tanh": tanh.ROOM,
    "softmax": softmax.ROOM,
    "flatten": flatten.ROOM,
    "linear": linear.ROOM,
    "batch_norm": batch_norm.ROOM,
    "layer_norm": layer_norm.ROOM,
    "dropout": dropout.ROOM,
    "add": add.ROOM,
    "concat": concat.ROOM,
}

OPTIMIZERS: dict[str, OptimizerRoom] = {
    "sgd": sgd.ROOM,
    "adam": adam.ROOM,
}

INITIALIZATIONS: dict[str, Mapping[str, AnyInitialization]] = {
    "torch_default": torch_default.CASES,
    "normal": normal.CASES,
}

LOSSES: dict[str, Mapping[str, Kind]] = {
    "cross_entropy": cross_entropy.CASES,
}

CASES = {
    f"{kind}-{name}": case for kind, room in LAYERS.items() for name, case in room.cases.items()
}

FACETS = {name: case.facets for name, case in CASES.items()}
"""For `covering`: what of each case must meet every backend and precision."""
