from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def pair(forward: Any, backward: Any, *given: Any) -> Bound:
    """Two functions, and what the second takes of the first."""
    kept: list[Any] = []

    def run(x: Array) -> Any:
        y, cache = forward(x, *given)
        kept[:] = [cache]
        return y

    def back(d: Array) -> Arrays:
        found = backward(d, kept[0])
        grads = found if isinstance(found, tuple) else (found,)
        return dict(zip(("grad_input", "grad_weight", "grad_bias"), grads))

    return Bound(run, back)


def affine_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = pair(m.affine_forward, m.affine_backward, p["weight"].T.copy(), p["bias"].copy())

    def back(d: Array) -> Arrays:
        grads = layer.backward(d)
        return {**grads, "grad_weight": grads["grad_weight"].T}

    return Bound(layer.forward, back)


def relu_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return pair(m.relu_forward, m.relu_backward)


def conv_of(forward: Any, backward: Any, o: Options, p: dict[str, Array]) -> Bound:
    given = {"stride": o.stride, "pad": o.padding}
    return pair(forward, backward, p["weight"].copy(), p["bias"].copy(), given)


def conv_forward_naive(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return conv_of(m.conv_forward_naive, m.conv_backward_naive, o, p)


def pool_of(forward: Any, backward: Any, o: Options) -> Bound:
    only(o, padding=0, average=False)
    height, width = o.kernel
    given = {"pool_height": height, "pool_width": width, "stride": o.stride}
    return pair(forward, backward, given)


def max_pool_forward_naive(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return pool_of(m.max_pool_forward_naive, m.max_pool_backward_naive, o)


def softmax_loss(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    run: Loss = m.softmax_loss
    return run
