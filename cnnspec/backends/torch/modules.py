"""A Plan -> nn.Sequential of standard modules, named as in the plan, and torch's own optimizer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn, optim

from cnnspec.backends.torch.kinds import LAYERS, OPTIMIZERS
from cnnspec.plan import Plan
from cnnspec.spec.layers.join import Join
from cnnspec.spec.optimizers import AnyOptimizer

Joins = Mapping[str, Sequence[str]]
"""What each join reads, by its name."""


def build_module(plan: Plan) -> tuple[nn.Sequential, dict[str, nn.Module]]:
    """Build the module of a plan, and return those of its layers by their names, too.

    Blocks are modules within modules, so that the state_dict has the plan's parameter names. A
    name that torch's modules have for something else gets an underscore: a layer that the spec
    calls `training` is `training_` in the module.
    """
    layers = {at.name: LAYERS[at.kind](at.layer, at.input) for at in plan.layers}
    joins = {at.name: at.inputs for at in plan.layers if isinstance(at.layer, Join)}
    tree: dict[str, Any] = {}
    for name, module in layers.items():
        *blocks, own = name.split(".")
        place = tree
        for block in blocks:
            place = place.setdefault(block, {})
        place[own] = module
    return _sequential(tree, "", joins), layers


class Branches(nn.Module):
    """Paths that read the same input, and the join where they meet."""

    def __init__(
        self,
        children: Mapping[str, nn.Module],
        paths: Sequence[tuple[str, nn.Module]],
        join: nn.Module,
    ) -> None:
        """`children` has the join, and the paths with layers in them; `paths` all, by name."""
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)
        self._names = [name for name, _ in paths]
        self._in_order = [path for _, path in paths]  # in lists: they are registered above
        self._join = [join]

    def extra_repr(self) -> str:
        """Say what is joined: paths without layers are no modules within this one."""
        return f"joined: {', '.join(self._names)}"

    def forward(self, x: Tensor) -> Tensor:
        (join,) = self._join
        joined: Tensor = join(*(path(x) for path in self._in_order))
        return joined


def _built(part: nn.Module | dict[str, Any], prefix: str, joins: Joins) -> nn.Module:
    """Return a layer, or the module of a block whose layers' names begin with a prefix."""
    if isinstance(part, nn.Module):
        return part
    join = next((name for name in part if prefix + name in joins), None)
    if join is None:
        return _sequential(part, prefix, joins)
    inputs = joins[prefix + join]
    children = {name: _path(part[name], f"{prefix}{name}.", inputs, joins) for name in part}
    return Branches(children, [_of(source, prefix, children) for source in inputs], children[join])


def _path(
    part: nn.Module | dict[str, Any], prefix: str, inputs: Sequence[str], joins: Joins
) -> nn.Module:
    """Return a path between the input of a block and its join, or a list of numbered ones."""
    if isinstance(part, nn.Module) or not all(map(str.isdecimal, part)):
        return _built(part, prefix, joins)
    numbers = map(str, range(len(inputs)))
    return nn.ModuleList(_built(part.get(n, {}), f"{prefix}{n}.", joins) for n in numbers)


def _of(source: str, prefix: str, children: Mapping[str, nn.Module]) -> tuple[str, nn.Module]:
    """Return the path that ends in a layer, by name; one without layers passes its input on."""
    if not source.startswith(prefix):
        return "the input", nn.Identity()
    name, *inner = source.removeprefix(prefix).split(".")
    child = children[name]
    if isinstance(child, nn.ModuleList):
        return f"{name}.{inner[0]}", child[int(inner[0])]
    return name, child


def _sequential(parts: Mapping[str, Any], prefix: str, joins: Joins) -> nn.Sequential:
    empty, modules = nn.Sequential(), OrderedDict[str, nn.Module]()
    taken = set(parts)
    for own, part in parts.items():
        name = own
        while hasattr(empty, name) or (name != own and name in taken):
            name += "_"
        taken.add(name)
        modules[name] = _built(part, f"{prefix}{own}.", joins)
    return nn.Sequential(modules)


def build_optimizer(options: AnyOptimizer, parameters: Iterable[Tensor]) -> optim.Optimizer | None:
    """Build torch's own optimizer, its slots laid out before the first step.

    None where there is nothing to learn, which torch's optimizers refuse.
    """
    parameters = list(parameters)
    return OPTIMIZERS[options.keyword](options, parameters) if parameters else None
