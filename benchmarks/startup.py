"""How long `cnnspec build digits` takes, beside importing what it stands on.

    python benchmarks/startup.py [ROUNDS]

Both are run by turns, each in a process of its own, on one thread: the command, and a Python
that imports numpy, pydantic, yaml and rich_click alone. Printed are the medians and their ratio,
and those of other short commands; the exit code is 1 where the ratio of `build` is above 2.0.
Bytecode is written to a temporary folder and read from there, as it would be once installed. On
a busy machine both take longer, and the ratio is nearly the same.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST = 2.0
ROUNDS = 25
WARM_UP = 2

BASE = "imports alone"
COMMANDS = {
    "cnnspec build digits": ["build", "digits"],
    "cnnspec validate digits": ["validate", "digits"],
    "cnnspec --help": ["--help"],
    "cnnspec compare --help": ["compare", "--help"],
}
JUDGED = "cnnspec build digits"


def seconds(command: list[str], environ: dict[str, str]) -> float:
    """Return the wall time of a process."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=environ, check=True)
    return time.perf_counter() - start


def medians(rounds: int) -> dict[str, float]:
    """Return the median of each command, and of the imports alone, taken by turns."""
    script = Path(sys.executable).with_name("cnnspec")
    program = [str(script)] if script.exists() else [sys.executable, "-m", "cnnspec"]
    commands = {name: [*program, *arguments] for name, arguments in COMMANDS.items()}
    commands[BASE] = [sys.executable, "-c", "import numpy, pydantic, yaml, rich_click"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        environ = os.environ | {
            "PYTHONPYCACHEPREFIX": folder,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for turn in range(WARM_UP + rounds):
            for name, command in commands.items():
                taken = seconds(command, environ)
                if turn >= WARM_UP:
                    times[name].append(taken)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> int:
    """Print the figures; return the exit code."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = medians(rounds)
    base = found[BASE]
    print(f"medians of {rounds} rounds; {BASE}: {1000 * base:.0f} ms")
    for name in COMMANDS:
        print(f"{name:24} {1000 * found[name]:6.0f} ms  {found[name] / base:5.2f} times that")
    ratio = found[JUDGED] / base
    print(f"{JUDGED}: {ratio:.2f}, at most {MOST:.1f} is wanted: {'ok' if ratio <= MOST else 'NO'}")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
