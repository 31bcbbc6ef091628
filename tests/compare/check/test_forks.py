"""Processes for somebody's code are forked, and each is as clean as a new one."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cnnspec.compare.check import check_class
from cnnspec.compare.check.process import forks, run
from tests.compare.check.conftest import Check, marked, none_left
from tests.compare.check.test_process import relu

SAYS = "print('said', {what}, flush=True)"


def said(check: Check, what: str, top: str = "import os") -> list[str]:
    """Return what a class prints of itself, once for each process in which it is loaded."""
    checked = check(relu(top=top + "; " + SAYS.format(what=what)), "ReLU", "relu")
    assert checked.ok
    return [line.removeprefix("said ") for line in checked.output.splitlines()]


def test_one_process_forks_all(check: Check) -> None:
    assert check(relu(), "ReLU", "relu").ok
    before = [server.pid for server in forks._free]
    assert check(relu(), "ReLU", "relu").ok
    assert before == [server.pid for server in forks._free]


def test_nothing_is_left_by_another(check: Check) -> None:
    what = "[hasattr(os, 'mark'), os.environ.get('MARK'), os.getcwd()]"
    top = "import os; os.mark = 1; os.environ['MARK'] = '1'; os.chdir('/')"
    assert said(check, what, top) == ["[True, '1', '/']"]
    assert said(check, what) == [f"[False, None, {str(Path.cwd())!r}]"]


def test_folder_and_environment_are_those_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    what = "[os.getcwd(), os.environ.get('MARK')]"
    assert said(check, what) == [f"[{str(Path.cwd())!r}, None]"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARK", "set")
    assert said(check, what) == [f"[{str(tmp_path)!r}, 'set']"]


def test_random_numbers_are_not_the_same_in_each(check: Check) -> None:
    first, second = (
        said(check, "random.random(), np.random.rand()", "import random") for _ in range(2)
    )
    assert first != second
    assert first[0].split()[1] != second[0].split()[1]


def once(folder: Path) -> str:
    """Return code that is true from the second time on that it is run."""
    return f"(os.path.exists('{folder}/there') or bool(open('{folder}/there', 'w').close()))"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no space of its own, as where the system gives none."""
    monkeypatch.setattr(run, "APART", False)


@pytest.mark.usefixtures("alone")
def test_a_class_that_kills_what_waits_for_it_is_said_and_the_next_is_tried(check: Check) -> None:
    code = "import os; os.kill(os.getppid(), 9); import time; time.sleep(60)"
    checked = check(relu(forward=code), "ReLU", "relu")
    assert checked.findings[0].message.startswith("the process died: SIGKILL")
    assert check(relu(), "ReLU", "relu").ok


@pytest.mark.usefixtures("alone")
def test_what_a_class_that_kills_the_server_leaves_is_ended(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_free", [])
    monkeypatch.setenv("OF_THE_TEST", "the server")
    code = f"""import os, time
        if {once(tmp_path)}: return x
        if os.fork() == 0: time.sleep(1000)
        server = int(open(f'/proc/{{os.getppid()}}/stat').read().split()[3])
        assert b'fork_server' in open(f'/proc/{{server}}/cmdline', 'rb').read()
        os.kill(server, 9)
        time.sleep(60)"""
    checked = check(relu(forward=code), "ReLU", "relu")
    assert checked.findings[0].message.startswith("the process died: SIGKILL")
    forks._close_all()  # of another server, that tried what was left
    assert none_left("OF_THE_TEST", "the server")


def test_a_class_in_a_space_of_its_own_cannot_kill_what_waits_for_it(check: Check) -> None:
    code = "import os; os.getppid() == 1 and os.kill(1, 9)"  # where the system gives a space
    assert check(relu(forward=code), "ReLU", "relu").ok


def test_one_that_has_ended_meanwhile_is_replaced(check: Check) -> None:
    assert check(relu(), "ReLU", "relu").ok
    server = forks._free[-1]
    os.kill(server.pid, signal.SIGKILL)
    assert check(relu(), "ReLU", "relu").ok
    assert server not in forks._free


def test_threads_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each class waits until the other has begun."""
    done = {}

    def run(own: str, other: str) -> None:
        path = tmp_path / f"{own}.py"
        wait = f"""import pathlib, time
pathlib.Path({str(tmp_path / own)!r}).touch()
while not pathlib.Path({str(tmp_path / other)!r}).exists(): time.sleep(0.01)"""
        path.write_text(relu(top=wait))
        done[own] = check_class(f"{path}:ReLU", "relu", time_limit=30.0).ok

    threads = [threading.Thread(target=run, args=pair) for pair in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == {"a": True, "b": True}


@pytest.mark.parametrize("apart", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_nothing_outlives_the_one_that_asked(apart: bool, tmp_path: Path) -> None:
    begun, mark = tmp_path / "begun", f"{tmp_path}{apart}"
    top = f"""import os, time
if os.fork(): open({str(begun)!r}, 'w').close()
time.sleep(60)"""
    (tmp_path / "layers.py").write_text(relu(top=top))
    asked = f"""from cnnspec.compare.check import check_class
from cnnspec.compare.check.process import run
run.APART = {apart}
check_class({str(tmp_path)!r} + '/layers.py:ReLU', 'relu')"""
    environment = {**os.environ, "OF_THE_TEST": mark}
    asking = subprocess.Popen([sys.executable, "-c", asked], env=environment)
    while not begun.exists():
        time.sleep(0.01)
    assert len(marked("OF_THE_TEST", mark)) >= 4
    asking.kill()
    asking.wait()
    assert none_left("OF_THE_TEST", mark)


def test_where_nothing_may_be_forked_a_process_is_started_for_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: Check
) -> None:
    monkeypatch.setattr(forks.sys, "platform", "darwin")
    assert said(check, "os.getppid()") == [str(os.getpid())]
    checked = check(
        relu(backward=f"{once(tmp_path)} or os.abort()", top="import os"), "ReLU", "relu"
    )
    found = {f.quantity: f for f in checked.findings if f.setting == checked.findings[0].setting}
    assert found["output"].ok
    assert found["grad_input"].message.startswith("the process died: SIGABRT (line 10: ")
