"""Layers over a file's own tensors: arrays that remember what they were made of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from cnnspec.backends.plain.methods import positional
from cnnspec.trace import Array


def as_tensor(run: Callable[..., Any], x: Array) -> Any:
    """Return an array as the tensor that the file of a function has a class for; None: it has none.

    Such a class has `data` and `grad`, and `backward` takes the upstream gradient.
    """
    for cls in getattr(getattr(run, "__func__", run), "__globals__", {}).values():
        if not isinstance(cls, type) or not hasattr(cls, "backward") or hasattr(cls, "forward"):
            continue
        with suppress(Exception):  # it is another thing
            tensor: Any = cls(x)
            is_one = isinstance(tensor.data, np.ndarray) and tensor.data.shape == x.shape
            if is_one and hasattr(tensor, "grad") and positional(tensor.backward):
                return tensor
    return None


def way_back(instance: Any, x: Any, y: Any) -> Callable[[Array], Any]:
    """Return the backward pass from one tensor to another; gradients of weights start at 0."""

    def backward(upstream: Array) -> Any:
        for each in vars(instance).values():
            if isinstance(each, type(x)):
                each.grad = np.zeros_like(each.data)
        y.backward(upstream)
        return x.grad

    return backward
