"""What a process tells: whole, in order, and of nobody else; anything else is told as that."""

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cnnspec.compare.check.process import frames
from cnnspec.compare.check.process.frames import Receiver, Sender

KEY = b"a secret key"
SEQUENCED = hasattr(socket, "SOCK_SEQPACKET") and socket.SOCK_SEQPACKET
ARRAYS: dict[str, Any] = {
    "some": np.arange(6.0).reshape(2, 3),
    "none": np.zeros((0, 4), np.float32),
    "one": np.array(True),
    "many": np.arange(100_000),
}


@pytest.fixture(params=[kind for kind in (SEQUENCED, socket.SOCK_STREAM) if kind])
def line(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, request.param)
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**21)
    with ours, theirs:
        yield ours, theirs


def alarms(receiver: Receiver) -> list[str]:
    return [said["alarm"] for said, _ in receiver.receive(100) if "alarm" in said]


def test_lines_come_with_their_arrays(line: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = line
    sender, receiver = Sender(theirs.fileno(), KEY), Receiver(ours, KEY)
    said = {"key": "s0", "text": 'a "word" \ud800 \n é', "n": [1, -2.5, None, True]}
    sender.line(said)
    sender.line({"key": "s1"}, ARRAYS)
    (first, none), (second, arrays) = receiver.receive(100)
    assert (first, none, second["key"]) == (said, {}, "s1")
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array, strict=True)
    assert not list(receiver.receive(100))


WRITTEN = {
    "something else": b"x" * 100,
    "something short": b"x",
    "a frame by another key": None,
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_somebody_else_writes_is_told(what: str) -> None:
    ours, theirs = frames.pair()
    with ours, theirs:
        sender, receiver = Sender(theirs.fileno(), KEY), Receiver(ours, KEY)
        sender.line({"key": "before"})
        if (written := WRITTEN[what]) is None:
            Sender(theirs.fileno(), b"another").line({"key": "forged"})
        else:
            os.write(theirs.fileno(), written)
        sender.line({"key": "after"})
        said = [line for line, _ in receiver.receive(100)]
    assert said == [{"key": "before"}, {"alarm": frames.TAMPERED}, {"key": "after"}]


def test_what_is_told_twice_or_left_out_is_told() -> None:
    ours, theirs = frames.pair()
    with ours, theirs:
        Sender(theirs.fileno(), KEY).line({"key": "first"})
        Sender(theirs.fileno(), KEY).line({"key": "first again"})
        assert alarms(Receiver(ours, KEY)) == [frames.TAMPERED]


@pytest.mark.parametrize(
    "said",
    [
        [3],
        {"key": 3},
        {"key": "s0", "error": []},
        {"key": "s0", "arrays": [["output", "O", [1]]], "bytes": 8},
        {"key": "s0", "arrays": [["output", "<f8", [2]]], "bytes": 8},
        {"key": "s0", "arrays": 3, "bytes": 8},
        {"key": "s0", "arrays": [["output", "<f8", [10**30]]], "bytes": 8},
    ],
)
def test_what_is_signed_and_no_line_of_ours_is_told(said: Any) -> None:
    ours, theirs = frames.pair()
    with ours, theirs:
        sender, receiver = Sender(theirs.fileno(), KEY), Receiver(ours, KEY)
        sender._send(frames.LINE, json.dumps(said).encode())
        sender._send(frames.DATA, b"x" * 8)
        assert frames.TAMPERED in alarms(receiver)


def test_long_words_are_cut() -> None:
    ours, theirs = frames.pair()
    with ours, theirs:
        Sender(theirs.fileno(), KEY).line({"key": "s0", "error": "x" * 10**6})
        ((said, _),) = Receiver(ours, KEY).receive(100)
    assert said["error"] == "x" * frames.LONGEST


def test_more_than_anything_right_gives_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_IN_ALL", 1000)
    ours, theirs = frames.pair()
    with ours, theirs:
        sender, receiver = Sender(theirs.fileno(), KEY), Receiver(ours, KEY)
        for _ in range(20):
            sender.line({"key": "x" * 100})
        assert 0 < len(list(receiver.receive(100))) < 10
        assert receiver.too_much
        assert not list(receiver.receive(100))
