"""No network is asked the same question twice: what was replayed is kept, and judged."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cnnspec import compare_backends, parse_spec
from cnnspec.backends import numpy as engine
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.compare import BackendChoice, Verdict
from cnnspec.trace import Array, LayerTrace, LossTrace
from tests.faulty import faulty

SPEC = parse_spec("""
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - batch_norm
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - dropout
  - linear: {out_features: 4}
training: {optimizer: {sgd: {momentum: 0.9}}}
""")


class Halved(ConvNumPy):
    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / 2}


class Coarse(ConvNumPy):
    def forward(self, x: Any) -> Any:
        return super().forward(x).astype(np.float16).astype(x.dtype)


def doubled(logits: Array, labels: Any) -> Any:
    loss, grad = engine.cross_entropy(logits, labels)
    return 2 * loss, 2 * grad


def asked(choice: BackendChoice) -> tuple[Verdict, Counter[Any]]:
    """Compare a faulty side with the engine; count what it was asked, in each precision."""
    count: Counter[Any] = Counter()
    right = choice.builder

    def build(*given: Any, **options: Any) -> Any:
        network = right(*given, **options)
        replay, replay_loss = network.replay, network.replay_loss

        def watched(
            layer: str, inputs: Sequence[Array], grad_output: Array, **more: Any
        ) -> LayerTrace:
            state = more.get("state") or {
                name.removeprefix(f"{layer}."): array
                for name, array in network.state().items()
                if name.startswith(f"{layer}.")
            }
            noise = more.get("noise")
            arrays = (*inputs, grad_output, *state.values(), *([] if noise is None else [noise]))
            count[id(network), layer, *(np.float64(a).tobytes() for a in arrays)] += 1
            return replay(layer, inputs, grad_output, **more)

        def watched_loss(logits: Array, labels: Any) -> LossTrace:
            count[id(network), "loss", np.float64(logits).tobytes()] += 1
            return replay_loss(logits, labels)

        network.replay, network.replay_loss = watched, watched_loss
        kept.append(network)  # so that no other gets its id
        return network

    kept: list[Any] = []
    watched_choice = BackendChoice("faulty", "faulty", build)
    return compare_backends(SPEC, (watched_choice, "numpy"), mode="replay"), count


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        (faulty(conv=Halved), "scale"),
        (faulty(conv=Coarse), "low-precision"),
        (faulty(loss=doubled), "scale"),
    ],
    ids=["a gradient", "a precision", "the loss"],
)
def test_a_side_is_asked_once(choice: BackendChoice, code: str) -> None:
    verdict, count = asked(choice)
    cause = verdict.findings[0].cause
    assert cause is not None
    assert cause.code == code
    assert len(count) > 50
    assert {(key[1], times) for key, times in count.items() if times > 1} == set()
