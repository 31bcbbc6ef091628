"""The torch backend takes a layer of any name that a spec may have."""

import re

import pytest

from cnnspec import (
    SGD,
    Conv,
    Flatten,
    Linear,
    ModelSpec,
    Parallel,
    Residual,
    Training,
    build,
    compare_backends,
    resolve,
)

pytestmark = pytest.mark.torch


def spec_of(*names: str) -> ModelSpec:
    """Return a spec of linear layers that are called so."""
    layers = [Flatten(name="first"), *(Linear(out_features=3, name=name) for name in names)]
    training = Training(optimizer=SGD(momentum=0.9), precision="float64")
    return ModelSpec(input=(1, 1, 3), layers=layers, training=training)


def test_names_of_torch_s_own_are_names_as_any() -> None:
    from torch.nn import Sequential

    names = [name for name in dir(Sequential()) if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)]
    assert {"training", "forward", "train", "_modules"} < set(names)
    spec = spec_of(*names)
    plan = resolve(spec)
    network = build(plan, spec.training, "torch")
    assert list(network.state()) == list(plan.state)
    assert set(network.optimizer_state()) == {f"{name}.momentum_buffer" for name in plan.parameters}


@pytest.mark.parametrize(
    "names", [("training", "training_"), ("training_", "training"), ("forward", "state_dict")]
)
def test_a_network_of_such_names_is_the_same_function(names: tuple[str, str]) -> None:
    verdict = compare_backends(spec_of(*names), ("numpy", "torch"))
    assert verdict.verdict == "same"
    assert verdict.coverage.not_compared == ()


def test_the_module_has_them_with_an_underscore() -> None:
    from torch import float64, zeros

    spec = spec_of("training", "training_", "linear1")
    module = build(resolve(spec), spec.training, "torch").module
    assert list(dict(module.named_children())) == ["first", "training__", "training_", "linear1"]
    assert module(zeros(2, 1, 1, 3, dtype=float64)).shape == (2, 3)


def test_the_module_says_what_is_joined() -> None:
    body = Residual(body=[Conv(out_channels=2, kernel_size=1)])
    blocks = [Parallel(paths=[[], []], merge="add"), Parallel(paths=[[], [body]])]
    spec = ModelSpec(input=(2, 3, 3), layers=[*blocks, Flatten()])
    module = build(resolve(spec), spec.training, "torch").module
    lines = [line.strip() for line in str(module).splitlines()]
    assert [line for line in lines if line.startswith("joined")] == [
        "joined: the input, the input",
        "joined: the input, paths.1",
        "joined: body, the input",
    ]
