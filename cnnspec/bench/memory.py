"""Peak memory of a training step and of a prediction, each in a process of its own.

    python -m cnnspec.bench.memory < request.json

A process shows what it holds at most (VmHWM) and lets that be set back: on Linux alone.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

STEPS = 3
"""Calls of which the peak is taken."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

PEAK = "VmHWM"
NOW = "VmRSS"


def peak_memory(spec: str, backend: str, batch: int, threads: int) -> dict[str, int] | str:
    """Return the peak bytes of `train` and of `predict`, or why they cannot be told.

    `spec` is its text. Counted is what comes on top of the process with its libraries loaded:
    weights, slots, the batch's copies, and all that lies between.
    """
    if not Path("/proc/self/clear_refs").exists():
        return "the peak of a process can be told on Linux alone"
    request = {"spec": spec, "backend": backend, "batch": batch}
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec.bench.memory"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=os.environ | dict.fromkeys(THREADS, str(threads)),
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return lines[-1]
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _measure(spec: str, backend: str, batch: int) -> dict[str, int]:
    import numpy as np

    from cnnspec.backends.network import Batch
    from cnnspec.compare import parse_backend
    from cnnspec.plan import resolve
    from cnnspec.spec.load import parse_spec

    model = parse_spec(spec)
    plan, choice = resolve(model), parse_backend(backend)
    random = np.random.default_rng(0)
    images = random.normal(size=(batch, *plan.input)).astype(np.float32)
    labels = random.integers(0, plan.classes, batch)

    def run(mode: str, images: np.ndarray, labels: np.ndarray) -> None:
        network = choice.build(plan, model.training)
        for step in range(1, STEPS + 1):
            if mode == "train":
                network.train_step(Batch(images, labels), 1e-3, step)
            else:
                network.predict(images)

    few = min(batch, 2)
    peaks = {}
    for mode in ("predict", "train"):
        run(mode, images[:few], labels[:few])  # loads what is loaded at the first use
        _give_back()
        before = _status(NOW)
        Path("/proc/self/clear_refs").write_text("5")
        run(mode, images, labels)
        peaks[mode] = _status(PEAK) - before
    return peaks


def _give_back() -> None:
    """Return freed memory to the system, where the C library can."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def _status(name: str) -> int:
    """Read a number of bytes out of what the system says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):  # where a backend of one's own may print
        peaks = _measure(**json.load(sys.stdin))
    print(json.dumps(peaks))
