"""The process that forks: it ends without a word, and leaves nothing, where the caller has gone."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnspec.compare.check.process.forks import NUMBER

SERVER = (
    "import sys\nfrom cnnspec.compare.check.process.fork_server import main\nmain(sys.argv[1])\n"
)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ends while it is looked at
        return False


@pytest.mark.parametrize("sent", ["nothing", "half an order", "an order"])
def test_a_caller_that_goes_leaves_no_traceback(tmp_path: Path, sent: str) -> None:
    ours, theirs = socket.socketpair()
    environment = dict(os.environ)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        theirs.close()
        order = {"folder": str(tmp_path), "cwd": str(tmp_path), "environment": environment}
        data = json.dumps(order).encode()
        if sent != "nothing":
            with Path(os.devnull).open("w") as output:
                socket.send_fds(ours, [NUMBER.pack(len(data))], [output.fileno()])
            ours.sendall(data if sent == "an order" else data[: len(data) // 2])
        ours.close()
        _, err = server.communicate(timeout=60)
    assert (server.returncode, err) == (0, "")


def test_a_process_whose_caller_has_gone_is_killed(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(theirs.fileno())], pass_fds=[theirs.fileno()]
    ) as server:
        theirs.close()
        order = {"folder": str(tmp_path), "cwd": str(tmp_path), "environment": dict(os.environ)}
        data = json.dumps(order).encode()
        with Path(os.devnull).open("w") as output:
            socket.send_fds(ours, [NUMBER.pack(len(data))], [output.fileno()])
        ours.sendall(data)
        (pid,) = NUMBER.unpack(ours.recv(NUMBER.size))
        ours.close()
        server.wait(timeout=60)
    end = time.monotonic() + 10
    while runs(pid):
        assert time.monotonic() < end, "it still runs"
        time.sleep(0.01)
