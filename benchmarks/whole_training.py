"""Whole trainings by `cnnspec train`, numpy and torch side by side: wall time and accuracy.

    python benchmarks/whole_training.py [SPEC] [--seeds 0,1,2] [--data-dir DIR]

Both run at the same time, each in a process of its own with one thread: it takes two processors
that nothing else wants. What a training takes is told from outside (wall), and by the process,
without loading and the test after each epoch (steps).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "notebook-torch.yaml"
BACKENDS = ("numpy", "torch")


def train(spec: Path, backend: str, seed: str, data_dir: str | None) -> tuple[float, float, float]:
    """Return wall time, seconds in training steps, and accuracy on the test images."""
    command = [sys.executable, "-m", "cnnspec", "train", str(spec), "--backend", backend]
    where = ["--data-dir", data_dir] if data_dir else []
    with tempfile.TemporaryDirectory() as runs:
        start = time.perf_counter()
        done = subprocess.run(
            [*command, *where, "--runs", runs, "--set", f"training.seed={seed}", "--json"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        wall = time.perf_counter() - start
    document = json.loads(done.stdout)
    seconds = sum(epoch["seconds"] for epoch in document["epochs"])
    return wall, seconds, document["test_accuracy"]


def main() -> None:
    """Train with each seed on each backend, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", nargs="?", type=Path, default=SPEC)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--data-dir")
    options = parser.parse_args()
    accuracies: dict[str, list[float]] = {backend: [] for backend in BACKENDS}
    for seed in options.seeds.split(","):
        with ThreadPoolExecutor() as pool:
            given = ((options.spec, backend, seed, options.data_dir) for backend in BACKENDS)
            found = dict(zip(BACKENDS, pool.map(lambda each: train(*each), given)))
        for backend, (wall, seconds, accuracy) in found.items():
            accuracies[backend].append(100 * accuracy)
            print(
                f"seed {seed} {backend}: wall {wall:.1f} s, steps {seconds:.1f} s, "
                f"{100 * accuracy:.2f} %",
                flush=True,
            )
        wall, seconds = (found["numpy"][kind] / found["torch"][kind] for kind in (0, 1))
        print(f"seed {seed} numpy / torch: wall {wall:.2f}, steps {seconds:.2f}", flush=True)
    for backend, found_accuracies in accuracies.items():
        mean = statistics.fmean(found_accuracies)
        spread = statistics.stdev(found_accuracies) if len(found_accuracies) > 1 else 0.0
        print(f"{backend}: mean {mean:.2f} %, standard deviation {spread:.2f}")


if __name__ == "__main__":
    main()
