"""Lanes: a batch is shared out to threads, and goes through in pieces that memory can hold.

Each lane has layers of its own, whose arrays only it writes, over parameters that all share. The
gradients of all pieces are added up in the order of the images: a number of threads gives the
same bits in every run, and another number other last bits, as it adds in other groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.line import Gradients, Line
from cnnspec.backends.network import Batch, Labels, LayerTimes
from cnnspec.backends.numpy.columns import Memory, WritesColumns
from cnnspec.backends.numpy.coupled import CoupledLayer
from cnnspec.backends.numpy.threads import Meeting, side_by_side
from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer, Loss, Stopwatch
from cnnspec.environment import MOST_THREADS
from cnnspec.noise import Masks
from cnnspec.plan import Plan
from cnnspec.trace import Array

WORK = 10_000_000
"""Multiply-accumulates of a forward pass that are worth a thread: about a millisecond's."""

PIECE = 1 << 25
"""Bytes of outputs, over all layers, up to which a lane takes images at a time."""


class Learnt(NamedTuple):
    """What a pass found out about a batch, or a share of it."""

    loss: float
    """Mean over the batch, or the share's part of it."""
    gradients: Gradients
    """Of the mean loss, by parameter; the arrays are the lanes' own, until the next pass."""


class Lane:
    """Layers of one thread."""

    def __init__(
        self,
        plan: Plan,
        layers: Mapping[str, Layer],
        loss: Loss,
        dtype: np.dtype,
        line: type[Line] = Line,
    ) -> None:
        self._plan, self._layers, self._line = plan, layers, line(plan, layers)
        self._loss, self._workspace, self._masks = loss, Workspace(dtype), Workspace(bool)
        self._coupled = [layer for layer in layers.values() if isinstance(layer, CoupledLayer)]
        memory = Memory(dtype)
        for layer in layers.values():
            if isinstance(layer, WritesColumns):
                layer.write_columns_to(memory)

    def predict(self, images: Array, logits: Array, most: int) -> None:
        """Write the logits of images, of at most so many at a time."""
        for piece in _pieces(len(images), most):
            logits[piece] = batch_first(self._line.predict(self._enter(images[piece])))

    def learn(
        self, images: Array, labels: Labels, masks: Masks, logits: Array, *, batch: int, most: int
    ) -> Learnt:
        """Run forward and back over a share of a batch, of at most so many images at a time."""
        loss, gradients = 0.0, Gradients()
        for piece in _pieces(len(images), most):
            drawn = {name: self._enter_mask(name, mask[piece]) for name, mask in masks.items()}
            x = self._line.forward(self._enter(images[piece]), masks=drawn)
            logits[piece] = batch_first(x)
            mean, grad = self._loss(x, labels[piece])
            weight = x.shape[-1] / batch
            loss += mean * weight
            found = self._line.backward(grad * weight)
            if len(images) <= most:
                gradients = found
            else:  # the layers write over theirs in the next piece
                _add(found, to=gradients)
        return Learnt(loss, gradients)

    def _enter(self, images: Array) -> Array:
        """Copy images (n, c, h, w) to the lane's own memory, (c, h, w, n)."""
        x = self._workspace.array("images", (*images.shape[1:], len(images)))
        x[...] = batch_last(images)
        return x

    def _enter_mask(self, name: str, mask: NDArray[np.bool]) -> NDArray[Any]:
        """Copy the mask of a layer, too."""
        own = self._masks.array(name, (*mask.shape[1:], len(mask)))
        own[...] = batch_last(mask)
        return own

    @contextmanager
    def watched(self) -> Iterator[dict[str, Stopwatch]]:
        """Put a stopwatch around each layer, while the context lasts."""
        line, watches = self._line, {n: Stopwatch(layer) for n, layer in self._layers.items()}
        self._line = type(line)(self._plan, watches)
        try:
            yield watches
        finally:
            self._line = line

    def join(self, meeting: Meeting | None, index: int) -> None:
        """Let layers add up their sums over the images with those of the other lanes."""
        for layer in self._coupled:
            layer.join(meeting, index)


