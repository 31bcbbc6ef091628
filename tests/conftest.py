"""What all tests share."""

import os

import pytest

# Two thread pools on few processors: torch's must not wait for work by spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The products are small: on a busy machine BLAS threads that wait for each other cost twenty
# times what they bring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch behind `make golden`."""
    parser.addoption(
        "--golden", action="store_true", help="Write what is expected anew; read the difference."
    )
