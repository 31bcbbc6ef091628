"""What the referee knows of every join, which only moves and adds what branches give."""

from __future__ import annotations

from cnnspec.compare.kinds.layer import Arrays, LayerKind
from cnnspec.compare.kinds.weights import Errors, Weights
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer


class JoinKind(LayerKind):
    """A kind of join: its output is linear in each of its inputs, with slopes of 0 and 1."""

    def sizes(self, at: PlannedLayer) -> dict[str, int]:
        return {"branches": len(at.inputs)} | super().sizes(at)

    def joined(self, inputs: Arrays) -> Exact:
        """Return what comes of inputs."""
        raise NotImplementedError

    def parted(self, at: PlannedLayer, grad_output: Exact) -> Arrays:
        """Return what goes back to each input."""
        raise NotImplementedError

    def roundings(self, at: PlannedLayer, images: int) -> dict[str, int]:
        return {"output": 0, "grad_input": 0}

    def errors_ahead(
        self, at: PlannedLayer, weights: Weights, inputs: Arrays, errors: Arrays, *, training: bool
    ) -> Exact:
        size = self.joined([abs(x) + e for x, e in zip(inputs, errors)])
        return self.joined(errors) + weights.own(self.roundings(at, len(size))["output"], size)

    def errors_back(
        self, at: PlannedLayer, weights: Weights, inputs: Arrays, errors: Arrays, g: Exact, d: Exact
    ) -> tuple[Arrays, Errors]:
        return self.parted(at, d), {}


def branch_of(quantity: str) -> int:
    """Return the number of the branch whose gradient a quantity is: `grad_input[1]`."""
    return int(quantity.partition("[")[2].removesuffix("]") or 0)
