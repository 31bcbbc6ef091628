"""What all tests share."""

import os

# Two thread pools on few processors: torch's must not wait for work by spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
