"""Only regular files of a bounded size are read."""

import os
import socket
from pathlib import Path

import pytest

from cnnspec.files import open_regular, read_regular


def test_a_regular_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_regular(file, most=5) == b"12345"
    with open_regular(str(file), most=5) as opened:
        assert opened.read() == b"12345"


def test_a_link_to_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", most=5) == b"12345"


def test_a_larger_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)
    with pytest.raises(OSError, match=r"it has 1,099,511,627,776 bytes; at most 1,000 are read"):
        read_regular(file, most=1000)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
def test_a_file_that_hides_its_size_is_refused() -> None:
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(OSError, match="it has more than 10 bytes"):
        read_regular("/proc/self/maps", most=10)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name, kind in {
            tmp_path / "pipe": "a pipe",
            tmp_path / "link": "a pipe",
            tmp_path / "socket": "a socket",
            tmp_path: "a folder",
            Path("/dev/zero"): "a device",
        }.items():
            with pytest.raises(OSError, match=f"it is {kind}, not a regular file"):
                read_regular(name, most=10)


def test_a_file_that_would_have_its_reader_wait_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    monkeypatch.setattr("cnnspec.files.open_regular", lambda *_, **__: os.fdopen(reading, "rb"))
    with pytest.raises(OSError, match="it has nothing to read now"):
        read_regular("kmsg", most=10)
    os.close(writing)
