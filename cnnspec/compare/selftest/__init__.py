"""The referee, tested: faults planted into the NumPy engine, and specs without any."""
