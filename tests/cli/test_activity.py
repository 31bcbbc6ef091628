"""What goes on is said: lines on stderr where it is no terminal, a line that moves where it is."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cnnspec.cli import activity, heartbeat
from cnnspec.cli.activity import BESIDE, Activity, part_of, parts
from cnnspec.cli.heartbeat import Heartbeat, clock
from cnnspec.compare import planted
from cnnspec.compare.planted import FAULTS

PROGRAM = """
import time
from cnnspec.cli import heartbeat
from cnnspec.cli.activity import parts

heartbeat.PAUSE, heartbeat.LATEST, heartbeat.FIRST = 0.2, 0.3, 0.3
with parts("replaying"{options}) as progress:
    {body}
"""
ONE_LONG_PART = "progress.show(6, 23, 'conv2'); time.sleep(1.0)"
MANY_SHORT_PARTS = """\
for number in range(100):
        progress.show(number, 100, f'part {number}'); time.sleep(0.01)"""


def program(body: str, options: str = "") -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(body=body, options=options)]


def on_a_pipe(body: str, **environ: str) -> str:
    done = subprocess.run(
        program(body), capture_output=True, text=True, timeout=60, env={**os.environ, **environ}
    )
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def on_a_terminal(body: str, options: str = "", **environ: str) -> str:
    """Return what a program writes to a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        program(body, options), stderr=its, stdout=its, env={**os.environ, **environ}
    )
    os.close(its)
    written = b""
    while chunk := _read(ours):
        written += chunk
    os.close(ours)
    assert process.wait(60) == 0
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # its other end was closed
        return b""


def test_one_long_part_is_told_again_and_again_on_a_pipe() -> None:
    lines = on_a_pipe(ONE_LONG_PART).splitlines()
    assert 2 <= len(lines) <= 4  # after 0.3, 0.6 and 0.9 seconds
    assert {re.sub(r"\[\d+:\d\d\] ", "", line) for line in lines} == {"replaying 7 of 23: conv2"}


def test_many_short_parts_take_few_lines_that_say_how_far_it_is() -> None:
    lines = on_a_pipe(MANY_SHORT_PARTS).splitlines()
    assert 2 <= len(lines) <= 8
    told = [re.fullmatch(r"\[0:\d\d\] replaying (\d+) of 100: part (\d+)", line) for line in lines]
    numbers = [int(match[1]) for match in told if match]
    assert len(numbers) == len(lines)
    assert numbers == sorted(set(numbers))


def test_a_short_work_is_silent() -> None:
    assert on_a_pipe("progress.show(0, 1, 'conv1')") == ""


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE"])
def test_nothing_that_moves_a_cursor_gets_into_a_file(name: str) -> None:
    told = on_a_pipe(ONE_LONG_PART, **{name: "1"})
    assert told.startswith("[0:00] replaying 7 of 23: conv2\n")
    assert "\x1b" not in told
    assert "\r" not in told


@pytest.mark.parametrize("options", ["", ", by_itself=False"])
def test_on_a_terminal_one_line_moves_and_leaves_nothing(options: str) -> None:
    told = on_a_terminal(MANY_SHORT_PARTS, options, TERM="xterm", COLUMNS="80", NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told)
    assert "replaying part 0" in plain
    assert len(set(re.findall(r"replaying part (\d+)", plain))) > 2
    assert "[0:0" not in plain  # no lines besides
    # The cursor is shown again, and the line that it stands on was erased.
    assert told.rstrip().endswith("\x1b[2K")
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    told = on_a_terminal(ONE_LONG_PART, TERM="dumb")
    assert told.startswith("[0:00] replaying 7 of 23: conv2\r\n")
    assert "\x1b" not in told


def test_what_is_timed_is_drawn_between_parts_alone() -> None:
    body = "progress.show(0, 2, 'a'); time.sleep(0.6); progress.show(1, 2, 'b')"
    told = on_a_terminal(body, ", by_itself=False", TERM="xterm", COLUMNS="80")
    drawn = on_a_terminal(body, "", TERM="xterm", COLUMNS="80")
    assert told.count("replaying a") <= 2  # at its beginning, and when it ends
    assert drawn.count("replaying a") > 4


