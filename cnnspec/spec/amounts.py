"""Large numbers, written as people speak of them."""

from __future__ import annotations

import math


def in_words(count: int) -> str:
    """Write a large count as it is spoken: `1.2 trillion`."""
    if count >= 10**18:
        return f"about 10^{_digits(count) - 1}"
    for size, word in ((10**15, "quadrillion"), (10**12, "trillion"), (10**9, "billion")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return f"{count:,}"


def in_bytes(count: int) -> str:
    """Write a number of bytes in the unit that suits it: `4 TB`."""
    if count >= 10**18:
        return f"about 10^{_digits(count) - 13} TB"
    for size, unit in ((10**15, "PB"), (10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:,} bytes"


def _digits(count: int) -> int:
    """Count digits, even of a number that Python would refuse to write out."""
    return int(math.log10(count)) + 1
