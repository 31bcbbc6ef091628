"""The engine's targets, measured: `cnnspec bench --json` for each, and what came of it.

    python benchmarks/targets.py [--seconds 3] [--only GROUP] [--json FILE]

Groups: steps, vgg, predict, loops, memory. `benchmarks/whole_training.py` has the trainings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import geometric_mean
from typing import Any

SPECS = Path(__file__).parents[1] / "specs"
NETS = ("notebook-scratch", "notebook-torch")
OPTIMIZERS = ("sgd", "adam")
Document = dict[str, Any]


def bench(spec: str, *options: str) -> Document:
    """Run the command and return its document."""
    command = [sys.executable, "-m", "cnnspec", "bench", str(SPECS / f"{spec}.yaml"), *options]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    document: Document = json.loads(done.stdout)
    return document


def rows(document: Document, mode: str, backend: str = "numpy") -> list[Document]:
    """Return the rows of a backend."""
    return [row for row in document["rows"] if (row["mode"], row["backend"]) == (mode, backend)]


def steps(seconds: str) -> Iterator[tuple[str, Document]]:
    """Training steps of the notebook's nets: mean at most 0.7, none above 1.0."""
    for net in NETS:
        for optimizer in OPTIMIZERS:
            for threads in ("1", "2"):
                found = bench(
                    net,
                    *("--set", f"training.optimizer={optimizer}", "--threads", threads),
                    *("--backends", "numpy,torch", "--no-memory", "--seconds", seconds),
                )
                ratios = [row["ratio_to_torch"] for row in rows(found, "train")]
                print(f"{net} {optimizer} {threads} threads: {geometric_mean(ratios):.2f}")
                for row in rows(found, "train"):
                    print(f"    batch {row['batch_size']:3}: {_spread(row)}")
                yield f"steps {net} {optimizer} {threads}", found


def vgg(seconds: str) -> Iterator[tuple[str, Document]]:
    """A training step of vgg-small, batch 32: at most 1.3, and 1.0 to be tried for."""
    for threads in ("1", "2"):
        found = bench(
            "vgg-small",
            *("--batch", "32", "--threads", threads, "--backends", "numpy,torch", "--no-memory"),
            *("--seconds", str(4 * float(seconds))),
        )
        print(f"vgg-small, {threads} threads, batch 32: {_spread(rows(found, 'train')[0])}")
        yield f"vgg {threads}", found


def predict(seconds: str) -> Iterator[tuple[str, Document]]:
    """One-image predictions: at most 0.5."""
    for net in NETS:
        for threads in ("1", "2"):
            found = bench(
                net,
                *("--batch", "1", "--threads", threads, "--backends", "numpy,torch"),
                *("--no-memory", "--seconds", seconds),
            )
            print(f"{net}, {threads} threads, one image: {_spread(rows(found, 'predict')[0])}")
            yield f"predict {net} {threads}", found


def loops(seconds: str) -> Iterator[tuple[str, Document]]:
    """Loops / numpy: at least 500."""
    for net in (*NETS, "vgg-small"):
        found = bench(
            net, "--threads", "1", "--backends", "numpy,loops", "--no-memory", "--seconds", seconds
        )
        for mode in ("train", "predict"):
            pairs = zip(rows(found, mode, "loops"), rows(found, mode))
            ratios = [slow["ms"] / fast["ms"] for slow, fast in pairs]
            print(f"{net} {mode}: loops / numpy {min(ratios):,.0f} to {max(ratios):,.0f}")
        yield f"loops {net}", found


def memory(seconds: str) -> Iterator[tuple[str, Document]]:
    """Peak memory of a training step of vgg-small, batch 128: no more than torch's."""
    for threads in ("1", "2"):
        found = bench(
            "vgg-small",
            *("--batch", "128", "--threads", threads, "--backends", "numpy,torch"),
            *("--seconds", "0.1"),
        )
        numpy, torch = (
            rows(found, "train", name)[0]["peak_memory_mib"] for name in ("numpy", "torch")
        )
        print(f"vgg-small, {threads} threads, batch 128: numpy {numpy:.0f} MiB, torch {torch:.0f}")
        yield f"memory {threads}", found


GROUPS = {group.__name__: group for group in (steps, vgg, predict, loops, memory)}


def _spread(row: Document) -> str:
    return (
        f"{row['ratio_to_torch']:.2f} [{row['ratio_low']:.2f} {row['ratio_high']:.2f}], "
        f"{row['ms']:.2f} ms"
    )


def main() -> None:
    """Measure and print; keep the documents where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", default="3")
    parser.add_argument("--only", choices=GROUPS, action="append")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    documents: Document = {}
    for name in options.only or GROUPS:
        print(f"\n{GROUPS[name].__doc__}")
        for label, document in GROUPS[name](options.seconds):
            documents[label] = document
    ratios = [
        row["ratio_to_torch"]
        for label, document in documents.items()
        if label.startswith("steps")
        for row in rows(document, "train")
    ]
    if ratios:
        print(
            f"\nall training steps: mean {geometric_mean(ratios):.2f}, greatest {max(ratios):.2f}"
        )
    if options.json:
        options.json.write_text(json.dumps(documents, indent=1) + "\n")


if __name__ == "__main__":
    main()
