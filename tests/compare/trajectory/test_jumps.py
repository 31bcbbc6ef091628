"""Steps in which rounding turns a decision for one side alone."""

from typing import Any

import numpy as np
import pytest

from cnnspec.address import PASS, Layer
from cnnspec.backends import numpy as engine
from cnnspec.backends.network import Batch, Network
from cnnspec.compare import parse_backend
from cnnspec.compare.parts import Replayed, replay_parts
from cnnspec.compare.sides.moment import Moment
from cnnspec.compare.trajectory import twins as watching
from cnnspec.compare.trajectory import watch
from cnnspec.compare.verdict import Turned
from tests.cases import assert_same_bits
from tests.compare.trajectory.edge import (
    BIAS_BEFORE_NORM,
    DATA,
    EDGE,
    FAST,
    OTHER_ORDER,
    PLAN,
    TRAINING,
    TWINS,
    FromTheEnd,
    NoisyBias,
    advance,
    data_on_the_edge,
    trained,
)
from tests.faulty import faulty


@pytest.mark.parametrize("alone", [("second", "there"), ("second",)], ids=["before", "in the step"])
def test_a_decision_that_rounding_turns_is_a_jump_within_the_envelope(alone: Any) -> None:
    """By the rounding of the steps before, which is in the weights, or of that step itself."""
    found = trained(OTHER_ORDER, data_on_the_edge(OTHER_ORDER, *alone))
    envelope = found.envelope
    assert envelope is not None
    assert (envelope.outside, envelope.parameter, found.finding) == (None, None, None)
    assert found.replayed == (EDGE,)
    (jump,) = envelope.jumps
    assert jump.step == EDGE
    assert jump.ratio > 100
    assert jump.landed < 2
    assert jump.turned == (Turned("relu1", 1, 16 * 12),)
    assert envelope.largest < 10, "the jump is not counted, and twins started anew after it"
    apart = {step.step: step.distance for step in found.steps}
    assert apart[EDGE - 1] < 1e-5
    assert apart[EDGE] > 1e-4
    assert [len(step.twins) for step in found.steps] == [TWINS] * EDGE + [0] * 4


@pytest.mark.torch
def test_the_step_is_replayed_from_where_the_second_side_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = []

    def spied(*given: Any, moment: Moment, **options: Any) -> Replayed:
        moments.append(moment)
        return replay_parts(*given, moment=moment, **options)

    monkeypatch.setattr(watch, "replay_parts", spied)
    torch = parse_backend("torch")
    data = data_on_the_edge(torch, "second", "there")
    trained(torch, data)
    second = torch.build(PLAN, TRAINING)
    advance(second, EDGE - 1, data)
    (moment,) = moments
    assert moment.step == EDGE
    assert_same_bits(moment.weights, second.state())
    assert_same_bits(moment.slots, second.optimizer_state())
    batch = advance(torch.build(PLAN, TRAINING), EDGE, data).batch
    np.testing.assert_array_equal(moment.batch.images, data.train.images[batch])


@pytest.mark.torch
def test_a_side_that_goes_astray_after_a_jump_is_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.backends.torch.network import TorchNetwork

    torch = parse_backend("torch")
    data = data_on_the_edge(torch, "second", "there")
    monkeypatch.setattr(TorchNetwork, "train_step", longer_by_a_few(TorchNetwork, EDGE + 2))
    found = trained(torch, data)
    assert found.envelope is not None
    assert [jump.step for jump in found.envelope.jumps] == [EDGE]
    assert found.envelope.outside in range(EDGE + 2, EDGE + 5)


@pytest.mark.torch
def test_a_jump_from_outside_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.backends.torch.network import TorchNetwork

    torch = parse_backend("torch")
    monkeypatch.setattr(TorchNetwork, "train_step", longer_by_a_few(TorchNetwork, 2))
    found = trained(torch, data_on_the_edge(torch, "second", "there"), steps=EDGE)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (2, ())
    assert (found.replayed, found.finding) == ((2, EDGE), None)


@pytest.mark.torch
def test_where_the_first_side_lands_elsewhere_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.backends.torch.network import TorchNetwork

    torch = parse_backend("torch")
    data = data_on_the_edge(torch, "second", "there")
    monkeypatch.setattr(TorchNetwork, "train_step", longer_by_a_few(TorchNetwork, EDGE, 2**-16))
    monkeypatch.setattr(watch.Watch, "_replay", lambda *given: True)  # as if budgets were wider
    found = trained(torch, data, steps=EDGE)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.envelope.tried


