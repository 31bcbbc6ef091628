"""Replay: every part of two networks alone, on the same inputs, against the budget.

Each layer of both sides gets the same input, parameters and upstream gradient; then
the loss alone; then the optimizer alone, over several steps. In float64 the two sides
are held against each other: beyond the budget they are different functions. In float32
each side is held against its own float64 result: beyond the budget it loses precision
that its arithmetic does not explain. Last, each side's whole pass is held against its
own parts, so that what was judged in isolation is what trains.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends import build
from cnnspec.backends.network import Labels, Network
from cnnspec.compare.budget import (
    Exact,
    adam_budgets,
    cross_entropy_budgets,
    sgd_budgets,
    sum_budget,
)
from cnnspec.compare.measure import Ledger
from cnnspec.compare.probes import (
    LayerProbe,
    as_float32,
    batch_probe,
    gradient_probe,
    layer_probes,
    loss_probes,
)
from cnnspec.compare.verdict import Quantity
from cnnspec.data import Split
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import SGD, Training
from cnnspec.trace import Array, LayerTrace

PRECISIONS = ("float64", "float32")
OPTIMIZER_STEPS = 4


class Side:
    """One backend's networks: in both precisions, and in float64 with |weights|."""

    def __init__(self, plan: Plan, training: Training, backend: str, device: str) -> None:
        def network(precision: str) -> Network:
            changed = training.model_copy(update={"precision": precision})
            return build(plan, changed, backend, device=device)

        self.backend = backend
        self.networks = {precision: network(precision) for precision in PRECISIONS}
        self.exact = self.networks["float64"]
        self.magnitude = network("float64")
        state = self.magnitude.state()
        self.magnitude.load_state({name: np.abs(array) for name, array in state.items()})


def replay(
    plan: Plan,
    training: Training,
    backends: tuple[str, str],
    *,
    split: Split | None = None,
    devices: Mapping[str, str],
) -> tuple[Quantity, ...]:
    """Hold every part of two backends together; `split` is the user's data, if any.

    The results come in the order of the network; then the loss, then the optimizer.
    """
    first, second = (Side(plan, training, backend, devices[backend]) for backend in backends)
    with np.errstate(over="ignore", invalid="ignore"):
        return _Replay(plan, training, first, second, split).run()


