"""A Plan -> nn.Sequential of standard modules, named as in the plan."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn, optim, zeros, zeros_like

from cnnspec.plan import Plan
from cnnspec.spec.layers import BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer
from cnnspec.spec.sizes import Shape


def _conv(layer: Conv, input: Shape) -> nn.Module:
    return nn.Conv2d(
        input[0],
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias,
    )


def _pool(layer: Pool, input: Shape) -> nn.Module:
    module = nn.MaxPool2d if layer.kind == "max" else nn.AvgPool2d
    return module(
        layer.kernel_size,
        stride=layer.strides(),
        padding=layer.padding,
        ceil_mode=layer.ceil_mode,
    )


def _relu(layer: ReLU, input: Shape) -> nn.Module:
    return nn.ReLU()


def _flatten(layer: Flatten, input: Shape) -> nn.Module:
    return nn.Flatten()


def _linear(layer: Linear, input: Shape) -> nn.Module:
    return nn.Linear(input[0], layer.out_features, bias=layer.bias)


def _batch_norm(layer: BatchNorm, input: Shape) -> nn.Module:
    module = nn.BatchNorm2d if len(input) == 3 else nn.BatchNorm1d
    return module(input[0], eps=layer.eps, momentum=layer.momentum, affine=layer.affine)


LAYERS: dict[str, Callable[[Any, Shape], nn.Module]] = {
    "conv": _conv,
    "relu": _relu,
    "pool": _pool,
    "flatten": _flatten,
    "linear": _linear,
    "batch_norm": _batch_norm,
}


def build_module(plan: Plan) -> nn.Sequential:
    """Build the module of a plan; its state_dict has the plan's parameter names.

    A name that torch's modules have for something else gets an underscore: a layer that the spec
    calls `training` is `training_` in the module.
    """
    empty, modules = nn.Sequential(), OrderedDict[str, nn.Module]()
    taken = {at.name for at in plan.layers}
    for at in plan.layers:
        name = at.name
        while hasattr(empty, name) or (name != at.name and name in taken):
            name += "_"
        taken.add(name)
        modules[name] = LAYERS[at.kind](at.layer, at.input)
    return nn.Sequential(modules)


def _sgd(options: SGD, parameters: Iterable[Tensor]) -> optim.Optimizer:
    return optim.SGD(
        parameters,
        lr=options.learning_rate,
        momentum=options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
    )


def _adam(options: Adam, parameters: Iterable[Tensor]) -> optim.Optimizer:
    return optim.Adam(
        parameters,
        lr=options.learning_rate,
        betas=options.betas,
        eps=options.eps,
        weight_decay=options.weight_decay,
    )


OPTIMIZERS: dict[str, Callable[[Any, Iterable[Tensor]], optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
}


def _sgd_slots(options: SGD, parameter: Tensor) -> dict[str, Tensor]:
    return {"momentum_buffer": zeros_like(parameter)} if options.momentum else {}


def _adam_slots(options: Adam, parameter: Tensor) -> dict[str, Tensor]:
    return {
        "step": zeros(()),
        "exp_avg": zeros_like(parameter),
        "exp_avg_sq": zeros_like(parameter),
    }


SLOTS: dict[str, Callable[[Any, Tensor], dict[str, Tensor]]] = {
    "sgd": _sgd_slots,
    "adam": _adam_slots,
}
"""What torch would make at the first step: zeros, which come to the same."""


def build_optimizer(options: AnyOptimizer, parameters: Iterable[Tensor]) -> optim.Optimizer | None:
    """Build torch's own optimizer, its slots laid out before the first step.

    None where there is nothing to learn, which torch's optimizers refuse.
    """
    parameters = list(parameters)
    if not parameters:
        return None
    optimizer = OPTIMIZERS[options.keyword](options, parameters)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter].update(SLOTS[options.keyword](options, parameter.detach()))
    return optimizer
