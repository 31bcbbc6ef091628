"""One pass of a layer, and all that came of it written down."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from cnnspec.backends.plain import PlainLayer
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.trace import Array

# somebody's code may put other functions there
_numpy_state, _python_state = np.random.get_state, random.getstate


def run_pass(
    reporter: Reporter,
    key: str,
    layer: PlainLayer,
    given: dict[str, Array],
    forward_only: bool,
) -> bool:
    """Run forward and backward, and write all that came of it and what became of the inputs.

    Returns whether both came to their ends.
    """
    x, grad = given["x"].astype(np.float64), given["grad_output"].astype(np.float64)
    chance = random_state()
    output = reporter.attempt(key, "forward", lambda: layer.forward(x))
    if output is None:
        return False
    buffers = {name: array for name, array in layer.buffers.items() if layer.holds(name)}
    given_out = np.array(output)
    reporter.arrays(key, "forward", {"output": given_out, "after_x": x} | buffers)
    if forward_only:
        return True
    reporter.say(key=key, forward_draws=random_state() != chance)
    before = layer.held_gradients()
    back = reporter.attempt(key, "backward", lambda: layer.gradients(grad))
    if is_overwritten(output, given_out):
        note = "its backward pass overwrites the output that forward gave"
        reporter.say(key=key.rpartition("-")[0], stage="notes", note=note)
    found: dict[str, Any] = back or {}
    if back is None:  # those that were set before it raised
        found = {
            f"grad_{name}": array
            for name, array in layer.held_gradients().items()
            if name not in before or not np.array_equal(array, before[name])
        }
    if layer.updated:  # by a rate that it takes: a style, and no fault
        found |= {f"updated_{name}": array for name, array in layer.updated.items()}
        reporter.say(key=key, updated_too_soon=layer.updated_too_soon)
    else:
        found |= {f"after_{name}": array for name, array in layer.parameters.items()}
    reporter.arrays(key, "backward", found | {"after_x": x, "after_grad_output": grad})
    return back is not None


def is_overwritten(given: Any, before: Array) -> bool:
    """Tell whether numbers that were given out are others now."""
    return before.dtype.kind in "fiub" and not np.array_equal(before, given, equal_nan=True)


def random_state() -> tuple[Any, ...]:
    """Return where the generators stand that all code draws from."""
    return _python_state(), str(_numpy_state(legacy=False))


def put(layer: PlainLayer, weights: dict[str, Array]) -> None:
    """Give a layer its weights."""
    for name, array in (layer.parameters | layer.buffers).items():
        array[...] = weights[name]
