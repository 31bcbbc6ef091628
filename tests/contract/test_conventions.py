"""The conventions of NUMERICS.md, each by hand, on every backend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cnnspec.backends import BACKENDS, build
from cnnspec.backends.network import Network
from cnnspec.compare.budget_learning import cross_entropy_budgets
from cnnspec.errors import DataError, ShapeError, SpecError, StateError
from cnnspec.initial import initial_weights
from cnnspec.plan import resolve
from cnnspec.spec.initializations import Normal
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import assert_same_bits, assert_within, batch_of

if TYPE_CHECKING:
    import torch

# torch says so once, of every `padding: same` that adds an odd number of cells.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

each_backend = pytest.mark.parametrize("backend", BACKENDS)
each_precision = pytest.mark.parametrize("precision", ["float64", "float32"])
each_kind = pytest.mark.parametrize("kind", ["max", "avg"])


def run(
    backend: str,
    layer: AnyLayer,
    image: list[list[float]],
    grad: list[list[float]] | None = None,
    *,
    weight: list[list[float]] | None = None,
) -> tuple[list[list[float]], list[list[float]]]:
    """Run a layer of one channel on one image; return its output and its input gradient."""
    x = np.array([[image]], np.float64)
    layers = [layer.model_copy(update={"name": "layer"}), Flatten(), Linear(out_features=2)]
    plan = resolve(ModelSpec(input=x.shape[1:], layers=layers))
    network = build(plan, Training(precision="float64"), backend)
    if weight is not None:
        network.load_state(network.state() | {"layer.weight": np.array([[weight]])})
    output = plan.layer("layer").output
    upstream = np.ones((1, *output)) if grad is None else np.array([[grad]], np.float64)
    found = network.replay("layer", x, upstream)
    return found.output[0, 0].tolist(), found.grad_input[0, 0].tolist()


# Max pool: the first maximum in scan order takes the gradient.


@each_backend
@pytest.mark.parametrize(
    ("image", "grad_input"),
    [
        ([[1, 1], [1, 1]], [[5, 0], [0, 0]]),
        ([[0, 1], [1, 0]], [[0, 5], [0, 0]]),
        ([[0, 0], [1, 1]], [[0, 0], [5, 0]]),
        ([[0, 1], [0, 1]], [[0, 5], [0, 0]]),
        ([[0.0, -0.0], [-1, 0]], [[5, 0], [0, 0]]),
        ([[-0.0, 0.0], [-1, 0]], [[5, 0], [0, 0]]),
    ],
)
def test_first_maximum_takes_the_gradient(
    backend: str, image: list[list[float]], grad_input: list[list[float]]
) -> None:
    output, found = run(backend, Pool(kernel_size=2), image, [[5]])
    assert output == [[max(map(max, image))]]
    assert found == grad_input


@each_backend
def test_each_of_overlapping_windows_has_its_own_first_maximum(backend: str) -> None:
    pool = Pool(kernel_size=2, stride=1)
    _, grad_input = run(backend, pool, [[7] * 3] * 3, [[1, 2], [4, 8]])
    assert grad_input == [[1, 2, 0], [4, 8, 0], [0, 0, 0]]
    _, grad_input = run(backend, pool, [[0, 0, 0], [0, 9, 0], [0, 0, 0]], [[1, 2], [4, 8]])
    assert grad_input == [[0, 0, 0], [0, 15, 0], [0, 0, 0]]


@each_backend
def test_first_maximum_among_real_cells_of_a_clipped_window(backend: str) -> None:
    pool = Pool(kernel_size=3, stride=2, padding=1, ceil_mode=True)
    output, grad_input = run(backend, pool, [[3, 3], [3, 3]], [[1, 2], [4, 8]])
    assert output == [[3, 3], [3, 3]]
    assert grad_input == [[1, 2], [4, 8]]


# Max pool: padding is at most half the kernel, and padded cells never win.


@each_kind
@pytest.mark.parametrize(("kernel", "padding"), [(1, 1), (2, 2), (3, 2), ((4, 3), (1, 2))])
def test_padding_of_more_than_half_the_kernel_is_refused(
    kind: str, kernel: int | tuple[int, int], padding: int | tuple[int, int]
) -> None:
    pool = Pool(kind=kind, kernel_size=kernel, padding=padding)
    with pytest.raises(ShapeError, match="more than half of the kernel"):
        pool.output_shape((1, 8, 8))
    with pytest.raises(SpecError, match="more than half of the kernel"):
        resolve(ModelSpec(input=(1, 8, 8), layers=[pool, Flatten()]))


@each_backend
@each_kind
@pytest.mark.parametrize(("kernel", "padding"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_padding_of_half_the_kernel_is_taken(
    backend: str, kind: str, kernel: int, padding: int
) -> None:
    pool = Pool(kind=kind, kernel_size=kernel, padding=padding, stride=1)
    output, _ = run(backend, pool, [[-1.0] * 4] * 4)
    assert len(output) == 4 + 2 * padding - kernel + 1


@each_backend
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_padded_cells_never_win(backend: str, ceil_mode: bool) -> None:
    pool = Pool(kernel_size=3, stride=2, padding=1, ceil_mode=ceil_mode)
    image = [[-5, -3, -4, -6], [-2, -9, -8, -7], [-5, -6, -1, -9], [-7, -8, -9, -3]]
    # Without ceil_mode the windows start at -1 and 1; with it, one more starts at 3.
    windows = [[-2, -3, -6], [-2, -1, -3], [-7, -3, -3]]
    kept = 3 if ceil_mode else 2
    output, grad_input = run(backend, pool, image)
    assert output == [row[:kept] for row in windows[:kept]]
    assert sum(map(sum, grad_input)) == kept**2


@each_backend
def test_padded_cells_never_win_against_minus_infinity(backend: str) -> None:
    pool = Pool(kernel_size=2, stride=2, padding=1)
    output, grad_input = run(backend, pool, [[-math.inf] * 2] * 2, [[1, 2], [4, 8]])
    assert output == [[-math.inf] * 2] * 2
    assert grad_input == [[1, 2], [4, 8]]


# Average pool: padding is counted, what lies beyond the padding is not.


@each_backend
def test_average_counts_the_padding(backend: str) -> None:
    pool = Pool(kind="avg", kernel_size=2, padding=1)
    output, grad_input = run(backend, pool, [[4, 8], [12, 16]], [[1, 2], [4, 8]])
    assert output == [[1, 2], [3, 4]]
    assert grad_input == [[0.25, 0.5], [1, 2]]


@each_backend
def test_average_of_a_window_over_the_edge(backend: str) -> None:
    pool = Pool(kind="avg", kernel_size=2, ceil_mode=True)
    image = [[1, 3, 5], [5, 7, 9], [2, 4, 8]]
    output, grad_input = run(backend, pool, image, [[4, 2], [6, 1]])
    assert output == [[4, 7], [3, 8]]
    assert grad_input == [[1, 1, 1], [1, 1, 1], [3, 3, 1]]


@each_backend
def test_average_of_a_window_over_the_padding(backend: str) -> None:
    # The padded row is [0 0 4 8 4 8 9 0 0], and windows start at 0, 2, 4 and 6. The last
    # has one real and two padded cells, and a fourth that lies beyond: it divides by 3.
    pool = Pool(kind="avg", kernel_size=(1, 4), stride=(1, 2), padding=(0, 2), ceil_mode=True)
    output, grad_input = run(backend, pool, [[4, 8, 4, 8, 9]], [[4, 8, 12, 6]])
    assert output == [[3, 6, 5.25, 3]]
    assert grad_input == [[1 + 2, 1 + 2, 2 + 3, 2 + 3, 3 + 2]]


# `padding: same`: stride 1; the odd cell goes to the bottom and to the right.


@each_backend
def test_same_pads_an_even_kernel_right_and_bottom(backend: str) -> None:
    wide = Conv(out_channels=1, kernel_size=(1, 2), padding="same", bias=False)
    output, grad_input = run(backend, wide, [[1, 2, 3]], [[1, 1, 1]], weight=[[1, 10]])
    assert output == [[21, 32, 3]]
    assert grad_input == [[1, 11, 11]]
    tall = Conv(out_channels=1, kernel_size=(2, 1), padding="same", bias=False)
    output, grad_input = run(backend, tall, [[1], [2], [3]], [[1], [1], [1]], weight=[[1], [10]])
    assert output == [[21], [32], [3]]
    assert grad_input == [[1], [11], [11]]


@each_backend
def test_same_splits_an_odd_padding_with_dilation(backend: str) -> None:
    # 3 cells: 1 on the left, 2 on the right. y[j] = x[j - 1] + 10 x[j + 2].
    conv = Conv(out_channels=1, kernel_size=(1, 2), dilation=3, padding="same", bias=False)
    output, _ = run(backend, conv, [[1, 2, 3, 4]], weight=[[1, 10]])
    assert output == [[30, 41, 2, 3]]


@each_backend
def test_same_splits_an_even_padding_in_half(backend: str) -> None:
    conv = Conv(out_channels=1, kernel_size=(1, 3), padding="same", bias=False)
    output, _ = run(backend, conv, [[1, 2, 3]], weight=[[1, 10, 100]])
    assert output == [[210, 321, 32]]


@pytest.mark.parametrize("stride", [2, (1, 2), (2, 1)])
def test_same_needs_stride_1(stride: int | tuple[int, int]) -> None:
    conv = Conv(out_channels=1, kernel_size=3, stride=stride, padding="same")
    with pytest.raises(ShapeError, match="needs `stride: 1`"):
        conv.output_shape((1, 5, 5))


@each_backend
def test_convolution_does_not_flip_the_kernel(backend: str) -> None:
    conv = Conv(out_channels=1, kernel_size=2, bias=False)
    output, grad_input = run(
        backend, conv, [[1, 2, 3], [4, 5, 6]], [[1, 10]], weight=[[1, 10], [100, 1000]]
    )
    assert output == [[5421, 6532]]
    assert grad_input == [[1, 20, 100], [100, 2000, 10000]]


@each_backend
def test_flatten_puts_channels_outermost(backend: str) -> None:
    plan = resolve(
        ModelSpec(input=(2, 2, 3), layers=[Flatten(), Linear(out_features=12, bias=False)])
    )
    network = build(plan, Training(precision="float64"), backend)
    network.load_state({"linear1.weight": np.eye(12)})
    images = np.arange(12.0).reshape(1, 2, 2, 3)
    assert network.predict(images).tolist() == [list(range(12))]


# ReLU: the derivative at 0 is 0, and tracing sees what came before it.


@each_backend
def test_derivative_of_relu_at_0_is_0(backend: str) -> None:
    output, grad_input = run(backend, ReLU(), [[-1, -0.0, 0.0, 2]], [[3, 3, 3, -3]])
    assert output == [[0, 0, 0, 2]]
    assert grad_input == [[0, 0, 0, -3]]


@each_backend
def test_relu_lets_nan_pass_and_stops_all_else_below_0(backend: str) -> None:
    _, grad_input = run(backend, ReLU(), [[math.nan, -1, -1, 1]], [[2, math.inf, math.nan, 3]])
    assert grad_input == [[2, 0, 0, 3]]


@each_backend
def test_tracing_sees_what_relu_received(backend: str) -> None:
    spec = ModelSpec(
        input=(1, 4, 4),
        layers=[Conv(out_channels=3, kernel_size=2), ReLU(), Flatten(), Linear(out_features=2)],
    )
    network = build(resolve(spec), Training(), backend)
    layers = network.trace(*batch_of(network.plan, 3)).layers
    before, after = layers["conv1"].output, layers["relu1"].output
    assert np.any(before < 0)
    assert np.array_equal(after, np.where(before > 0, before, 0))


# SGD and Adam. All numbers below are sums of powers of two: every backend must hit them.


def weights_after(
    backend: str,
    precision: str,
    options: AnyOptimizer,
    start: float,
    gradients: list[float],
    rate: float,
) -> tuple[list[float], Network]:
    """Return the weight of a network that has one, after each step."""
    layers = [Flatten(), Linear(out_features=1, bias=False)]
    plan = resolve(ModelSpec(input=(1, 1, 1), layers=layers))
    network = build(plan, Training(optimizer=options, precision=precision), backend)
    network.load_state({"linear1.weight": np.array([[start]])})
    weights = []
    for step, gradient in enumerate(gradients, start=1):
        network.update({"linear1.weight": np.array([[gradient]])}, rate, step)
        weights.append(network.state()["linear1.weight"].item())
    return weights, network


@each_backend
@each_precision
@pytest.mark.parametrize(
    ("options", "weights"),
    [
        # w - 1/4 g
        (SGD(), [0.5, 0.25]),
        # w - 1/4 (g + 1/2 w): 1 - 5/8, then 0.375 - 1/4 * 1.1875
        (SGD(weight_decay=0.5), [0.375, 0.078125]),
        # buffers 2, then 1 + 1; the first one is the gradient itself: no (1 - momentum)
        (SGD(momentum=0.5), [0.5, 0.0]),
        # directions 2 + 1, then 1 + 1/2 * 2
        (SGD(momentum=0.5, nesterov=True), [0.25, -0.25]),
        # d 2.5, buffer 2.5; d 1.1875, buffer 2.4375: the decay goes through the momentum
        (SGD(momentum=0.5, weight_decay=0.5), [0.375, -0.234375]),
        # d 2.5, buffer 2.5, direction 3.75; d 1.03125, buffer 2.28125, direction 2.171875
        (SGD(momentum=0.5, weight_decay=0.5, nesterov=True), [0.0625, -0.48046875]),
    ],
    ids=["plain", "decay", "momentum", "nesterov", "momentum-decay", "nesterov-decay"],
)
def test_sgd(backend: str, precision: str, options: SGD, weights: list[float]) -> None:
    found, _ = weights_after(backend, precision, options, 1.0, [2.0, 1.0], 0.25)
    assert found == weights


@each_backend
@each_precision
def test_first_momentum_buffer_is_the_gradient(backend: str, precision: str) -> None:
    options = SGD(momentum=0.5, weight_decay=0.5)
    _, network = weights_after(backend, precision, options, 1.0, [2.0], 0.25)
    assert network.optimizer_state()["linear1.weight.momentum_buffer"].tolist() == [[2.5]]


@each_backend
@each_precision
def test_eps_of_adam_lies_outside_the_root_after_the_correction(
    backend: str, precision: str
) -> None:
    # m = 3/2 and v = 9/4; corrected 3 and 9: w = -1/2 * 3 / (sqrt(9) + 1) = -3/8.
    # With eps inside the root it would be -1/2 * 3 / sqrt(10); before the correction, -3/10.
    options = Adam(betas=(0.5, 0.75), eps=1.0)
    found, network = weights_after(backend, precision, options, 0.0, [3.0], 0.5)
    assert found == [-0.375]
    slots = network.optimizer_state()
    assert slots["linear1.weight.exp_avg"].tolist() == [[1.5]]
    assert slots["linear1.weight.exp_avg_sq"].tolist() == [[2.25]]


@each_backend
@each_precision
def test_decay_of_adam_is_part_of_the_gradient(backend: str, precision: str) -> None:
    # g = 1 + 1/2 * 4 = 3: the same step as above, from 4.
    options = Adam(betas=(0.5, 0.75), eps=1.0, weight_decay=0.5)
    found, _ = weights_after(backend, precision, options, 4.0, [1.0], 0.5)
    assert found == [3.625]


@each_backend
@each_precision
def test_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(
    backend: str, precision: str
) -> None:
    # Corrected, m / sqrt(v) is g / |g|; these betas and gradients make all of it exact.
    options = Adam(betas=(0.5, 0.75), eps=2.0**-100)
    for gradient in (2.0**-10, 1.0, 2.0**10):
        found, _ = weights_after(backend, precision, options, 0.0, [gradient], 0.5)
        assert found == [-0.5]


# Cross-entropy: the mean over the batch, from logits, without overflow.


def loss_of(
    backend: str, precision: str, logits: list[list[float]], labels: list[int]
) -> tuple[float, Array]:
    plan = resolve(ModelSpec(input=(1, 1, 1), layers=[Flatten(), Linear(out_features=2)]))
    network = build(plan, Training(precision=precision), backend)
    found = network.replay_loss(np.array(logits), np.array(labels))
    return found.loss, found.grad_logits


@each_backend
@each_precision
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_cross_entropy_is_a_mean(backend: str, precision: str, batch: int) -> None:
    logits, labels = np.zeros((batch, 2)), np.zeros(batch, int)
    loss, grad = loss_of(backend, precision, logits.tolist(), labels.tolist())
    loss_budget, grad_budget = cross_entropy_budgets(logits, labels, precision)
    assert_within(loss, math.log(2), loss_budget, "loss")
    assert_within(grad, np.array([[-0.5, 0.5]] * batch) / batch, grad_budget, "grad_logits")


@each_backend
@each_precision
def test_cross_entropy_does_not_overflow(backend: str, precision: str) -> None:
    # exp(-20000) is 0 in both precisions: all of this is exact.
    logits = [[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4], [-1e4, -3e4]]
    loss, grad = loss_of(backend, precision, logits, [0, 1, 1, 0])
    assert loss == 2e4 / 4
    assert grad.tolist() == [[0, 0], [0.25, -0.25], [0, 0], [0, 0]]


@each_backend
@each_precision
def test_cross_entropy_does_not_lose_large_equal_logits(backend: str, precision: str) -> None:
    for size in (1e4, -1e4):
        logits, labels = np.full((1, 2), size), np.array([1])
        loss, grad = loss_of(backend, precision, logits.tolist(), [1])
        loss_budget, grad_budget = cross_entropy_budgets(logits, labels, precision)
        assert_within(loss, math.log(2), loss_budget, "loss")
        assert_within(grad, np.array([[0.5, -0.5]]), grad_budget, "grad_logits")


# Batch norm: normalised by the biased variance; the unbiased one runs; momentum weights the new.


def norm_network(backend: str, precision: str = "float64", **options: float) -> Network:
    """Return a network of a batch norm over one feature, whose numbers below are all exact.

    With eps 3, the values 0 and 2 have a biased variance of 1 and a root of sqrt(1 + 3) = 2.
    """
    layers = [Flatten(), BatchNorm(name="norm", eps=3.0, momentum=0.25, **options)]
    plan = resolve(ModelSpec(input=(1, 1, 1), layers=layers))
    return build(plan, Training(precision=precision, optimizer=SGD(weight_decay=0.5)), backend)


ZERO_AND_TWO = np.array([0.0, 2.0]).reshape(2, 1, 1, 1)
LABELS = np.zeros(2, int)


@each_backend
@each_precision
def test_batch_norm_normalises_by_the_biased_variance(backend: str, precision: str) -> None:
    network = norm_network(backend, precision)
    assert network.trace(ZERO_AND_TWO, LABELS).layers["norm"].output.tolist() == [[-0.5], [0.5]]


@each_backend
@each_precision
def test_the_unbiased_variance_runs_and_momentum_weights_the_new(
    backend: str, precision: str
) -> None:
    network = norm_network(backend, precision)
    start = network.state()
    assert (start["norm.running_mean"].tolist(), start["norm.running_var"].tolist()) == ([0], [1])
    found = network.replay("norm", ZERO_AND_TWO.reshape(2, 1), np.ones((2, 1))).buffers
    # 3/4 * 0 + 1/4 * 1, and 3/4 * 1 + 1/4 * 2
    assert found["running_mean"].tolist() == [0.25]
    assert found["running_var"].tolist() == [1.25]
    traced = network.trace(ZERO_AND_TWO, LABELS).layers["norm"].buffers
    assert_same_bits(dict(traced), dict(found))
    assert_same_bits(network.state(), start)
    network.train_step(ZERO_AND_TWO, LABELS, 0.0, 1)
    trained = network.state()
    assert_same_bits({name: trained[f"norm.{name}"] for name in found}, dict(found))


@each_backend
@each_precision
def test_predictions_take_the_running_statistics_and_leave_them(
    backend: str, precision: str
) -> None:
    network = norm_network(backend, precision)
    state = network.state() | {
        "norm.running_mean": np.array([1.0]),
        "norm.running_var": np.array([13.0]),
        "norm.weight": np.array([2.0]),
        "norm.bias": np.array([0.5]),
    }
    network.load_state(state)
    # 2 * (x - 1) / sqrt(13 + 3) + 1/2, of one image, too
    assert network.predict(np.full((1, 1, 1, 1), 9.0)).tolist() == [[4.5]]
    assert network.predict(ZERO_AND_TWO).tolist() == [[0.0], [1.0]]
    assert {name: array.tolist() for name, array in network.state().items()} == {
        name: array.tolist() for name, array in state.items()
    }


@each_backend
def test_the_gradient_goes_through_mean_and_variance(backend: str) -> None:
    network = norm_network(backend)
    # z = -1/2, 1/2; mean(g) = 2, mean(g z) = 1/2; dx = (g - 2 - z / 2) / 2
    found = network.replay("norm", ZERO_AND_TWO.reshape(2, 1), np.array([[1.0], [3.0]]))
    assert found.grad_input.tolist() == [[-0.375], [0.375]]
    assert found.grad_parameters["weight"].tolist() == [1.0]
    assert found.grad_parameters["bias"].tolist() == [4.0]


@each_backend
def test_the_optimizer_leaves_running_statistics_alone(backend: str) -> None:
    network = norm_network(backend)
    start = network.state()
    network.update({"norm.weight": np.ones(1), "norm.bias": np.ones(1)}, 0.5, 1)
    changed = {name for name, array in network.state().items() if np.any(array != start[name])}
    assert changed == {"norm.weight", "norm.bias"}
    with pytest.raises(StateError, match=r"norm\.running_mean"):
        network.update(start, 0.5, 2)


@each_backend
@pytest.mark.parametrize("input", [(3, 1, 1), (1, 1, 1)])
def test_one_value_for_each_channel_cannot_train(backend: str, input: Shape) -> None:
    layers = [BatchNorm(name="first"), Flatten(), BatchNorm(name="last"), Linear(out_features=2)]
    plan = resolve(ModelSpec(input=input, layers=layers))
    network = build(plan, Training(), backend)
    images, label = np.ones((1, *input)), np.zeros(1, int)
    start = network.state()
    wanted = "more than one value for each channel"
    with pytest.raises(DataError, match=f"first: .*{wanted}.* at least 2 images; found 1"):
        network.train_step(images, label, 0.1, 1)
    with pytest.raises(DataError, match=f"first: .*{wanted}"):
        network.trace(images, label)
    with pytest.raises(DataError, match=f"last: .*{wanted}"):
        network.replay("last", np.ones((1, input[0])), np.ones((1, input[0])))
    assert_same_bits(network.state(), start)
    assert network.predict(images).shape == (1, 2)


# Starting weights.

WIDE: dict[str, tuple[Shape, AnyLayer]] = {
    "conv": ((8, 6, 6), Conv(out_channels=64, kernel_size=3)),
    "conv-pair": ((8, 6, 6), Conv(out_channels=96, kernel_size=(1, 5), stride=2)),
    "conv-groups": ((8, 6, 6), Conv(out_channels=256, kernel_size=3, groups=4)),
    "conv-depthwise": ((8, 6, 6), Conv(out_channels=512, kernel_size=3, groups=8)),
    "conv-no-bias": ((4, 6, 6), Conv(out_channels=128, kernel_size=3, bias=False)),
    "linear": ((300, 1, 1), Linear(out_features=200)),
    "linear-one-input": ((1, 1, 1), Linear(out_features=2000)),
}


def wide(name: str, **options: Normal) -> ModelSpec:
    shape, layer = WIDE[name]
    layers = [Flatten(), layer] if isinstance(layer, Linear) else [layer, Flatten()]
    return ModelSpec(input=shape, layers=layers, **options)


def torch_module(layer: AnyLayer, shape: Shape) -> torch.nn.Module:
    import torch

    if isinstance(layer, Linear):
        return torch.nn.Linear(shape[0], layer.out_features)
    assert isinstance(layer, Conv)
    return torch.nn.Conv2d(
        shape[0],
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        groups=layer.groups,
        bias=layer.bias,
    )


def deviation(drawn: Array, distribution: list[float]) -> float:
    """Return the Kolmogorov-Smirnov distance; `distribution` is P(X <= x) of the sorted x."""
    ranks = np.arange(drawn.size + 1) / drawn.size
    expected = np.array(distribution)
    return float(max(np.max(ranks[1:] - expected), np.max(expected - ranks[:-1])))


def chance(count: int) -> float:
    """Return a distance that `count` honest draws exceed once in a million (Massart, 1990)."""
    return math.sqrt(math.log(2 / 1e-6) / (2 * count))


@pytest.mark.torch
@pytest.mark.parametrize("name", WIDE)
def test_default_weights_have_torchs_bounds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    bounds = []

    def record(tensor: torch.Tensor, low: float, high: float, **_: object) -> torch.Tensor:
        bounds.append((tuple(tensor.shape), low, high))
        return tensor

    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "uniform_", record)
        torch_module(WIDE[name][1], WIDE[name][0])
    drawn = list(initial_weights(resolve(wide(name)), seed=0).values())
    assert [array.shape for array in drawn] == [shape for shape, _, _ in bounds]
    for array, (_, low, high) in zip(drawn, bounds):
        assert low == -high
        assert np.abs(array).max() <= np.float32(high)
        values = np.sort(array, axis=None).astype(np.float64)
        uniform = ((values + high) / (2 * high)).tolist()
        assert deviation(values, uniform) <= chance(values.size)


@pytest.mark.parametrize("name", WIDE)
def test_normal_weights_have_their_std_and_biases_are_0(name: str) -> None:
    std = 0.02
    state = initial_weights(resolve(wide(name, initialization=Normal(std=std))), seed=0)
    for key, array in state.items():
        if key.endswith(".bias"):
            assert not array.any()
        else:
            values = np.sort(array, axis=None).astype(np.float64)
            normal = [(1 + math.erf(value / (std * math.sqrt(2)))) / 2 for value in values]
            assert deviation(values, normal) <= chance(values.size)


@pytest.mark.torch
@pytest.mark.parametrize("initialization", [None, Normal(std=0.1)], ids=["default", "normal"])
@each_precision
def test_starting_weights_are_the_same_for_all_backends(
    initialization: Normal | None, precision: str
) -> None:
    options = {} if initialization is None else {"initialization": initialization}
    layers = [Conv(out_channels=3, kernel_size=2), ReLU(), Flatten(), Linear(out_features=4)]
    plan = resolve(ModelSpec(input=(2, 4, 3), layers=layers, **options))
    wanted = {key: array.astype(precision) for key, array in initial_weights(plan, seed=3).items()}
    for backend in BACKENDS:
        training = Training(seed=3, precision=precision)
        assert_same_bits(build(plan, training, backend).state(), wanted)
        other = build(plan, Training(seed=4, precision=precision), backend).state()
        assert all(np.any(other[key] != wanted[key]) for key in wanted if "weight" in key)


def test_a_changed_layer_leaves_the_other_weights_as_they_were() -> None:
    def weights(channels: int) -> dict[str, Array]:
        layers = [
            Conv(out_channels=2, kernel_size=3),
            Conv(out_channels=channels, kernel_size=1),
            Flatten(),
            Linear(name="last", out_features=3),
        ]
        return initial_weights(resolve(ModelSpec(input=(1, 4, 4), layers=layers)), seed=0)

    few, many = weights(2), weights(5)
    for key in ("conv1.weight", "conv1.bias"):
        assert np.array_equal(few[key], many[key])
    assert few["conv2.weight"].shape != many["conv2.weight"].shape
    assert len({array.flat[0] for array in many.values()}) == len(many)
