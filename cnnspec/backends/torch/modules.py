"""A Plan -> nn.Sequential of standard modules, named as in the plan, and torch's own optimizer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from torch import Tensor, nn, optim

from cnnspec.backends.torch.kinds import LAYERS, OPTIMIZERS
from cnnspec.plan import Plan
from cnnspec.spec.optimizers import AnyOptimizer


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


def build_optimizer(options: AnyOptimizer, parameters: Iterable[Tensor]) -> optim.Optimizer | None:
    """Build torch's own optimizer, its slots laid out before the first step.

    None where there is nothing to learn, which torch's optimizers refuse.
    """
    parameters = list(parameters)
    return OPTIMIZERS[options.keyword](options, parameters) if parameters else None