def test_who_speaks_often_is_not_interrupted_by_the_thread(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "PAUSE", 0.1)
    monkeypatch.setattr(heartbeat, "FIRST", 0.1)
    asked: list[str] = []

    def what() -> str:
        asked.append("")
        return f"step {len(asked)}"

    with Heartbeat() as beats:
        end = time.monotonic() + 0.55
        while time.monotonic() < end:
            beats.say(what)
            time.sleep(0.001)
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 5
    assert len(asked) == len(lines)  # nobody makes a sentence that nobody reads


@pytest.mark.parametrize("broken", [BrokenPipeError, ValueError])
def test_that_nobody_reads_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, broken: type[Exception]
) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise broken

    monkeypatch.setattr(sys, "stderr", Broken())
    monkeypatch.setattr(heartbeat, "FIRST", 0.0)
    with Heartbeat() as beats:
        beats.say("one")
        beats.say("two")


def test_without_a_stderr_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with Heartbeat() as beats:
        beats.say("one")


def test_an_error_ends_the_thread(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "FIRST", 0.05)
    with contextlib.suppress(KeyboardInterrupt), parts("measuring") as progress:
        progress.show(0, 1, "the machine")
        raise KeyboardInterrupt
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_ten_seconds_are_promised() -> None:
    assert 0 < heartbeat.FIRST < heartbeat.PAUSE < heartbeat.LATEST <= 9


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0:00"), (7, "0:07"), (750, "12:30"), (3723, "1:02:03")]
)
def test_a_time_is_written_as_a_clock_does(seconds: float, said: str) -> None:
    assert clock(seconds) == said


def test_the_last_part_is_not_passed() -> None:
    assert part_of("replaying", 23, 23, "the loss") == "replaying 23 of 23: the loss"


def test_nobody_draws_on_what_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert not activity.is_live(activity.Activity().console)


SLOW = """
import time
from cnnspec import backends


class Network:
    def __init__(self, plan, training, *, device):
        self.plan, self.backend = plan, "slow"
        self._inner = backends.builder_of("numpy")(plan, training, device=device)

    def __getattr__(self, name):
        if name in ("train_step", "predict", "trace"):
            time.sleep(0.4)
        return getattr(self._inner, name)
"""


@pytest.mark.slow  # it waits for lines that come after seconds
def test_bench_of_a_slow_network_is_not_silent(
    folder: Path, program_with_short_breath: Any
) -> None:
    (folder / "slow.py").write_text(SLOW)
    done = program_with_short_breath(
        *("bench", "small.yaml", "--backends", "slow.py:Network", "--batch", "2", "--no-memory"),
        *("--threads", "1", "--seconds", "0.01", "--json"),
    )
    assert done.returncode == 0, done.stderr
    told = re.findall(r"^\[\d:\d\d\] measuring (\d) of 4: (.*)$", done.stderr, re.MULTILINE)
    assert ("2", "training step, batch 2") in told
    assert ("3", "prediction, batch 2") in told
    assert done.stdout.startswith("{")
    assert "measuring" not in done.stdout


SHORT_BREATH = """
from cnnspec.cli import heartbeat, main
heartbeat.PAUSE, heartbeat.LATEST, heartbeat.FIRST = 0.2, 0.3, 0.3
main()
"""


@pytest.fixture
def program_with_short_breath(folder: Path) -> Any:
    """Run a command that speaks up as soon as 0.3 seconds have passed."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", SHORT_BREATH, *arguments],
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=500,
        )

    return run


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines about what goes on, without the time."""
    return re.findall(r"^\[\d:\d\d\] (.*)$", done.stderr, re.MULTILINE)


