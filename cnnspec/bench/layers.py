"""The times of each layer, of the backends that can tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from cnnspec.backends.network import Batch, LayerTimes, Network, Timed
from cnnspec.bench.cost import layer_costs
from cnnspec.bench.machine import Machine
from cnnspec.bench.measure import Spread, alternate
from cnnspec.bench.records import LayerRow
from cnnspec.bench.worthless import Load, reasons
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

NOT_BY_LAYER = "the network has no `layer_times`"

Passes = dict[str, list[dict[str, LayerTimes]]]
"""By backend, and by layer."""


def time_layers(
    networks: Mapping[str, Network],
    batch: Batch,
    seconds: float,
    before_block: Callable[[], object],
) -> Passes:
    """Time the layers of the backends that can tell, by turns, in steps on one batch."""
    passes: Passes = {}

    def timer(name: str, network: Timed) -> Callable[[], object]:
        passes[name] = []
        return lambda: passes[name].append(network.layer_times(batch))

    timers = {
        name: timer(name, cast("Timed", network))
        for name, network in networks.items()
        if hasattr(network, "layer_times")  # isinstance does not look behind a guard's __getattr__
    }
    alternate(timers, seconds, before_block=before_block)
    return passes


def layer_rows(
    plan: Plan, training: Training, machine: Machine, load: Load, passes: Passes, batch: int
) -> list[LayerRow]:
    """Return what was timed, layer by layer, beside what it costs at least."""
    costs, rows = layer_costs(plan, batch, training), []
    for name, passed in passes.items():
        for at in plan.layers:
            own, cost = [times[at.name] for times in passed], costs[at.name]
            forward = Spread.of([times.forward for times in own])
            backward = Spread.of([times.backward for times in own])
            both = forward.median + backward.median
            parts = [cost.forward, cost.backward]
            of_roofline = machine.bound(parts) / both
            rows.append(
                LayerRow(
                    at.name,
                    at.kind,
                    name,
                    forward,
                    backward,
                    gflops=sum(part.flops for part in parts) / both / 1e9,
                    of_roofline=of_roofline,
                    worthless=reasons(of_roofline, (forward, backward), load),
                )
            )
    return rows
