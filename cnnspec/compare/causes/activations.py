"""An activation within a layer that has none, in its output and in what it sends back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.verdict.quantities import has_batch
from cnnspec.spec.layers import KINDS, Layer

Observed = Observation[LayerSituation]


def activations(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose that an activation follows the layer, within it.

    A backward pass that knows of it sends the gradient back through it first.
    """
    quantity = observations[0].quantity
    back = quantity.startswith("grad_")
    if not back and not has_batch(quantity):
        return
    for word, layer in KINDS.items():
        if layer.family != "activation":
            continue
        said = (
            f"the upstream gradient is sent back through {word} first"
            if back
            else f"the output is {word}(y), y being what is wanted"
        )
        sentence = f"{said}: an activation is built into the layer; it is a layer of its own"
        change = partial(_back if back else _ahead, activation=layer())
        yield Fault("activation-built-in", (), sentence, change)


def _ahead(observed: Observed, activation: Layer) -> Prediction | None:
    """Apply the activation to what is right."""
    if observed.found.shape != observed.wanted.shape:
        return None
    after = _after(observed.situation, activation, observed.wanted)
    return LAYERS[activation.keyword].gives(after, "output", {"x": observed.budget})


def _back(observed: Observed, activation: Layer) -> Prediction | None:
    """Give the layer the gradient that an activation behind it sends back."""
    kind, situation = LAYERS[observed.situation.at.kind], observed.situation
    output = kind.gives(situation, "output")
    if output is None:
        return None
    after = _after(situation, activation, output.value)
    sent = LAYERS[activation.keyword].gives(after, "grad_input", {"x": output.budget})
    if sent is None:
        return None
    found = kind.gives(replace(situation, grad_output=sent.value), observed.quantity)
    # A layer is linear in the upstream gradient: its error comes through by magnitudes.
    off = replace(situation.magnitudes(), grad_output=sent.budget)
    carried = kind.gives(off, observed.quantity)
    if found is None or carried is None:
        return None
    return Prediction(found.value, found.budget + np.abs(carried.value))


def _after(situation: LayerSituation, activation: Layer, y: np.ndarray) -> LayerSituation:
    """Return what the activation is given."""
    shape = situation.at.output
    at = replace(situation.at, layer=activation, input_shapes=(shape,), parameters={}, buffers={})
    return LayerSituation(at, situation.probe, (y,), situation.grad_output, {}, {})
