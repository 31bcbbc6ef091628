"""What all tests share."""

import gc
import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest

# Two thread pools on few processors: torch's must not wait for work by spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The products are small: on a busy machine BLAS threads that wait for each other cost twenty
# times what they bring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what runs on torch by one of its parameters; other tests that need it say so.

    Without torch, `-m "not slow and not torch"` runs all that can run, and a test that needs it
    and is not marked fails.
    """
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is not None and any(map(_names_torch, callspec.params.values())):
            item.add_marker("torch")


def _names_torch(value: object) -> bool:
    """Tell whether a parameter is the backend torch, with settings, as a side or among others."""
    value = getattr(value, "backend", value)
    if isinstance(value, str):
        return value.partition("@")[0] == "torch"
    return isinstance(value, tuple | list) and any(map(_names_torch, value))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected: there is little. A third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Leave ten thousand tests out of what Python searches for garbage: 7 % of the time."""
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch behind `make golden`."""
    parser.addoption(
        "--golden", action="store_true", help="Write what is expected anew; read the difference."
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Path], None]:
    """Compare a text with that of a file; with `--golden`, write the file."""

    def compare(found: str, path: Path) -> None:
        if request.config.getoption("--golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(found, encoding="utf-8", newline="\n")
        assert found == path.read_bytes().decode()

    return compare