class Lanes:
    """The lanes of a network: the first one has its own layers, others are made when needed."""

    def __init__(self, plan: Plan, lane: Callable[[int], Lane], dtype: np.dtype) -> None:
        """`lane` makes a lane, by its index, over the parameters of the network."""
        self._make, self._lanes = lane, [lane(0)]
        self._macs, self._output, self._dtype = plan.macs, plan.layers[-1].output, dtype
        image = sum(math.prod(at.output) for at in plan.layers) * dtype.itemsize
        self._most = max(1, PIECE // image)
        self._coupled = any(at.layer.couples_images for at in plan.layers)

    def predict(self, images: Array, threads: int) -> Array:
        """Return the logits (n, classes), in evaluation mode."""
        logits = np.empty((len(images), *self._output), self._dtype)
        team = self._shared_out(len(images), threads)
        if len(team) == 1:  # of one image, whatever is left out here counts
            self._lanes[0].predict(images, logits, self._most)
        else:
            side_by_side(
                [
                    partial(lane.predict, images[share], logits[share], self._most)
                    for lane, share in team
                ]
            )
        return logits

    def learn(self, batch: Batch, masks: Masks, threads: int) -> tuple[Learnt, Array]:
        """Run forward and back, in training mode; return the logits (n, classes), too.

        `masks` has what layers draw for these images.
        """
        images, labels, count = batch.images, batch.targets, len(batch.images)
        logits = np.empty((count, *self._output), self._dtype)
        team = self._shared_out(count, threads)
        meeting = Meeting(len(team)) if self._coupled and len(team) > 1 else None
        most = count if self._coupled else self._most  # no layer may see a piece alone

        def learn(index: int) -> Learnt:
            lane, share = team[index]
            lane.join(meeting, index)
            try:
                own = {name: mask[share] for name, mask in masks.items()}
                given = images[share], labels[share], own, logits[share]
                return lane.learn(*given, batch=count, most=most)
            except BaseException:
                if meeting:
                    meeting.leave()
                raise
            finally:
                lane.join(None, 0)

        first, *others = side_by_side(
            [partial(learn, index) for index in range(len(team))],
            on_error=meeting.leave if meeting else lambda: None,
        )
        for other in others:
            _add(other.gradients, to=first.gradients)
        loss = sum((other.loss for other in others), first.loss)
        return Learnt(loss, first.gradients), logits

    def layer_times(self, batch: Batch, masks: Masks, threads: int) -> dict[str, LayerTimes]:
        """Do as `learn`, and return the times of the first lane's layers."""
        with self._lanes[0].watched() as watches:
            self.learn(batch, masks, threads)
        return {name: watch.times for name, watch in watches.items()}

    def _shared_out(self, batch: int, threads: int) -> list[tuple[Lane, slice]]:
        """Return as many lanes as pay, with the images of each."""
        count = max(1, min(threads, MOST_THREADS, batch, batch * self._macs // WORK))
        if count == 1:
            return [(self._lanes[0], slice(0, batch))]
        while len(self._lanes) < count:
            self._lanes.append(self._make(len(self._lanes)))
        return list(zip(self._lanes, _cut(batch, count)))


def batch_last(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view with the first axis, the batch, last."""
    return array.transpose(*range(1, array.ndim), 0)


def batch_first(array: Array) -> Array:
    """Return a view with the last axis, the batch, first."""
    return array.transpose(-1, *range(array.ndim - 1))


def _pieces(images: int, most: int) -> Iterator[slice]:
    """Cut images into pieces of at most so many: of one size, if there is one of half that."""
    if images <= most:
        return iter([slice(0, images)])
    least = -(-images // most)
    count = next((n for n in range(least, 2 * least + 1) if images % n == 0), least)
    return _cut(images, count)


def _cut(images: int, count: int) -> Iterator[slice]:
    """Cut images into so many parts, of nearly one size."""
    ends = (images * index // count for index in range(count + 1))
    return (slice(*pair) for pair in pairwise(ends))


def _add(part: Gradients, *, to: Gradients) -> None:
    for name, gradient in part.items():
        if name in to:
            to[name] += gradient
        else:
            to[name] = gradient.copy()
