"""The process around somebody's code: where it hangs or dies, what it prints and leaves behind."""

import os
import time
from pathlib import Path

import pytest

from cnnspec.compare.check import check_class
from cnnspec.compare.check.process import run
from cnnspec.compare.check.process.printed import KEPT, Printed
from tests.compare.check.conftest import Check, marked

RELU = """
import numpy as np
{top}
class ReLU:
    def forward(self, x):
        self.on = x > 0
        {forward}
        return np.where(self.on, x, 0)
    def backward(self, grad):
        {backward}
        return np.where(self.on, grad, 0)
"""


def relu(*, top: str = "pass", forward: str = "pass", backward: str = "pass") -> str:
    return RELU.format(top=top, forward=forward, backward=backward)


ENDS = {
    "hangs": ("while True: pass", "does not end within 0.3 s (line 10: while True: pass)"),
    "dies": (
        "import os; os.abort()",
        "the process died: SIGABRT (line 10: import os; os.abort())",
    ),
}


@pytest.mark.parametrize("what", ENDS)
def test_an_end_in_backward_leaves_forward_its_grade(what: str, check: Check) -> None:
    code, words = ENDS[what]
    checked = check(relu(backward=code), "ReLU", "relu", time_limit=0.3)
    for setting in ("images", "features"):
        found = {f.quantity: f for f in checked.findings if f.setting == setting}
        assert found["output"].ok
        assert found["own input"].ok
        assert (found["grad_input"].stage, found["grad_input"].message) == ("backward", words)
        assert not found["own grad_output"].reached
        assert not found["same-again"].reached
    assert len(checked.findings) == 18


def test_a_class_that_does_not_end_is_not_waited_for_in_every_setting(check: Check) -> None:
    text = "class Tanh:\n    def forward(self, x):\n        while True: pass\n" + (
        "    def backward(self, d): return d"
    )
    checked = check(text, "Tanh", "tanh", time_limit=0.3)
    said = [f.message[:26] for f in checked.findings if f.quantity == "output"]
    assert len(said) > run.ENDLESS
    assert said[:2] == ["does not end within 0.3 s "] * 2
    assert set(said[2:]) == {"does not end within 0.06 s"}


LOSS = """
import numpy as np
class Loss:
    def forward(self, z, t):
        {forward}
        self.t = t
        shifted = z - z.max(axis=1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p = np.exp(log)
        return -log[np.arange(len(t)), t].mean()
    def backward(self):
        {backward}
        return (self.p - np.eye(self.p.shape[1])[self.t]) / len(self.t)
"""


ENDLESS = pytest.param("while True: pass", marks=pytest.mark.slow)


@pytest.mark.parametrize("code", [ENDLESS, "import os; os.abort()", "1 / 0"])
@pytest.mark.parametrize("stage", ["forward", "backward"])
def test_where_a_loss_ends_is_said(stage: str, code: str, check: Check) -> None:
    passes = {"forward": "pass", "backward": "pass"} | {stage: code}
    checked = check(LOSS.format(**passes), "Loss", "cross_entropy", time_limit=0.3)
    assert len(checked.findings) == 24
    failed = [f for f in checked.findings if f.reached and not f.ok]
    assert {f.stage for f in failed} == {stage}
    assert {f.quantity for f in failed} == {"loss" if stage == "forward" else "grad_logits"}
    assert checked.passed == (0 if stage == "forward" else 12)
    assert f"line {5 if stage == 'forward' else 12}: {code}" in failed[0].message


def test_the_probe_of_an_end_is_said(check: Check) -> None:
    checked = check(relu(forward="1 / (len(x) - 1)"), "ReLU", "relu")
    (output, *_) = checked.findings
    assert output.message.startswith("one image: ZeroDivisionError")
    assert "something is kept" not in output.message


def test_a_failure_that_comes_of_an_earlier_call_is_said(check: Check) -> None:
    text = relu(forward="self.on = self.__dict__.setdefault('first', self.on)")
    (output, *_) = check(text, "ReLU", "relu").findings
    assert output.message.endswith("as the first call it works: something is kept between calls")


def test_threads_that_are_left_running_change_no_grade(check: Check) -> None:
    top = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
    began = time.monotonic()
    assert check(relu(top=top), "ReLU", "relu", time_limit=30.0).ok
    assert time.monotonic() - began < 25, "nothing waits for it"


def test_processes_that_are_started_do_not_outlive_the_check(check: Check) -> None:
    top = """import subprocess
subprocess.Popen(['sleep', '60'], env={'LEFT': 'behind'}, start_new_session=True)"""
    assert check(relu(top=top), "ReLU", "relu").ok
    assert not marked("LEFT", "behind")


def test_memory_is_counted_over_all_processes(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MEMORY", 2**28)
    forward = """import os, time
        for _ in range(2):
            if os.fork() == 0: kept = np.ones(2**24); time.sleep(60)
        time.sleep(60)"""
    checked = check(relu(forward=forward), "ReLU", "relu")
    assert checked.findings[0].message.startswith("its processes hold more than")


@pytest.mark.slow
def test_endless_output_is_kept_to_its_end_and_not_on_disk(check: Check) -> None:
    checked = check(relu(forward="while True: print('x' * 10**5)"), "ReLU", "relu", time_limit=0.3)
    assert len(checked.output) <= KEPT
    assert checked.lines_printed > 10
    assert checked.findings[0].message.startswith("does not end within 0.3 s (line 7: while True")


def test_whole_lines_are_kept() -> None:
    printed = Printed()
    for part in (b"first\n", b"a" * 1_500 + b"\n", b"b" * 1_000 + b"\nlast"):
        reader, writer = os.pipe()
        os.write(writer, part)
        os.close(writer)
        printed.drain(reader)
        printed.finish(5)
    assert printed.text == "b" * 1_000 + "\nlast"
    assert printed.lines == 4


def test_names_of_pythons_own_in_the_callers_folder_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    for name in ("random", "json", "numpy", "faulthandler"):
        (there / f"{name}.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(there)
    assert check(relu(), "ReLU", "relu").ok


LOADING = {
    "nothing": ("ReLU = None", "`ReLU` is None, wanted a class"),
    "a number": ("ReLU = 3", "`ReLU` is an int, wanted a class"),
    "an instance": ("class A: pass\nReLU = A()", "`ReLU` is an instance of A, wanted a class"),
    "an exit": ("import sys\nsys.exit('bad')", "calls sys.exit('bad') (line 2: sys.exit('bad'))"),
    "a silent error": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "E: (its own message cannot be made) (line 3)",
    ),
    "a missing file": ("open('no.txt')", f"it was looked for from {Path.cwd()}"),
}


@pytest.mark.parametrize("what", LOADING)
def test_why_a_file_cannot_be_loaded_is_said(what: str, check: Check) -> None:
    text, words = LOADING[what]
    checked = check(text, "ReLU", "relu")
    assert not checked.loaded
    assert words in checked.error


def test_an_error_in_a_file_beside_it_has_its_line(tmp_path: Path, check: Check) -> None:
    (tmp_path / "mine.py").write_text("def help(x):\n    return x.nope\n")
    (output, *_) = check(
        relu(top="from mine import help", forward="help(x)"), "ReLU", "relu"
    ).findings
    assert "(mine.py, line 2: return x.nope <- line 7: help(x))" in output.message


def test_other_kinds_of_files(tmp_path: Path) -> None:
    plain = tmp_path / "layers.txt"
    plain.write_text(relu())
    assert check_class(f"{plain}:ReLU", "relu").ok
    assert not list(tmp_path.glob("__pycache__"))
