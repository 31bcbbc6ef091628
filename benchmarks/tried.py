"""What was tried for the NumPy engine and not taken, beside what it has.

    python benchmarks/tried.py [--seconds 2]

Other ways to convolve forward, 3 x 3 with padding 1, on arrays that are laid out as each likes
best; then whole training steps. A figure of 1.20 says: 1.2 times as long as the engine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count, pairwise, product
from pathlib import Path
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from cnnspec import load_spec, resolve
from cnnspec.backends import numpy as engine_package
from cnnspec.backends.network import Batch
from cnnspec.backends.numpy import NumPyNetwork, build
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.backends.numpy.relu import ReLUNumPy
from cnnspec.backends.parts import Layer
from cnnspec.bench.measure import Spread, alternate
from cnnspec.spec.layers import Conv
from cnnspec.trace import Array

SPECS = Path(__file__).parents[1] / "specs"
SHAPES = (
    (1, 16, 28, 128),
    (16, 32, 14, 128),
    (64, 64, 32, 32),
    (128, 128, 16, 32),
    (256, 256, 8, 32),
)
"""Channels, outputs, height and width, and images."""

Convolution = Callable[[Array, Array], Callable[[], Array]]


def padded(x: Array) -> Array:
    """Return images (c, h, w, n) with a row and a column of zeros around."""
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def kn2row(x: Array, weight: Array) -> Callable[[], Array]:
    """Add up nine products of shifted images: no columns (Vasudevan et al., 2017)."""
    c, h, w, n = x.shape
    seen = padded(x)
    out = np.empty((len(weight), h * w * n), x.dtype)
    part, shifted = np.empty_like(out), np.empty((c, h, w, n), x.dtype)
    kernels = np.ascontiguousarray(weight.transpose(2, 3, 0, 1))

    def run() -> Array:
        for i, j in product(range(3), range(3)):
            np.copyto(shifted, seen[:, i : i + h, j : j + w])
            if i == j == 0:
                np.matmul(kernels[i, j], shifted.reshape(c, -1), out=out)
            else:
                np.add(out, np.matmul(kernels[i, j], shifted.reshape(c, -1), out=part), out=out)
        return out.reshape(-1, h, w, n)

    return run


def by_rows(x: Array, weight: Array) -> Callable[[], Array]:
    """Columns of the kernel's width alone; three products of rows that lie further down."""
    c, h, w, n = x.shape
    seen = padded(x)
    columns = np.empty((c, 3, h + 2, w, n), x.dtype)
    flat = columns.reshape(c * 3, -1)
    kernels = np.ascontiguousarray(weight.transpose(2, 0, 1, 3)).reshape(3, len(weight), -1)
    out = np.empty((len(weight), h * w * n), x.dtype)
    part = np.empty_like(out)

    def run() -> Array:
        for j in range(3):
            np.copyto(columns[:, j], seen[:, :, j : j + w])
        np.matmul(kernels[0], flat[:, : h * w * n], out=out)
        for i in (1, 2):
            rows = flat[:, i * w * n : (i + h) * w * n]
            np.add(out, np.matmul(kernels[i], rows, out=part), out=out)
        return out.reshape(-1, h, w, n)

    return run


def channels_last(x: Array, weight: Array) -> Callable[[], Array]:
    """Columns of images (n, h, w, c): the product is (n, h, w, o) again."""
    c, h, w, n = x.shape
    seen = np.ascontiguousarray(padded(x).transpose(3, 1, 2, 0))
    kernels = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(9 * c, -1)
    columns = np.empty((n, h, w, 3, 3, c), x.dtype)
    out = np.empty((n * h * w, len(weight)), x.dtype)

    def run() -> Array:
        for i, j in product(range(3), range(3)):
            np.copyto(columns[:, :, :, i, j], seen[:, i : i + h, j : j + w])
        np.matmul(columns.reshape(n * h * w, -1), kernels, out=out)
        return out.reshape(n, h, w, -1).transpose(3, 1, 2, 0)

    return run


def winograd(x: Array, weight: Array) -> Callable[[], Array]:
    """F(2 x 2, 3 x 3) of Lavin and Gray (2016): 16 products in place of 36."""
    c, h, w, n = x.shape
    o, th, tw = len(weight), h // 2, w // 2
    seen = padded(x)
    g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], x.dtype)
    kernels = np.ascontiguousarray(np.einsum("ai,ocij,bj->aboc", g, weight, g))
    rows = np.empty((4, c, th, w + 2, n), x.dtype)
    cells = np.empty((4, 4, c, th, tw, n), x.dtype)
    sums = np.empty((4, 4, o, th * tw * n), x.dtype)
    half = np.empty((2, 4, o, th * tw * n), x.dtype)
    out = np.empty((o, h, w, n), x.dtype)

    def forward(d: list[Array], t: Array | list[Array]) -> None:
        np.subtract(d[0], d[2], out=t[0])
        np.add(d[1], d[2], out=t[1])
        np.subtract(d[2], d[1], out=t[2])
        np.subtract(d[1], d[3], out=t[3])

    def backward(m: Array, y: list[Array]) -> None:
        np.add(m[0], m[1], out=y[0])
        np.add(y[0], m[2], out=y[0])
        np.subtract(m[1], m[2], out=y[1])
        np.subtract(y[1], m[3], out=y[1])

    def run() -> Array:
        forward([seen[:, i : i + 2 * th : 2] for i in range(4)], rows)
        for i in range(4):
            forward([rows[i][:, :, j : j + 2 * tw : 2] for j in range(4)], cells[i])
        np.matmul(kernels, cells.reshape(4, 4, c, -1), out=sums)
        for j in range(4):
            backward(sums[:, j], [half[0, j], half[1, j]])
        for i in range(2):
            seen_at = half[i].reshape(4, o, th, tw, n)
            backward(seen_at, [out[:, i::2, 0::2], out[:, i::2, 1::2]])
        return out

    return run