@pytest.mark.slow  # it waits for lines that come after seconds
def test_compare_says_which_part_of_how_many_and_trains_aloud(
    folder: Path, program_with_short_breath: Any
) -> None:
    (folder / "slow.py").write_text(SLOW)
    done = program_with_short_breath(
        *("compare", "small.yaml", "--backends", "numpy,slow.py:Network", "--steps", "3", "--json")
    )
    assert done.returncode == 0, done.stderr
    told = lines_of(done)
    parts_told = [re.fullmatch(r"replaying (\d+) of (\d+): (.*)", line) for line in told]
    numbers = [(int(part[1]), int(part[2])) for part in parts_told if part]
    assert numbers == sorted(numbers)
    assert len({total for _, total in numbers}) == 1
    assert "training steps of Network" in {part[3] for part in parts_told if part}
    assert any(line.startswith("epoch 1/2: 32 of 200 images, loss ") for line in told)
    assert done.stdout.startswith("{")


@pytest.mark.slow
def test_evaluate_says_how_many_images_are_done(
    folder: Path, program_with_short_breath: Any
) -> None:
    assert program_with_short_breath("train", "small.yaml").returncode == 0
    (folder / "slow.py").write_text(SLOW.replace("time.sleep(0.4)", "time.sleep(1)"))
    done = program_with_short_breath("evaluate", "runs/small-1", "--backend", "slow.py:Network")
    assert done.returncode == 0, done.stderr
    assert set(lines_of(done)) == {"testing: 0 of 100 images"}


@pytest.mark.slow
def test_check_says_which_setting_is_tried(folder: Path, program_with_short_breath: Any) -> None:
    (folder / "slow.py").write_text("""
import time
import numpy as np


class ReLU:
    def forward(self, x):
        time.sleep(0.2)
        self.x = x
        return np.maximum(x, 0)

    def backward(self, grad_output):
        return grad_output * (self.x > 0)
""")
    done = program_with_short_breath("check", "slow.py:ReLU", "--as", "relu")
    assert done.returncode == 0, done.stdout + done.stderr
    told = [re.fullmatch(r"trying (\d+) of (\d+): (.+)", line) for line in lines_of(done)]
    assert told
    assert all(told)


@pytest.mark.torch
def test_selftest_says_what_is_compared(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (fault,) = (fault for fault in FAULTS if fault.name == "sgd-nesterov-never")
    monkeypatch.setattr(planted, "FAULTS", [fault])
    for name in ("FIRST", "PAUSE"):
        monkeypatch.setattr(heartbeat, name, 0.0)
    lines = call("selftest", "--clean", "0").err.splitlines()
    assert lines
    for line in lines:
        told = r"\[\d:\d\d\] comparing (\d) of (\d): sgd-nesterov-never on dilated"
        assert re.fullmatch(told, line)


@pytest.mark.slow
def test_no_ten_seconds_pass_without_a_line(folder: Path) -> None:
    """With the pauses that users have, and one question that takes half a minute."""
    (folder / "slow.py").write_text(SLOW.replace("time.sleep(0.4)", "time.sleep(12)"))
    run = [sys.executable, "-m", "cnnspec", "bench", "small.yaml", "--backends", "slow.py:Network"]
    told = [time.monotonic()]
    with subprocess.Popen(
        [*run, "--batch", "1", "--no-memory", "--threads", "1", "--seconds", "0.01"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        text=True,
    ) as process:
        assert process.stderr is not None
        while time.monotonic() - told[0] < 60 and process.stderr.readline():
            told.append(time.monotonic())
        process.kill()
    assert len(told) > 5
    assert max(after - before for before, after in pairwise(told)) <= 10


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (52, "replaying repeat1.0.residual1.body.conv1 (batch)"),
        (47, "replaying ...residual1.body.conv1 (batch)"),
        (40, "replaying ...body.conv1 (batch)"),
        (10, "replaying ...conv1 (batch)"),
    ],
)
def test_a_line_that_is_drawn_anew_has_room_for_a_bar(
    monkeypatch: pytest.MonkeyPatch, room: int, shown: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(room + BESIDE))
    line = "replaying repeat1.0.residual1.body.conv1 (batch)"
    assert Activity().shortened(line) == shown
    assert Activity().shortened("trying 0.5 of many settings that are long") == (
        "trying 0.5 of many settings that are long"
    )
