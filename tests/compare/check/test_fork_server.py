"""The process that forks: it ends without a word, and leaves nothing, where the caller has gone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.compare.check.process.forks import ORDER
from cnnspec.compare.check.process.order import NUMBER, Order

SERVER = (
    "import sys\nfrom cnnspec.compare.check.process.fork_server import main\nmain(sys.argv[1])\n"
)


def order(folder: Path) -> bytes:
    request = {"file": str(folder / "none.py"), "name": "ReLU", "kind": "relu", "settings": []}
    return Order(request, {}, b"key", str(folder), dict(os.environ), 60.0).packed()


@pytest.mark.parametrize("sent", ["nothing", "half an order", "an order"])
def test_a_caller_that_goes_leaves_no_traceback(tmp_path: Path, sent: str) -> None:
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        theirs.close()
        data = order(tmp_path)
        if sent != "nothing":
            with Path(os.devnull).open("w") as output:
                socket.send_fds(ours, [ORDER], [output.fileno()] * 3)
            data = NUMBER.pack(len(data)) + data
            ours.sendall(data if sent == "an order" else data[: len(data) // 2])
        ours.close()
        _, err = server.communicate(timeout=60)
    assert (server.returncode, err) == (0, "")
