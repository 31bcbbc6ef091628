"""Ctrl-C at any moment, in processes of their own: one line, 130, and the truth."""

import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from cnnspec.cli.interrupt import PATIENCE
from cnnspec.errors import RunError
from cnnspec.training import Run
from tests.cli.conftest import Call

# From here on it is cnnspec that runs; before, Python reports an interrupt in its own way.
PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.HANDLER)
from cnnspec.cli import main
os.write(int(sys.argv.pop(1)), b".")
main()
"""

TRAINED = """\
name: slow
input: [1, 8, 8]
layers: [flatten, linear: {out_features: 10}]
data: {digits: {train_samples: 600, test_samples: 50}}
training: {epochs: 40, optimizer: {sgd: {learning_rate: 0.05}}}
"""


class Ended(NamedTuple):
    code: int
    err: str
    seconds: float


def run(
    arguments: list[str],
    folder: Path,
    environ: dict[str, str],
    *moments: float,
    handler: str = "default_int_handler",
    after: str | None = None,
) -> Ended:
    """Run a command, and press Ctrl-C at each moment: in seconds, after a file is there."""
    reader, writer = os.pipe()
    program = PROGRAM.replace("HANDLER", handler)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(writer), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environ,
        pass_fds=[writer],
    ) as process:
        os.close(writer)
        assert os.read(reader, 1) == b"."
        os.close(reader)
        while after and not (folder / after).exists():
            time.sleep(0.01)
        start = time.monotonic()
        for moment in moments:
            time.sleep(max(0, start + moment - time.monotonic()))
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        return Ended(process.returncode, err, time.monotonic() - start)


def moments(count: int, seconds: float, seed: int) -> list[float]:
    """Return moments at random, but spread over the whole time."""
    rng = random.Random(seed)
    return [(part + rng.random()) * seconds / count for part in range(count)]


LINE = re.compile(r"cnnspec: interrupted(?:; (.*))?\n")


def told(ended: Ended) -> str | None:
    """Return what is said of what is kept; None where the command was through."""
    if ended.code == 0:
        assert ended.err == ""
        return None
    assert ended.code == 130, ended
    lines = ended.err.splitlines(keepends=True)
    said = LINE.fullmatch(lines[-1]) if lines else None
    assert said, ended.err
    assert "Traceback" not in ended.err
    assert ended.err.count("interrupted") == 1
    return said[1] or ""


def hold_to_the_truth(said: str | None, runs: Path) -> None:
    """Compare what is said of a training with what lies in the folder of the runs."""
    folders = list(runs.iterdir()) if runs.exists() else []
    if said in ("", "nothing is kept: no training was begun"):
        assert folders == []
        return
    (folder,) = folders
    kept = Run.open(folder)
    if said == f"no epoch was finished, so {folder.relative_to(runs.parent)} holds no weights":
        with pytest.raises(RunError):
            kept.weights()
        assert not (folder / "metrics.jsonl").exists()
        return
    epochs = len(kept.history())
    assert set(kept.weights()) == {"linear1.weight", "linear1.bias"}
    if said is None:
        assert epochs == 40
    else:
        assert said.startswith(f"{folder.relative_to(runs.parent)} keeps the ")
        assert said.endswith(f"of epoch {epochs}")
    assert not list(folder.glob("*.tmp"))


def hold(folder: Path, environ: dict[str, str], arguments: list[str], count: int, seed: int) -> int:
    """Interrupt a training at so many moments; return how often it was not through."""
    (folder / "slow.yaml").write_text(TRAINED)
    seconds = run([*arguments, "--runs", "whole"], folder, environ).seconds
    interrupted = 0
    for number, moment in enumerate(moments(count, seconds, seed)):
        runs = folder / f"runs{number}"
        said = told(run([*arguments, "--runs", runs.name], folder, environ, moment))
        hold_to_the_truth(said, runs)
        interrupted += said is not None
    return interrupted


def test_a_training_tells_what_is_kept(folder: Path, clean: dict[str, str]) -> None:
    assert hold(folder, clean, ["train", "slow.yaml"], 5, seed=0) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpy", "torch", "loops"])
def test_a_training_on_any_backend_at_many_moments(
    folder: Path, clean: dict[str, str], backend: str
) -> None:
    assert hold(folder, clean, ["train", "slow.yaml", "--backend", backend], 10, seed=1) >= 3


SHORT = {
    "help": ["--help"],
    "build": ["build", "small.yaml"],
    "an error": ["build", "missing.yaml"],
    "validate": ["validate", "small.yaml"],
}
FEW = {"build"}
"""One stands for all in `make test`: what strikes is the time of their imports."""


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(arguments, marks=[pytest.mark.slow] * (name not in FEW), id=name)
        for name, arguments in SHORT.items()
    ],
)
def test_short_commands(folder: Path, clean: dict[str, str], arguments: list[str]) -> None:
    whole = run(arguments, folder, clean)
    for moment in moments(6, whole.seconds, seed=2):
        ended = run(arguments, folder, clean, moment)
        if ended.code == 130 and not LINE.fullmatch(ended.err):
            # all was said, and the last line came before Python had left
            assert ended.err == f"{whole.err}cnnspec: interrupted\n"
        elif ended.code == 130:
            assert told(ended) == ""
        else:
            assert ended[:2] == whole[:2]


LONG = {
    "compare": ["compare", "small.yaml"],
    "bench": ["bench", "small.yaml", "--seconds", "0.5", "--batch", "1"],
    "selftest": ["selftest", "--quick", "--clean", "1"],
    "check": ["check", "own.py:ReLU", "--as", "relu"],
}
RELU = """
class ReLU:
    def forward(self, x):
        self.on = x > 0
        return x * self.on
    def backward(self, grad):
        return grad * self.on
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", LONG)
def test_long_commands(folder: Path, clean: dict[str, str], command: str) -> None:
    (folder / "own.py").write_text(RELU)
    for moment in moments(4, 8, seed=3):
        said = told(run(LONG[command], folder, clean, moment))
        assert said in (None, "", "nothing is kept")


