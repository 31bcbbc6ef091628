"""Double entry: what a plan states beforehand is what is counted on the torch module.

Names, parameters and shapes are read off the module that the torch backend builds; the
multiply-accumulates are counted twice, from the weights and outputs that meet in a forward
pass, and by torch's own counter of floating point operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings

from cnnspec import BatchNorm, Conv, Flatten, ModelSpec, Pool, load_spec
from cnnspec.backends import build
from cnnspec.plan import Plan, resolve
from tests.contract.test_random_specs import specs

if TYPE_CHECKING:
    import torch
    from torch import nn

pytestmark = [
    pytest.mark.torch,
    # torch says so once, of every `padding: same` that adds an odd number of cells.
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
IMAGES = 3  # so that no count is right by chance where the batch is taken for an axis


@dataclass
class Counted:
    """What one layer does in a forward pass; shapes leave out the batch."""

    input: tuple[int, ...]
    output: tuple[int, ...]
    macs: int
    parameters: dict[str, tuple[int, ...]] = field(default_factory=dict)
    buffers: dict[str, tuple[int, ...]] = field(default_factory=dict)


def count(module: nn.Sequential, images: torch.Tensor) -> dict[str, Counted]:
    """Run the module once and count, layer by layer."""
    import torch
    from torch import nn

    counted: dict[str, Counted] = {}

    def watch(name: str) -> None:
        def seen(layer: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            assert len(given[0]) == len(output) == len(images)
            weight = getattr(layer, "weight", None)
            # Every number of the output is the product of one filter with what it sees; a
            # weight that holds filters has an axis more than the output.
            filters = weight is not None and weight.dim() > output[0].dim()
            macs = output[0].numel() * weight[0].numel() if filters else 0
            counted[name] = Counted(tuple(given[0][0].shape), tuple(output[0].shape), macs)
            for parameter, array in layer.named_parameters():
                counted[name].parameters[parameter] = tuple(array.shape)
            for buffer, array in layer.named_buffers():
                if buffer != "num_batches_tracked":  # of no effect: momentum is a number
                    counted[name].buffers[buffer] = tuple(array.shape)

        module.get_submodule(name).register_forward_hook(seen)

    for name, inner in module.named_modules():
        if not isinstance(inner, nn.Sequential) and not [*inner.children()]:
            watch(name)
    with torch.no_grad():
        module(images)
    return counted


def torchs_macs(module: nn.Sequential, images: torch.Tensor) -> int:
    """Count as torch does: two operations for each multiply-accumulate."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(images)
    macs, rest = divmod(counter.get_total_flops(), 2 * len(images))
    assert rest == 0
    return macs


def stated(plan: Plan) -> dict[str, Counted]:
    return {
        at.name: Counted(at.input, at.output, at.macs, dict(at.parameters), dict(at.buffers))
        for at in plan.layers
    }


def check_plan(spec: ModelSpec) -> None:
    import torch
    from torch import nn

    from cnnspec.backends.torch.network import TorchNetwork

    plan = resolve(spec)
    network = build(plan, spec.training, "torch", device="cpu")
    assert isinstance(network, TorchNetwork)
    module = network.module.double().eval()  # in which nothing is drawn
    assert isinstance(module, nn.Sequential)
    images = torch.zeros(IMAGES, *spec.input, dtype=torch.float64)
    counted = count(module, images)

    assert list(stated(plan).items()) == list(counted.items())
    assert plan.macs == sum(layer.macs for layer in counted.values())
    assert plan.macs == torchs_macs(module, images)
    assert (plan.classes,) == counted[plan.layers[-1].name].output

    arrays = dict(module.named_parameters())
    assert plan.parameters == {name: tuple(array.shape) for name, array in arrays.items()}
    assert plan.parameter_count == sum(array.numel() for array in arrays.values())
    for at in plan.layers:
        assert at.parameter_count == sum(
            array.numel() for array in module.get_submodule(at.name).parameters()
        )


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_plan_is_torchs_module(path: Path) -> None:
    check_plan(load_spec(path))


# Of windows along 3 and 4 cells, the second starts beyond the 3, and is left out there alone.
BEYOND = Pool(kernel_size=1, stride=3, ceil_mode=True)


NORMS = [Conv(out_channels=3, kernel_size=2), BatchNorm(), Flatten(), BatchNorm(affine=False)]


@settings(max_examples=60, deadline=None, derandomize=True)
@example(ModelSpec(input=(2, 3, 4), layers=NORMS))
@example(ModelSpec(input=(2, 3, 4), layers=[BEYOND, Flatten()]))
@given(specs())
def test_plan_is_torchs_module_at_random(spec: ModelSpec) -> None:
    check_plan(spec)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, derandomize=True)
@given(specs())
def test_plan_is_torchs_module_at_random_1000(spec: ModelSpec) -> None:
    check_plan(spec)
