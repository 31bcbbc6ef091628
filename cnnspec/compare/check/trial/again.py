"""The same pass again, with others in between: of the same object, and of another one."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.plain import PlainLayer
from cnnspec.compare.check.trial.making import Making
from cnnspec.compare.check.trial.passes import put, run_pass
from cnnspec.trace import Array


def try_again(making: Making, passed: dict[str, bool]) -> None:
    """Run a pass twice, with others in between; `passed` tells of each probe whether it did well.

    It is the last one that did, and also the first that this instance sees: if it is right only
    here, something is kept between calls.
    """
    key = making.setting["key"]
    repeated = next((probe for probe in reversed(passed) if passed[probe]), next(iter(passed)))
    again = making.made(f"{key}-again")
    if again is None:
        return
    making.reporter.say(key=key, repeated=repeated)
    for time in ("first", "second"):
        if time == "second":
            _pass_between(making, again, repeated)
        put(again, making.weights)
        run_pass(making.reporter, f"{key}-{time}", again, making.given(repeated), False)


def _pass_between(making: Making, layer: PlainLayer, probe: str) -> None:
    """Run passes of other numbers, and of images of another size."""
    key, given = f"{making.setting['key']}-between", making.given(probe)
    x, grad = -given["x"][::-1].astype(np.float64), given["grad_output"][::-1] * 2.0
    put(layer, making.weights)
    if _forward_twice(making, layer, x, key):
        making.reporter.attempt(key, "backward", lambda: layer.gradients(grad))
    if making.setting["other_size"] is None:
        return
    shape, output = making.setting["other_size"]
    other = np.linspace(-1, 1, 2 * int(np.prod(shape))).reshape(2, *shape)
    key = f"{key}-other-size"  # a class may be made for one size: it may raise
    if making.reporter.attempt(key, "forward", lambda: layer.forward(other)) is not None:
        ones = np.ones((2, *output))
        making.reporter.attempt(key, "backward", lambda: layer.gradients(ones))


def _forward_twice(making: Making, layer: PlainLayer, x: Array, key: str) -> bool:
    """Tell whether two passes raise nothing; note whether one overwrites what the other gave."""
    earlier = making.reporter.attempt(key, "forward", lambda: layer.forward(x))
    if earlier is None:
        return False
    before, other = np.array(earlier), -x[::-1]
    if making.reporter.attempt(key, "forward", lambda: layer.forward(other)) is None:
        return False
    numeric = before.dtype.kind in "fiub"
    if numeric and not np.array_equal(before, earlier, equal_nan=True):
        said = "a later pass overwrites the output that it gave before"
        making.reporter.say(key=making.setting["key"], stage="notes", note=said)
    return True


def try_two(making: Making) -> None:
    """Run a pass of one object while another one is between its two passes."""
    key, reporter = making.setting["key"], making.reporter
    first, *_, last = making.setting["probes"]
    one, other = making.made(f"{key}-one"), making.made(f"{key}-other")
    if one is None or other is None:
        return
    at, own = f"{key}-two", making.given(first)
    x, grad = own["x"].astype(np.float64), own["grad_output"].astype(np.float64)
    put(one, making.weights)
    output = reporter.attempt(at, "forward", lambda: one.forward(x))
    if output is None:
        return
    found = {"output": np.array(output)}
    put(other, {name: array / 2 for name, array in making.weights.items()})
    of_other = making.given(last)["x"].astype(np.float64)
    if reporter.attempt(f"{at}-other", "forward", lambda: other.forward(of_other)) is None:
        return
    reporter.arrays(at, "forward", found | one.held_buffers())
    gradients = reporter.attempt(at, "backward", lambda: one.gradients(grad))
    if gradients is not None:
        reporter.arrays(at, "backward", gradients)
