"""Faults planted into sums of branches. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

from functools import reduce

import numpy as np

from cnnspec.backends.numpy.add import AddNumPy
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.trace import Array

ADD = LayerFamily("add")

OTHERS = "grad_input[1],grad_input[2]"
"""Gradients of all branches but the first."""


@ADD.fault("branch-forgotten", "output", "branch-left-out")
class BranchForgotten(AddNumPy):
    """The last branch is never added."""

    def forward(self, first: Array, *others: Array) -> Array:
        return super().forward(first, *others[:-1])


@ADD.fault("branch-added-twice", "output", "branch-twice")
class BranchAddedTwice(AddNumPy):
    """The first branch is added twice."""

    def forward(self, first: Array, *others: Array) -> Array:
        return super().forward(first, first, *others)


@ADD.fault("shortcut-subtracted", "output", "branch-subtracted")
class ShortcutSubtracted(AddNumPy):
    """The last branch is subtracted."""

    def forward(self, first: Array, *others: Array) -> Array:
        return super().forward(first, *others[:-1], -others[-1])


@ADD.fault("mean", "output", "scale")
class Mean(AddNumPy):
    """The mean of the branches is taken, not their sum."""

    def forward(self, first: Array, *others: Array) -> Array:
        mean: Array = super().forward(first, *others) / (1 + len(others))
        return mean


@ADD.fault("multiplied", "output", "branches-multiplied")
class Multiplied(AddNumPy):
    """The branches are multiplied, as by a gate."""

    def forward(self, first: Array, *others: Array) -> Array:
        return reduce(np.multiply, others, first)


@ADD.fault("greatest", "output", "branches-maximum")
class Greatest(AddNumPy):
    """The greatest of the branches is taken."""

    def forward(self, first: Array, *others: Array) -> Array:
        return reduce(np.maximum, others, first)


@ADD.fault("activated", "output", "rectified")
class Activated(AddNumPy):
    """The activation behind the block is applied within the sum, too."""

    def forward(self, first: Array, *others: Array) -> Array:
        return np.maximum(super().forward(first, *others), 0)


@ADD.fault("gradient-to-one-branch", OTHERS, "gradient-missing")
class GradientToOneBranch(AddNumPy):
    """The gradient goes to the first branch alone."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        first, *others = super().input_gradients(grad_output)
        return first, *map(np.zeros_like, others)


@ADD.fault("gradient-shared-out", "grad_input[0]", "scale")
class GradientSharedOut(AddNumPy):
    """The gradient is divided by the number of branches."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        grads = super().input_gradients(grad_output)
        return tuple(grad / len(grads) for grad in grads)


@ADD.fault("shortcut-gradient-subtracted", OTHERS, "scale")
class ShortcutGradientSubtracted(AddNumPy):
    """The gradient of the other branches has the wrong sign."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        first, *others = super().input_gradients(grad_output)
        return first, *map(np.negative, others)


class _Remembers(AddNumPy):
    """A sum whose gradients hang on its inputs."""

    def forward(self, first: Array, *others: Array) -> Array:
        self.received = [first.copy(), *(x.copy() for x in others)]
        return super().forward(first, *others)


@ADD.fault("gradient-of-a-product", "grad_input[0]", "branches-multiplied")
class GradientOfAProduct(_Remembers):
    """The gradient is multiplied by the other branches, as if these were factors."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        grads = super().input_gradients(grad_output)
        return tuple(
            reduce(np.multiply, self.received[:number] + self.received[number + 1 :], grad)
            for number, grad in enumerate(grads)
        )


@ADD.fault("gradient-masked", "grad_input[0]", "rectified")
class GradientMasked(_Remembers):
    """The gradient passes only where the sum is above 0: the mask of the relu behind it."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        passes = reduce(np.add, self.received) > 0
        return tuple(grad * passes for grad in super().input_gradients(grad_output))
