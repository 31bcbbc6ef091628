"""How the cost of a training step grows with batch, width, depth and image size, and a picture.

    python benchmarks/growth.py [--threads 1] [--seconds 1] [--svg docs/growth.svg]

One net is changed along one axis at a time; NumPy and torch take turns, beside the roofline. The
figures are printed as they are measured; the picture (both axes logarithmic) needs matplotlib:
`pip install -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from cnnspec import Conv, Flatten, Linear, ModelSpec, Pool, ReLU
from cnnspec.bench import Bench, bench

BACKENDS = ("numpy", "torch")


@dataclass(frozen=True)
class Net:
    """Convolutions of 3 x 3 with relu, a pool, and a linear layer."""

    batch: int = 32
    width: int = 32
    """Channels of every convolution."""
    depth: int = 4
    """Convolutions."""
    size: int = 32
    """Height and width of the images."""

    @property
    def spec(self) -> ModelSpec:
        conv = Conv(out_channels=self.width, kernel_size=3, padding=1)
        convs = [layer for _ in range(self.depth) for layer in (conv, ReLU())]
        return ModelSpec(
            name="growth",
            input=(3, self.size, self.size),
            layers=[*convs, Pool(kernel_size=2), Flatten(), Linear(out_features=10)],
        )


AXES = {
    "batch": (1, 2, 4, 8, 16, 32, 64, 128, 256),
    "width": (4, 8, 16, 32, 64, 128),
    "depth": (1, 2, 4, 8, 16),
    "size": (4, 8, 16, 32),
}
TITLES = {
    "batch": "images of a batch",
    "width": "channels of a layer",
    "depth": "convolutions",
    "size": "height and width of an image",
}


@dataclass(frozen=True)
class Point:
    """One measurement, in milliseconds of a training step."""

    at: int
    numpy: float
    torch: float
    roofline: float


def measure(net: Net, at: int, threads: int, seconds: float) -> Point:
    """Time training steps of a net."""
    found: Bench = bench(
        net.spec, BACKENDS, batches=(net.batch,), threads=threads, seconds=seconds, memory=False
    )
    rows = {row.backend: row for row in found.rows if row.mode == "train"}
    numpy, torch = (1e3 * rows[name].seconds.median for name in BACKENDS)
    return Point(at, numpy, torch, numpy * rows["numpy"].of_roofline)


def draw(points: dict[str, list[Point]], threads: int, path: Path) -> None:
    """Draw a panel for each axis."""
    import matplotlib as mpl
    from matplotlib import pyplot

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "growth", "font.size": 9})
    lines = {"numpy": ("#0b6e4f", "o-"), "torch": ("#c1440e", "s-"), "roofline": ("#595959", "--")}
    figure, panels = pyplot.subplots(2, 2, figsize=(8, 6), constrained_layout=True)
    for panel, (axis, found) in zip(panels.flat, points.items()):
        for name, (colour, style) in lines.items():
            panel.loglog(
                [point.at for point in found],
                [getattr(point, name) for point in found],
                style,
                color=colour,
                markersize=4,
                label=name,
            )
        panel.set_xticks([point.at for point in found], [str(point.at) for point in found])
        panel.minorticks_off()
        panel.set_xlabel(TITLES[axis])
        panel.set_ylabel("ms a training step")
        panel.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    panels.flat[0].legend(frameon=False)
    base = Net()
    figure.suptitle(
        f"Training step of {base.depth} convolutions of {base.width} channels on {base.batch} "
        f"images of {base.size} x {base.size}, one axis changed; "
        f"{threads} thread{'s' * (threads > 1)}"
    )
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure along each axis, print, and draw where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--most", type=int, help="the greatest value along each axis")
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    points: dict[str, list[Point]] = {}
    for axis in options.axes.split(","):
        print(f"{axis:>6} {'numpy ms':>9} {'torch ms':>9} {'roofline':>9} {'ratio':>6}")
        points[axis] = []
        for at in AXES[axis]:
            if options.most and at > options.most:
                continue
            net = replace(Net(), **{axis: at})
            found = measure(net, at, options.threads, options.seconds)
            points[axis].append(found)
            print(
                f"{at:6} {found.numpy:9.2f} {found.torch:9.2f} {found.roofline:9.2f} "
                f"{found.numpy / found.torch:6.2f}",
                flush=True,
            )
    if options.svg:
        draw(points, options.threads, options.svg)


if __name__ == "__main__":
    main()
