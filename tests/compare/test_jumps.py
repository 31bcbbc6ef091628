"""Steps in which rounding turns a decision for one side alone."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends import numpy as engine
from cnnspec.backends.network import Network
from cnnspec.backends.torch.network import TorchNetwork
from cnnspec.compare import parse_party
from cnnspec.compare.moment import Moment
from cnnspec.compare.replay import Replayed, replay
from cnnspec.compare.trajectory import twins as watching
from cnnspec.compare.trajectory import watch
from cnnspec.compare.verdict import Turned
from tests.compare.edge import DATA, EDGE, PLAN, TRAINING, advance, data_on_the_edge, trained
from tests.faulty import faulty


@pytest.mark.parametrize("alone", [("second", "there"), ("second",)], ids=["before", "in the step"])
def test_a_decision_that_rounding_turns_is_a_jump_within_the_envelope(alone: Any) -> None:
    """By the rounding of the steps before, which is in the weights, or of that step itself."""
    torch = parse_party("torch")
    found = trained(torch, data_on_the_edge(torch, *alone))
    envelope = found.envelope
    assert envelope is not None
    assert (envelope.outside, envelope.parameter, found.finding) == (None, None, None)
    assert found.replayed == (EDGE,)
    (jump,) = envelope.jumps
    assert jump.step == EDGE
    assert jump.ratio > 100
    assert jump.landed < 10
    assert jump.turned == (Turned("relu1", 1, 16 * 12),)
    assert envelope.largest < 10, "the jump is not counted, and twins started anew after it"
    apart = {step.step: step.distance for step in found.steps}
    assert apart[EDGE - 1] < 1e-5
    assert apart[EDGE] > 1e-4
    assert min(step.twins[0] for step in found.steps[EDGE:]) > 1e-4, "twins of the second's weights"


def test_the_step_is_replayed_from_where_the_second_side_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = []

    def spied(*given: Any, moment: Moment) -> Replayed:
        moments.append(moment)
        return replay(*given, moment=moment)

    monkeypatch.setattr(watch, "replay", spied)
    torch = parse_party("torch")
    data = data_on_the_edge(torch, "second", "there")
    trained(torch, data)
    second = torch.build(PLAN, TRAINING)
    taken = advance(second, EDGE - 1, data)
    (moment,) = moments
    assert moment.step == EDGE
    for name, array in second.state().items():
        np.testing.assert_array_equal(moment.weights[name], array)
    assert not np.array_equal(moment.batch.labels, data.train.labels[taken.batch])


def test_a_side_that_goes_astray_after_a_jump_is_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = parse_party("torch")
    data = data_on_the_edge(torch, "second", "there")
    monkeypatch.setattr(TorchNetwork, "train_step", longer_by_a_few(TorchNetwork, EDGE + 2))
    found = trained(torch, data)
    assert found.envelope is not None
    assert [jump.step for jump in found.envelope.jumps] == [EDGE]
    assert found.envelope.outside == EDGE + 2


def test_what_a_replay_finds_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = parse_party("torch")
    data = data_on_the_edge(torch, "second", "there")
    right = TorchNetwork.predict
    monkeypatch.setattr(TorchNetwork, "predict", lambda self, images: 1.01 * right(self, images))
    found = trained(torch, data)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.finding is not None
    assert found.finding.quantity == "predicted logits"


@pytest.mark.parametrize("alone", [("twin 2",), ("twin 1", "twin 3")])
def test_a_decision_that_twins_turn_is_no_jump(alone: Any) -> None:
    torch = parse_party("torch")
    found = trained(torch, data_on_the_edge(torch, *alone))
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps, found.replayed) == (None, (), ())
    assert max(found.steps[EDGE - 1].twins) > 1e-4


def test_after_as_many_jumps_as_are_taken_a_step_outside_is_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "JUMPS", 0)
    torch = parse_party("torch")
    found = trained(torch, data_on_the_edge(torch, "second", "there"), steps=9)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.replayed == (EDGE, 2 * EDGE), "looked for further on, at ever greater distances"
    assert found.envelope.largest > 100
    assert found.finding is None


def longer_by_a_few(network: type[Network], since: int) -> Any:
    """Return training steps from one of which on float32 weights grow by too much.

    That is by four units in the last place: rounding may do so, and derived budgets hold.
    """
    right = network.train_step

    def train_step(self: Network, images: Any, labels: Any, learning_rate: float, step: int) -> Any:
        result = right(self, images, labels, learning_rate, step)
        state = self.state()
        if step >= since and state["linear1.bias"].dtype == np.float32:
            self.load_state({name: array * np.float32(1 + 2**-21) for name, array in state.items()})
        return result

    return train_step


class LongerByAFew(engine.NumPyNetwork):
    train_step = longer_by_a_few(engine.NumPyNetwork, EDGE)


def test_what_the_first_side_does_not_do_itself_is_no_jump() -> None:
    found = trained(faulty(network=LongerByAFew), DATA, steps=9)
    assert found.envelope is not None
    assert (found.envelope.outside, found.envelope.jumps) == (EDGE, ())
    assert found.replayed == (EDGE, 2 * EDGE)
    assert found.finding is None, "within what rounding may do at most"
