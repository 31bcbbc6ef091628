"""What layers cost at least, counted by hand."""

import pytest

from cnnspec.bench.cost import NOTHING, Cost, layer_costs, optimizer_cost, predict_cost, step_cost
from cnnspec.bench.machine import Machine, measure_machine
from cnnspec.plan import resolve
from cnnspec.spec.layers import Conv, Flatten, Linear, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer
from cnnspec.spec.training import Training

PLAN = resolve(
    ModelSpec(
        input=(1, 4, 4),
        layers=[
            ReLU(),
            Conv(out_channels=2, kernel_size=3),
            ReLU(),
            Flatten(),
            Linear(out_features=3, bias=False),
        ],
    )
)
BATCH = 5
X, Y, CONV, LINEAR, LOGITS = 5 * 16, 5 * 8, 2 * 9 + 2, 3 * 8, 5 * 3
"""Numbers of the images, of what the convolution gives, of parameters, and of logits."""
CONV_FLOPS, LINEAR_FLOPS = 2 * 5 * 8 * 9, 2 * 5 * 24


@pytest.mark.parametrize(("precision", "item"), [("float32", 4), ("float64", 8)])
def test_layers(precision: str, item: int) -> None:
    costs = layer_costs(PLAN, BATCH, Training(precision=precision))
    assert {name: cost.forward for name, cost in costs.items()} == {
        "relu1": Cost(0, item * 2 * X),
        "conv1": Cost(CONV_FLOPS, item * (X + CONV + Y)),
        "relu2": Cost(0, item * 2 * Y),
        "flatten1": NOTHING,
        "linear1": Cost(LINEAR_FLOPS, item * (Y + LINEAR + LOGITS)),
    }
    assert {name: cost.backward for name, cost in costs.items()} == {
        "relu1": NOTHING,  # nothing that learns lies before
        "conv1": Cost(CONV_FLOPS, item * (X + CONV + Y)),  # of its parameters alone
        "relu2": Cost(0, item * 3 * Y),
        "flatten1": NOTHING,
        "linear1": Cost(2 * LINEAR_FLOPS, 2 * item * (Y + LINEAR + LOGITS)),
    }


@pytest.mark.parametrize(
    ("options", "arrays"),
    [(SGD(), 3), (SGD(momentum=0.9), 5), (Adam(), 7)],
    ids=["sgd", "momentum", "adam"],
)
def test_an_update_reads_gradients_and_changes_weights_and_slots(
    options: AnyOptimizer, arrays: int
) -> None:
    assert optimizer_cost(PLAN, Training(optimizer=options)) == Cost(
        0, 4 * arrays * (CONV + LINEAR)
    )


def test_a_step_is_its_layers_and_its_update() -> None:
    training = Training()
    costs = layer_costs(PLAN, BATCH, training).values()
    assert sum(part.flops for part in predict_cost(PLAN, BATCH, training)) == (
        CONV_FLOPS + LINEAR_FLOPS
    )
    assert sum(part.flops for part in step_cost(PLAN, BATCH, training)) == sum(
        cost.forward.flops + cost.backward.flops for cost in costs
    )
    assert step_cost(PLAN, BATCH, training)[-1] == optimizer_cost(PLAN, training)


def test_the_longer_of_arithmetic_and_memory_bounds_each_part() -> None:
    machine = Machine(1, gemm_gflops=10.0, streams_gbs=((1000, 4.0), (2000, 2.0)))
    assert machine.bound([Cost(50, 0)]) == pytest.approx(5e-9)
    assert machine.bound([Cost(50, 500)]) == pytest.approx(125e-9)  # as fast as the smallest
    assert machine.bound([Cost(50, 1999)]) == pytest.approx(499.75e-9)  # a bound must not be high
    assert machine.bound([Cost(0, 1500), Cost(0, 500)]) == pytest.approx(1000e-9)  # both, slower
    assert machine.bound([Cost(0, 10_000)]) == pytest.approx(5e-6)  # from memory
    assert machine.bound([Cost(50, 0), Cost(0, 1000)]) == pytest.approx(255e-9)
    assert machine.bandwidth_gbs == 2.0


@pytest.mark.parametrize("threads", [1, 2])
def test_the_machine_is_measured(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnspec.bench.machine.SECONDS", 0.001)
    found = measure_machine(threads, "float64")
    assert found.threads == threads
    assert 0.1 < found.gemm_gflops < 100_000
    assert all(0.1 < gbs < 100_000 for _, gbs in found.streams_gbs)
