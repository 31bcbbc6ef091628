"""The referee, tested: faults planted into the NumPy engine, and specs without any."""

from cnnspec.compare.selftest.catalogue import FAULTS
from cnnspec.compare.selftest.faults import Fault
from cnnspec.compare.selftest.selftest import SelfTest, Trial, run_selftest

__all__ = ["FAULTS", "Fault", "SelfTest", "Trial", "run_selftest"]