class _Replay:
    def __init__(
        self, plan: Plan, training: Training, first: Side, second: Side, split: Split | None
    ) -> None:
        self.plan, self.training = plan, training
        self.first, self.second, self.sides = first, second, (first, second)
        self.ledger = Ledger()
        self.images, self.labels = batch_probe(plan, training.seed, split)
        self.traces = {side: side.exact.trace(self.images, self.labels) for side in self.sides}

    def run(self) -> tuple[Quantity, ...]:
        for at in self.plan.layers:
            probes = layer_probes(at, self.training.seed, self.traces[self.first], self.images)
            for probe in probes:
                self._layer(at, probe)
            for side in self.sides:
                self._layer_within_pass(at, side)
        self._loss()
        self._optimizer()
        return self.ledger.quantities()

    def _hold(
        self,
        layer: str,
        quantity: str,
        probe: str,
        values: Mapping[Side, Mapping[str, Array | float]],
        budgets: Mapping[str, Exact],
    ) -> None:
        """Ask both questions of one quantity; `values` has each side's, in each precision."""
        first, second = (values[side] for side in self.sides)
        self.ledger.add(
            layer,
            quantity,
            precision="float64",
            backend=f"{self.first.backend} vs {self.second.backend}",
            probe=probe,
            found=first["float64"],
            wanted=second["float64"],
            budget=2 * budgets["float64"],
        )
        for side in self.sides:
            self.ledger.add(
                layer,
                quantity,
                precision="float32",
                backend=side.backend,
                probe=probe,
                found=values[side]["float32"],
                wanted=values[side]["float64"],
                budget=budgets["float32"] + budgets["float64"],
            )

    def _layer(self, at: PlannedLayer, probe: LayerProbe) -> None:
        results = {
            side: {
                precision: _named(network.replay(at.name, probe.x, probe.grad_output))
                for precision, network in side.networks.items()
            }
            for side in self.sides
        }
        budgets = self._budgets(at, probe, results[self.first]["float64"])
        for quantity, budget in budgets.items():
            values = {
                side: {precision: parts[quantity] for precision, parts in by_precision.items()}
                for side, by_precision in results.items()
            }
            self._hold(at.name, quantity, probe.name, values, budget)

    def _budgets(
        self, at: PlannedLayer, probe: LayerProbe, values: Mapping[str, Array]
    ) -> dict[str, dict[str, Exact]]:
        """Return the budget of each quantity of a layer, in each precision."""
        lengths = at.layer.reductions(at.input, at.output, len(probe.x))
        lengths = {
            "output": lengths["output"],
            "grad_input": lengths["grad_input"],
            **{f"grad_{name}": lengths[name] for name in at.parameters},
        }
        shapes: dict[str, Shape] = {
            "output": probe.grad_output.shape,
            "grad_input": probe.x.shape,
            **{f"grad_{name}": shape for name, shape in at.parameters.items()},
        }
        magnitudes = self._magnitudes(at, probe, shapes) if any(lengths.values()) else values
        return {
            quantity: {
                precision: sum_budget(
                    k,
                    _of_shape(magnitudes[quantity], shapes[quantity]),
                    _of_shape(values[quantity], shapes[quantity]),
                    precision,
                )
                for precision in PRECISIONS
            }
            for quantity, k in lengths.items()
        }

    def _magnitudes(
        self, at: PlannedLayer, probe: LayerProbe, shapes: Mapping[str, Shape]
    ) -> dict[str, Array]:
        """Return S of each quantity: the layer run on |x|, |W| and |g|.

        The gradient of the input is taken at x itself, where a maximum sends it. Each side
        gives its own S, equal up to rounding; of two that differ, the smaller is kept, so
        that a fault never widens its own budget.
        """
        x, grad = np.abs(probe.x), np.abs(probe.grad_output)
        found = []
        for side in self.sides:
            sums = _named(side.magnitude.replay(at.name, x, grad))
            routed = side.magnitude.replay(at.name, probe.x, grad)
            found.append(sums | {"grad_input": routed.grad_input})
        slack = 1 + 1e-6  # far above the rounding of S itself, far below what a budget leaves
        return {
            name: slack * np.fmin(*(np.abs(_of_shape(side[name], shape)) for side in found))
            for name, shape in shapes.items()
        }

    def _layer_within_pass(self, at: PlannedLayer, side: Side) -> None:
        """Hold a layer's share of a side's whole pass against the same layer alone."""
        trace = self.traces[side]
        names = list(trace.layers)
        index = names.index(at.name)
        x = trace.layers[names[index - 1]].output if index else self.images
        last = index == len(names) - 1
        grad = trace.loss.grad_logits if last else trace.layers[names[index + 1]].grad_input
        alone = _named(side.exact.replay(at.name, x, grad))
        budgets = self._budgets(at, LayerProbe("whole pass", x, grad), alone)
        for quantity, value in _named(trace.layers[at.name]).items():
            self.ledger.add(
                at.name,
                quantity,
                precision="float64",
                backend=side.backend,
                probe="whole pass",
                found=value,
                wanted=alone[quantity],
                budget=2 * budgets[quantity]["float64"],
            )

    def _loss(self) -> None:
        data = self.traces[self.first]
        for name, logits in loss_probes(self.plan.classes, self.training.seed, data):
            labels: Labels = np.arange(len(logits)) % self.plan.classes
            exact = logits.astype(np.float64)
            budgets = {p: cross_entropy_budgets(exact, labels, p) for p in PRECISIONS}
            results = {
                side: {p: net.replay_loss(logits, labels) for p, net in side.networks.items()}
                for side in self.sides
            }
            losses = {s: {p: r.loss for p, r in by.items()} for s, by in results.items()}
            grads = {s: {p: r.grad_logits for p, r in by.items()} for s, by in results.items()}
            of_loss = {p: loss for p, (loss, _) in budgets.items()}
            of_grad = {p: grad for p, (_, grad) in budgets.items()}
            self._hold("loss", "loss", name, losses, of_loss)
            self._hold("loss", "grad_logits", name, grads, of_grad)

    def _optimizer(self) -> None:
        """Give both optimizers the same weights, slots and gradients, for several steps."""
        rate = self.training.optimizer.learning_rate
        weights = {name: as_float32(array) for name, array in self.first.exact.state().items()}
        slots = {
            name: as_float32(array) for name, array in self.first.exact.optimizer_state().items()
        }
        for step in range(1, OPTIMIZER_STEPS + 1):
            gradients = gradient_probe(self.plan, self.training.seed, step)
            results = {
                side: {
                    precision: _updated(network, weights, slots, gradients, rate, step)
                    for precision, network in side.networks.items()
                }
                for side in self.sides
            }
            budgets = {
                p: self._update_budgets(weights, slots, gradients, step, p) for p in PRECISIONS
            }
            for name in budgets["float64"]:
                values = {
                    s: {p: result[name] for p, result in by.items()} for s, by in results.items()
                }
                budget = {p: by_name[name] for p, by_name in budgets.items()}
                self._hold("optimizer", name, f"step {step}", values, budget)
            after = results[self.first]["float64"]
            weights = {name: as_float32(after[name]) for name in weights}
            slots = {name: as_float32(after[name]) for name in slots}

    def _update_budgets(
        self,
        weights: Mapping[str, Array],
        slots: Mapping[str, Array],
        gradients: Mapping[str, Array],
        step: int,
        precision: str,
    ) -> dict[str, Exact]:
        options = self.training.optimizer
        budgets: dict[str, Exact] = {}
        for name, array in weights.items():
            w, g = array.astype(np.float64), gradients[name].astype(np.float64)
            prefix = f"{name}."
            own = {
                slot.removeprefix(prefix): value.astype(np.float64)
                for slot, value in slots.items()
                if slot.startswith(prefix)
            }
            rate = options.learning_rate
            if isinstance(options, SGD):
                found = sgd_budgets(options, w, own, g, rate, precision)
            else:
                found = adam_budgets(options, w, own, g, rate, step, precision)
            budgets |= {f"{name}.{slot}" if slot else name: b for slot, b in found.items()}
        return budgets


def _of_shape(array: Array, shape: Shape) -> Array:
    """Return the array, or zeros where a faulty layer gave another shape: no budget at all."""
    return array if array.shape == shape else np.zeros(shape)


def _named(trace: LayerTrace) -> dict[str, Array]:
    """Return a layer's arrays by the names of their quantities."""
    gradients = {f"grad_{name}": array for name, array in trace.grad_parameters.items()}
    return {"output": trace.output, "grad_input": trace.grad_input} | gradients


def _updated(
    network: Network,
    weights: Mapping[str, Array],
    slots: Mapping[str, Array],
    gradients: Mapping[str, Array],
    rate: float,
    step: int,
) -> dict[str, Array]:
    """Return the weights and slots after one update from a given state."""
    network.load_state(weights)
    network.load_optimizer_state(slots)
    network.update(gradients, rate, step)
    return network.state() | network.optimizer_state()
