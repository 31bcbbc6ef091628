"""The planted faults themselves: that each is one, and that planting leaves no trace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cnnspec.address import LOSS, OPTIMIZER, STEP, Layer
from cnnspec.backends import build, builder_of
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.planted import FAULTS, PlantedFault
from cnnspec.compare.planted.families import LayerFamily, NetworkFamily
from cnnspec.compare.planted.network import NETWORK
from cnnspec.compare.planted.planting import faulty_builder
from cnnspec.compare.planted.specs import SPECS
from cnnspec.compare.probes.draw import gradient_probe, layer_probes, loss_probes, probe_labels
from cnnspec.compare.sides.side import probe_weights
from cnnspec.compare.verdict.quantities import named
from cnnspec.plan import Plan, resolve
from cnnspec.randomness import stream
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from cnnspec.trace import Array

Parts = dict[str, Array]
Plans = Callable[[PlantedFault], list[tuple[Plan, Training]]]

BY_NAME = {fault.name: fault for fault in FAULTS}


def in_float64(spec: ModelSpec) -> tuple[Plan, Training]:
    return resolve(spec), spec.training.model_copy(update={"precision": "float64"})


PLANS = [*map(in_float64, SPECS)]


def applies_on(fault: PlantedFault) -> list[tuple[Plan, Training]]:
    plans = [*PLANS, *map(in_float64, fault.family.specs)]
    return [(plan, training) for plan, training in plans if fault.applies(plan, training)]


def applies_on_one(fault: PlantedFault) -> list[tuple[Plan, Training]]:
    """Return one of these: another one for the next fault."""
    plans = applies_on(fault)
    return [plans[FAULTS.index(fault) % len(plans)]]


each_plan = pytest.mark.parametrize(
    "plans", [applies_on_one, pytest.param(applies_on, marks=pytest.mark.slow)]
)


def of_layer(network: Network, plan: Plan, name: str) -> Parts:
    """Replay a layer on its probes, each twice: a stale cache shows in the second pass."""
    found: Parts = {}
    for probe in layer_probes(plan.layer(name), 0, ()):
        if probe.alone is not None:
            continue
        for turn in ("first", "second"):
            inputs = [x.copy() for x in probe.inputs]
            trace = network.replay(name, inputs, probe.grad_output.copy(), noise=probe.noise)
            parts = named(trace, plan.layer(name))
            found |= {f"{probe.name} {turn} {key}": array for key, array in parts.items()}
    return found


def of_loss(network: Network, plan: Plan) -> Parts:
    found: Parts = {}
    for name, logits in loss_probes(plan.classes, 0):
        trace = network.replay_loss(logits, probe_labels(*logits.shape))
        found |= {f"{name} loss": np.array(trace.loss), f"{name} grad": trace.grad_logits}
    return found


def of_optimizer(network: Network, plan: Plan) -> Parts:
    found: Parts = {}
    for step in (1, 2):
        network.update(gradient_probe(plan, 0, step), 0.1, step)
        state = network.state() | network.optimizer_state()
        found |= {f"step {step} {name}": array for name, array in state.items()}
    return found


def of_network(network: Network, plan: Plan) -> Parts:
    """Predict, and take two steps in a row, the second on fewer images."""
    random = stream(0, "tests", "batch")
    found: Parts = {}
    for step, count in ((1, 6), (2, 4)):
        images = random.normal(size=(count, *plan.input)).astype(np.float32)
        labels = random.integers(0, plan.classes, count)
        predicted = network.predict(images)
        taken = network.train_step(Batch(images, labels), 0.1, step)
        parts = {"predicted": predicted, "loss": np.array(taken.loss), "logits": taken.outputs}
        parts |= {"images": images} | network.state()
        found |= {f"step {step} {name}": array for name, array in parts.items()}
    return found


def quantities(network: Network, fault: PlantedFault, plan: Plan) -> Parts:
    """Return what the faulty part gives."""
    network.load_state(probe_weights(plan, 0))
    with np.errstate(all="ignore"):
        place = fault.place(plan)
        if place == STEP or isinstance(fault.family, NetworkFamily):
            return of_network(network, plan)
        if place == LOSS:
            return of_loss(network, plan)
        if place == OPTIMIZER:
            return of_optimizer(network, plan)
        assert isinstance(place, Layer)
        return of_layer(network, plan, place.path)


def different(found: Parts, wanted: Parts) -> set[str]:
    """Name the quantities that are apart by far more than float64 rounding."""
    return {name for name, array in found.items() if not _close(array, wanted[name])}


def _close(found: Array, wanted: Array) -> bool:
    same_shape = found.shape == wanted.shape
    return same_shape and np.allclose(found, wanted, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_names_are_unique_and_many() -> None:
    assert len(BY_NAME) == len(FAULTS) >= 60


def test_most_have_a_cause_on_the_closed_list() -> None:
    without = [fault.name for fault in FAULTS if not fault.causes]
    assert len(without) <= 0.08 * len(FAULTS), without


@pytest.mark.parametrize("name", BY_NAME)
def test_fault_applies_somewhere_and_says_what_it_is(name: str) -> None:
    fault = BY_NAME[name]
    assert applies_on(fault)
    assert fault.quantities
    assert fault.words.split("\n")[0].endswith(".")


@each_plan
@pytest.mark.parametrize("name", BY_NAME)
def test_fault_changes_what_its_part_gives(name: str, plans: Plans) -> None:
    fault = BY_NAME[name]
    for plan, of_float64 in plans(fault):
        changed: set[str] = set()
        for precision in ("float64", "float32") if fault.family is NETWORK else ("float64",):
            training = of_float64.model_copy(update={"precision": precision})
            faulty = faulty_builder(fault, plan)(plan, training, device="cpu")
            right = quantities(build(plan, training), fault, plan)
            changed |= different(quantities(faulty, fault, plan), right)
        assert changed, plan.name


OF_LAYERS = [fault.name for fault in FAULTS if isinstance(fault.family, LayerFamily)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (at % 4 > 0))
        for at, name in enumerate(OF_LAYERS)
    ],
)
def test_other_layers_are_the_engines_own(name: str) -> None:
    fault = BY_NAME[name]
    plan, training = applies_on(fault)[0]
    faulty, clean = faulty_builder(fault, plan)(plan, training, device="cpu"), build(plan, training)
    for network in (faulty, clean):
        network.load_state(probe_weights(plan, 0))
    for at in plan.layers:
        if Layer(at.name) != fault.family.place(fault, plan):
            found, wanted = (of_layer(network, plan, at.name) for network in (faulty, clean))
            assert not different(found, wanted), at.name


def test_of_repeated_layers_one_alone_is_spoilt() -> None:
    ((plan, training),) = (each for each in PLANS if each[0].name == "paths")
    fault = BY_NAME["batch_norm-eps-outside-root"]
    faulty, clean = faulty_builder(fault, plan)(plan, training, device="cpu"), build(plan, training)
    for network in (faulty, clean):
        network.load_state(probe_weights(plan, 0))
    spoilt = [
        at.name
        for at in plan.layers
        if different(*(of_layer(network, plan, at.name) for network in (faulty, clean)))
    ]
    assert spoilt == ["repeat1.1.parallel1.paths.1.batch_norm1"]


@each_plan
def test_planting_leaves_the_backend_as_it_was(plans: Plans) -> None:
    def everything() -> list[bytes]:
        found = []
        for plan, training in PLANS:
            network = builder_of("numpy")(plan, training, device="cpu")
            network.load_state(probe_weights(plan, 0))
            parts = of_network(network, plan)
            for at in plan.layers:
                parts |= {
                    f"{at.name} {key}": a for key, a in of_layer(network, plan, at.name).items()
                }
            found.append(b"".join(np.ascontiguousarray(a).tobytes() for a in parts.values()))
        return found

    before = everything()
    for fault in FAULTS:
        for plan, training in plans(fault):
            quantities(faulty_builder(fault, plan)(plan, training, device="cpu"), fault, plan)
    assert everything() == before