WORKS = {
    "compare": "cnnspec.compare.compare_backends",
    "bench": "cnnspec.bench.bench",
    "selftest": "cnnspec.compare.selftest.run_selftest",
}
"""What a long command calls to do its work."""


@pytest.mark.parametrize("command", WORKS)
def test_a_long_command_says_that_nothing_is_kept(
    call: Call, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(WORKS[command], interrupted)
    done = call(*LONG[command])
    assert done.code == 130
    assert done.err.endswith("cnnspec: interrupted; nothing is kept\n")


@pytest.mark.parametrize("moment", [1.0, pytest.param(2.0, marks=pytest.mark.slow)])
def test_on_a_terminal_it_is_the_last_line(
    folder: Path, clean: dict[str, str], moment: float
) -> None:
    """A bar that is drawn while torch is imported must not be drawn again below."""
    program = PROGRAM.replace("HANDLER", "default_int_handler")
    terminal, end = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program, str(end), *LONG["selftest"]],
        stdin=end,
        stdout=end,
        stderr=end,
        cwd=folder,
        env=clean | {"TERM": "xterm"},
        pass_fds=[end],
    ) as process:
        os.close(end)
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        shown = b""
        try:
            while more := os.read(terminal, 10_000):
                shown += more
        except OSError:  # so a terminal ends
            pass
    os.close(terminal)
    assert process.returncode == 130
    last = shown.decode().splitlines()[-1]
    assert last.endswith(("cnnspec: interrupted", "cnnspec: interrupted; nothing is kept"))
    assert "\x1b[?25l" not in last, "the cursor is shown again"
    assert "Traceback" not in shown.decode()


@pytest.mark.parametrize("apart", [0, 0.002, 0.02])
def test_twice_in_a_row(folder: Path, clean: dict[str, str], apart: float) -> None:
    (folder / "slow.yaml").write_text(TRAINED)
    for moment in (0.05, 0.25, 0.45):
        told(run(["train", "slow.yaml"], folder, clean, moment, moment + apart))


STUBBORN = """
import time
from cnnspec.backends import numpy as engine

class Own(engine.NumPyNetwork):
    def train_step(self, *given):
        open("training", "w").close()
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

def Network(plan, training, *, device):
    return Own(plan, training, backend="own", layers=engine.LAYERS, loss=engine.cross_entropy,
               optimizers=engine.OPTIMIZERS)
"""


def test_code_that_swallows_it_is_left_at_the_second_time(
    folder: Path, clean: dict[str, str]
) -> None:
    (folder / "own.py").write_text(STUBBORN)
    arguments = ["train", "small.yaml", "--backend", "own.py:Network"]
    ended = run(arguments, folder, clean, 0.2, 0.4, PATIENCE + 0.5, after="training")
    assert told(ended) == "no epoch was finished, so runs/small-1 holds no weights"
    assert ended.seconds > PATIENCE


PLACES = {
    "held back until a block is written": (
        """
        try:
            with interrupt.held():
                signal.raise_signal(signal.SIGINT)
                print("written")
            print("never")
        except KeyboardInterrupt:
            print("then stopped")
        """,
        (0, "written\nthen stopped\n", ""),
    ),
    "in a finaliser, which Python would report and go on": (
        """
        class Loud:
            def __del__(self):
                signal.raise_signal(signal.SIGINT)
        try:
            Loud()
            for _ in range(500):  # a long sleep would not be left before its end
                time.sleep(0.01)
            print("never")
        except KeyboardInterrupt:
            print("stopped")
        """,
        (0, "stopped\n", ""),
    ),
    "in an import, which swallows it": (
        """
        interrupt.keeps(lambda: "nothing is kept")
        import swallows
        print("never")
        """,
        (130, "", "cnnspec: interrupted; nothing is kept\n"),
    ),
    "again while it is tidied up": (
        """
        try:
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGINT)
                print("tidied up")
        except KeyboardInterrupt:
            print("stopped")
        """,
        (0, "tidied up\nstopped\n", ""),
    ),
    "once all is done": (
        """
        interrupt.ignore()
        signal.raise_signal(signal.SIGINT)
        print("done")
        """,
        (0, "done\n", ""),
    ),
}


@pytest.mark.parametrize(("code", "expected"), PLACES.values(), ids=PLACES)
def test_where_it_strikes(
    tmp_path: Path, clean: dict[str, str], code: str, expected: tuple[int, str, str]
) -> None:
    swallows = "import signal\ntry:\n    signal.raise_signal(signal.SIGINT)\nexcept: pass\n"
    (tmp_path / "swallows.py").write_text(swallows)
    head = "import signal, time\nfrom cnnspec.cli import interrupt\n"
    watch = "signal.signal(signal.SIGINT, signal.default_int_handler)\ninterrupt.watch()\n"
    done = subprocess.run(
        [sys.executable, "-c", head + watch + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean,
    )
    assert (done.returncode, done.stdout, done.stderr) == expected


def test_one_that_is_to_be_ignored_is_ignored(folder: Path, clean: dict[str, str]) -> None:
    (folder / "slow.yaml").write_text(TRAINED)
    times = [0.05 * number for number in range(6)]
    ended = run(["train", "slow.yaml"], folder, clean, *times, handler="SIG_IGN")
    assert told(ended) is None
    assert len(Run.open(folder / "runs" / "slow-1").history()) == 40
