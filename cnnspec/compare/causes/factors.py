"""Factors that may come in by mistake: sizes of the problem, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

BATCH = "batch_size"

Sizes = Mapping[str, int]
"""The sizes of a problem, by name."""


class Factor(NamedTuple):
    """A factor on the sizes of one problem."""

    value: float
    advice: str = ""
    """What may have been done; empty where the name says all."""


Factors = dict[str, Factor]
"""By their names, such as `1/batch_size`; simple ones first."""

CONSTANTS = {
    "2": Factor(2.0, "it may be counted twice"),
    "1/2": Factor(0.5, "it may be halved"),
    "-1": Factor(-1.0, "the sign is turned round"),
}

ADVICE = {
    f"1/{BATCH}": "it may be divided by the batch size twice",
    f"1/{BATCH}^2": "it may be divided by the batch size three times",
    BATCH: "it may be multiplied by the batch size",
    "1/positions": "it may be a mean over the positions of the output; the sum is wanted",
    f"1/({BATCH} * positions)": "it may be a mean over batch and positions; the sum is wanted",
    "1/kernel_area": "it may be divided by the number of cells in the kernel",
    "1/branches": "it may be divided by the number of branches",
    "kernel_area": "it may lack the division by the number of cells in the kernel",
}

WORDS = {
    BATCH: "the batch size",
    "positions": "the number of positions",
    "kernel_area": "the number of cells in the kernel",
}
"""What sizes are called; others by their names."""


def of_one_mistake(sizes: Sizes) -> Factors:
    """Return a size, a product of the batch size with one, and one over it, of both signs."""
    batch = sizes[BATCH]
    products = {name: float(size) for name, size in sizes.items()}
    products[f"{BATCH}^2"] = float(batch**2)
    products |= {
        f"{BATCH} * {name}": float(batch * size) for name, size in sizes.items() if name != BATCH
    }
    factors = dict(CONSTANTS)
    for name, size in products.items():
        over = f"1/({name})" if " " in name else f"1/{name}"
        factors[name] = Factor(size, ADVICE.get(name, ""))
        factors[over] = Factor(1 / size, ADVICE.get(over, ""))
    return factors | _turned_round(factors)


def of_two_mistakes(sizes: Sizes) -> Factors:
    """Return twice or half a size or one over it, and a size over the batch size.

    Other quotients of two sizes are the same for all batches: too many are alike.
    """
    factors = {"-2": _both(2.0, "counted twice"), "-1/2": _both(0.5, "halved")}
    factors = {name: _negative(factor) for name, factor in factors.items()}
    found = dict(_twice_or_half(sizes))
    for name, size in sizes.items():
        if name != BATCH:
            found[f"{name}/{BATCH}"] = _both(size / sizes[BATCH], _times(name), _over(BATCH))
            found[f"{BATCH}/{name}"] = _both(sizes[BATCH] / size, _times(BATCH), _over(name))
    return factors | found | _turned_round(found)


def _twice_or_half(sizes: Sizes) -> Iterator[tuple[str, Factor]]:
    for name, size in sizes.items():
        yield f"2/{name}", _both(2 / size, "counted twice", _over(name))
        yield f"2 * {name}", _both(2.0 * size, "counted twice", _times(name))
        yield f"{name}/2", _both(size / 2, "halved", _times(name))
        yield f"1/(2 * {name})", _both(0.5 / size, "halved", _over(name))


def _both(value: float, *done: str) -> Factor:
    return Factor(value, f"it may be {', and '.join(done)}")


def _times(name: str) -> str:
    return f"multiplied by {WORDS.get(name, name)}"


def _over(name: str) -> str:
    return f"divided by {WORDS.get(name, name)}"


def _turned_round(factors: Factors) -> Factors:
    return {
        f"-{name}": _negative(factor) for name, factor in factors.items() if name not in CONSTANTS
    }


def _negative(factor: Factor) -> Factor:
    advice = f"{factor.advice}; and the sign is turned round" if factor.advice else ""
    return Factor(-factor.value, advice or CONSTANTS["-1"].advice)


def shared(problems: Sequence[Sizes]) -> Set[str]:
    """Name the sizes that every problem has, and that are no mere 1 for all of them."""
    return {name for name in problems[0] if all(name in sizes for sizes in problems)} & {
        BATCH,
        *(name for sizes in problems for name, size in sizes.items() if size > 1),
    }
