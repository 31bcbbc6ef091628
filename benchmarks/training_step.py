"""Time of one training step, NumPy beside torch eager, by turns in one process.

    python benchmarks/training_step.py [SPEC ...] [--batch 1,10,32,128,512]

Medians of alternating steps; the ratio numpy / torch is what to read, as machines are noisy.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from cnnspec import Network, build, load_spec, resolve

SPECS = Path(__file__).parents[1] / "specs"
BACKENDS = ("numpy", "torch")
WARM_UP = 3
SECONDS = 1.0


def step_times(networks: dict[str, Network], batch: int) -> dict[str, float]:
    """Return the median time of a training step of each backend, in seconds."""
    random = np.random.default_rng(0)
    plan = next(iter(networks.values())).plan
    images = random.normal(size=(batch, *plan.input)).astype(np.float32)
    labels = random.integers(0, plan.classes, batch)
    times: dict[str, list[float]] = {name: [] for name in networks}
    end = time.perf_counter() + SECONDS
    step = 0
    while time.perf_counter() < end or step < WARM_UP + 5:
        step += 1
        for name, network in networks.items():
            start = time.perf_counter()
            network.train_step(images, labels, 1e-3, step)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found[WARM_UP:]) for name, found in times.items()}


def main() -> None:
    """Print a table of all specs and batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", type=Path, default=sorted(SPECS.glob("*.yaml")))
    parser.add_argument("--batch", default="1,10,32,128,512")
    options = parser.parse_args()
    print(f"{'spec':20} {'batch':>5} {'numpy ms':>9} {'torch ms':>9} {'ratio':>6}")
    for path in options.specs:
        spec = load_spec(path)
        plan = resolve(spec)
        ratios = []
        for batch in map(int, options.batch.split(",")):
            networks = {name: build(plan, spec.training, name) for name in BACKENDS}
            found = step_times(networks, batch)
            ratios.append(found["numpy"] / found["torch"])
            numpy_ms, torch_ms = (1e3 * found[name] for name in BACKENDS)
            print(f"{path.stem:20} {batch:5} {numpy_ms:9.2f} {torch_ms:9.2f} {ratios[-1]:6.2f}")
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        print(f"{path.stem:20} {'mean':>5} {'':19} {mean:6.2f}")


if __name__ == "__main__":
    main()