def engine(x: Array, weight: Array) -> Callable[[], Array]:
    """Tiled columns, as they are."""
    c, h, w, _ = x.shape
    layer = Conv(out_channels=len(weight), kernel_size=3, padding=1, bias=False)
    conv = ConvNumPy(layer, (c, h, w), (len(weight), h, w), x.dtype)
    conv.parameters["weight"][...] = weight
    return lambda: conv.forward(x)


WAYS = {way.__name__: way for way in (engine, kn2row, by_rows, channels_last, winograd)}


def convolutions(seconds: float) -> None:
    """Print how long each way takes."""
    print(f"{'convolution, forward':34}" + "".join(f"{name:>22}" for name in WAYS))
    for c, o, size, n in SHAPES:
        random = np.random.default_rng(0)
        x = random.normal(size=(c, size, size, n)).astype(np.float32)
        weight = random.normal(size=(o, c, 3, 3)).astype(np.float32)
        actions = {name: way(x, weight) for name, way in WAYS.items()}
        wanted = actions["engine"]().copy()
        for name, action in actions.items():
            np.testing.assert_allclose(action(), wanted, rtol=1e-3, atol=1e-2, err_msg=name)
        times = alternate(actions, seconds)
        gflops = 2 * 9 * c * o * size * size * n / times["engine"].spread.median / 1e9
        cells = [f"{gflops:.0f} GFLOP/s"]
        cells += [_spread(times[name].ratio(times["engine"])) for name in list(WAYS)[1:]]
        label = f"{c} to {o}, {size} x {size}, {n} images"
        print(f"{label:34}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def reordered(network: NumPyNetwork) -> None:
    """Let each max pool come before the relu before it: a quarter of the cells to compare."""
    layers: dict[str, Layer] = network._layers
    names = list(layers)
    for index, (first, second) in enumerate(pairwise(names)):
        if isinstance(layers[first], ReLUNumPy) and isinstance(layers[second], PoolNumPy):
            names[index], names[index + 1] = second, first
    network._layers = {name: layers[name] for name in names}
    network._lanes._lanes[0]._layers = network._layers


def steps(seconds: float, batches: tuple[int, ...] = (1, 32, 128)) -> None:
    """Print how long training steps take, in other ways."""
    spec = load_spec(SPECS / "notebook-torch.yaml")
    plan = resolve(spec)
    for batch in batches:
        random = np.random.default_rng(0)
        images = random.normal(size=(batch, *plan.input)).astype(np.float32)
        labels = random.integers(0, plan.classes, batch)

        def stepper(change: Callable[[NumPyNetwork], None]) -> Callable[[], object]:
            network, numbers = build(plan, spec.training, device="cpu"), count(1)
            change(network)
            return lambda: network.train_step(Batch(images, labels), 0.0, next(numbers))  # noqa: B023

        found = alternate(
            {"engine": stepper(lambda network: None), "max pool before relu": stepper(reordered)},
            seconds,
        )
        ratio = found["max pool before relu"].ratio(found["engine"])
        print(f"max pool before relu, batch {batch}: {_spread(ratio)}", flush=True)


def blas_threads(seconds: float, batches: tuple[int, ...] = (10, 32, 128, 512)) -> None:
    """Print how long steps take with two threads of BLAS, and with two lanes, one after the other.

    They cannot take turns: a thread of OpenBLAS that waits goes on spinning for a tenth of a
    second, and takes a processor from the lanes.
    """
    for name, batch in product(("notebook-scratch", "notebook-torch"), batches):
        spec = load_spec(SPECS / f"{name}.yaml")
        plan = resolve(spec)
        random = np.random.default_rng(0)
        images = random.normal(size=(batch, *plan.input)).astype(np.float32)
        labels = random.integers(0, plan.classes, batch)
        network, numbers = build(plan, spec.training, device="cpu"), count(1)

        def step() -> object:
            return network.train_step(Batch(images, labels), 0.0, next(numbers))  # noqa: B023

        with threadpool_limits(2):
            lanes = alternate({"lanes": step}, seconds)["lanes"].spread
            with patch.object(engine_package, "OneBlasThread", lambda: nullcontext(1)):
                blas = alternate({"blas": step}, seconds)["blas"].spread
        print(
            f"{name}, batch {batch}, 2 threads: lanes {1e3 * lanes.median:.2f} ms, "
            f"BLAS {1e3 * blas.median:.2f} ms",
            flush=True,
        )


def _spread(ratio: Spread) -> str:
    return f"{ratio.median:.2f} [{ratio.low:.2f} {ratio.high:.2f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    with threadpool_limits(1):
        convolutions(options.seconds)
        steps(options.seconds)
    blas_threads(options.seconds)


if __name__ == "__main__":
    main()