@pytest.mark.torch
def test_what_a_replay_finds_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.backends.torch.network import TorchNetwork

    torch = parse_backend("torch")
    data = data_on_the_edge(torch, "second", "there")
    right = TorchNetwork.predict
    monkeypatch.setattr(TorchNetwork, "predict", lambda self, images: 1.01 * right(self, images))
    found = trained(torch, data)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.finding is not None
    assert found.finding.quantity == "predicted logits"


@pytest.mark.torch
@pytest.mark.parametrize("alone", [("twin 2",), ("twin 1", "twin 3")])
def test_a_decision_that_twins_turn_is_no_jump(alone: Any) -> None:
    torch = parse_backend("torch")
    found = trained(torch, data_on_the_edge(torch, *alone))
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps, found.replayed) == (None, (), ())
    assert max(found.steps[EDGE - 1].twins) > 1e-4


@pytest.mark.torch
def test_after_as_many_jumps_as_are_taken_a_step_outside_is_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "JUMPS", 0)
    torch = parse_backend("torch")
    found = trained(torch, data_on_the_edge(torch, "second", "there"), steps=9)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.replayed == (EDGE, 2 * EDGE), "looked for further on, at ever greater distances"
    assert found.envelope.largest > 100
    assert found.finding is None


def longer_by_a_few(network: type[Network], since: int, by: float = 2**-20) -> Any:
    """Return training steps from one of which on float32 weights grow by too much.

    That is by eight units in the last place, or so, and when a step is taken for the first time
    alone: no replay of it shows it.
    """
    right = network.train_step

    def train_step(self: Network, batch: Batch, learning_rate: float, step: int) -> Any:
        result = right(self, batch, learning_rate, step)
        state, taken = self.state(), vars(self).setdefault("taken", set())
        if step >= since and step not in taken and state["linear1.bias"].dtype == np.float32:
            self.load_state({name: array * np.float32(1 + by) for name, array in state.items()})
        taken.add(step)
        return result

    return train_step


class LongerByAFew(engine.NumPyNetwork):
    train_step = longer_by_a_few(engine.NumPyNetwork, EDGE)


def test_what_the_first_side_does_not_do_itself_is_no_jump() -> None:
    found = trained(faulty(network=LongerByAFew), DATA, steps=10)
    envelope = found.envelope
    assert envelope is not None
    assert envelope.outside in range(EDGE, EDGE + 3)
    assert (envelope.jumps, envelope.tried) == ((), True)
    assert found.finding is None, "a replay of the step is right"


def test_what_leads_outside_little_by_little_is_no_jump() -> None:
    # How wide the envelope is, depends on how a machine rounds: the least that leads outside.
    for units in (1, 2, 4, 8):
        step = longer_by_a_few(engine.NumPyNetwork, 1, units * 2.0**-23)
        grows = type("Grows", (engine.NumPyNetwork,), {"train_step": step})
        envelope = trained(faulty(network=grows), DATA, steps=10).envelope
        assert envelope is not None
        assert envelope.jumps == ()
        if envelope.outside:
            break
    assert envelope.outside is not None
    assert envelope.outside > 1, "not by one step"
    assert envelope.tried


def test_gradients_that_are_nothing_but_rounding_are_left_out() -> None:
    found = trained(faulty(conv=NoisyBias), DATA, plan=BIAS_BEFORE_NORM, training=FAST, steps=1)
    assert found.envelope is not None
    assert found.envelope.left_out == ("conv1.bias",)
    assert (found.envelope.outside, found.replayed, found.finding) == (None, (), None)


class Forgets(engine.NumPyNetwork):
    """Loses its momentum once."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> Any:
        result = super().train_step(batch, learning_rate, step)
        if step == EDGE:
            lost = {name: np.zeros_like(slot) for name, slot in self.optimizer_state().items()}
            self.load_optimizer_state(lost)
        return result


def test_slots_that_are_lost_are_no_jump_but_a_finding() -> None:
    found = trained(faulty(network=Forgets), DATA)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.finding is not None
    assert (found.finding.step, found.finding.wrong_side) == (EDGE, "faulty")
    assert found.finding.quantity.endswith(".momentum_buffer")


class FlattensInAPassAlone(engine.NumPyNetwork):
    def replay(self, layer: str, *given: Any, **options: Any) -> Any:
        if layer == "flatten1":
            raise NotImplementedError("flatten alone")
        return super().replay(layer, *given, **options)


def test_what_need_not_be_compared_is_no_hindrance() -> None:
    second = faulty(network=FlattensInAPassAlone, linear=FromTheEnd)
    data = data_on_the_edge(OTHER_ORDER, "second", "there")
    for allowed, jumps in (((), 0), (((Layer("flatten1"), None), (PASS, None)), 1)):
        envelope = trained(second, data, allowed=allowed).envelope
        assert envelope is not None
        assert len(envelope.jumps) == jumps
        assert envelope.tried is False
