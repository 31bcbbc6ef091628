"""Faults that any layer may have, in rows: where, in which quantity, what it gives and is said."""

from __future__ import annotations

import numpy as np

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.numerics.budget import Exact
from tests.compare.causes.layer_probes import Faulty, Parts, Setting, weight_of, with_gradient
from tests.rooms import LAYERS

SETTINGS: dict[str, Setting] = {
    f"{kind}-{name}": one for kind, room in LAYERS.items() for name, one in room.probed.items()
}

FACTORS: list[tuple[str, str, Faulty, str]] = [
    (
        "linear-plain",
        "grad_weight",
        lambda at, right: right["grad_weight"] / len(at.x),
        "every number is 0.142857 times the expected one (1/7 = 1/batch_size): it may be divided "
        "by the batch size twice",
    ),
    (
        "conv-plain",
        "grad_weight",
        lambda at, right: right["grad_weight"] / 20,
        "every number is 0.05 times the expected one (1/20 = 1/positions = 1/input_positions): it "
        "may be a mean over the positions of the output; the sum is wanted",
    ),
    (
        "conv-plain",
        "grad_bias",
        lambda at, right: at.grad_output.mean(axis=(0, 2, 3)),
        "every number is 0.00714286 times the expected one (1/140 = 1/(batch_size * positions) = "
        "1/(batch_size * input_positions)): it may be a mean over batch and positions; the sum is "
        "wanted",
    ),
    (
        "linear-plain",
        "grad_input",
        lambda at, right: -right["grad_input"],
        "every number is -1 times the expected one: the sign is turned round",
    ),
    (
        "linear-plain",
        "output",
        lambda at, right: right["output"] * 4,
        "every number is 4 times the expected one (= out_features)",
    ),
    (
        "conv-plain",
        "grad_input",
        lambda at, right: right["grad_input"] * len(at.x),
        "every number is 7 times the expected one (= batch_size): it may be multiplied by the "
        "batch size",
    ),
    (
        "batch_norm-images",
        "grad_weight",
        lambda at, right: 2 * right["grad_weight"],
        "every number is 2 times the expected one: it may be counted twice",
    ),
    (
        "conv-plain",
        "grad_weight",
        lambda at, right: 1.7 * right["grad_weight"],
        "every number is 1.7 times the expected one",
    ),
]
"""With the sentence, as what is said hangs on the sizes of the problem."""


def moved_down(array: np.ndarray) -> np.ndarray:
    moved = np.zeros_like(array)
    moved[:, :, 1:] = array[:, :, :-1]
    return moved


ORDERS: list[tuple[str, str, Faulty, str]] = [
    (
        "conv-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"][..., ::-1, ::-1],
        "flipped-kernel",
    ),
    (
        "conv-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"].swapaxes(2, 3),
        "height-width-swapped",
    ),
    (
        "conv-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"].swapaxes(0, 1),
        "channels-swapped",
    ),
    ("linear-plain", "grad_weight", lambda at, y: y["grad_weight"].T, "transposed"),
    (
        "linear-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"].T.reshape(4, 6),
        "misread-layout",
    ),
    ("conv-plain", "output", lambda at, y: y["output"][::-1], "images-reversed"),
    ("conv-plain", "output", lambda at, y: y["output"][:, ::-1], "channels-reversed"),
    ("conv-plain", "output", lambda at, y: y["output"].swapaxes(2, 3), "height-width-swapped"),
    ("pool-max", "output", lambda at, y: y["output"][:, :, ::-1, ::-1], "turned"),
    ("pool-max", "grad_input", lambda at, y: np.roll(y["grad_input"], 1, axis=3), "rolled"),
    ("batch_norm-images", "output", lambda at, y: np.roll(y["output"], -1, axis=2), "rolled"),
    ("relu-images", "output", lambda at, y: moved_down(y["output"]), "shifted"),
    ("linear-plain", "grad_bias", lambda at, y: y["grad_bias"][::-1], "axis-reversed"),
    ("conv-plain", "grad_bias", lambda at, y: y["grad_bias"][::-1], "channels-reversed"),
    (
        "layer_norm-whole-images",
        "grad_weight",
        lambda at, y: y["grad_weight"][..., ::-1, ::-1],
        "turned",
    ),
    (
        "layer_norm-whole-images",
        "grad_weight",
        lambda at, y: np.moveaxis(y["grad_weight"], 0, -1).reshape(3, 4, 5),
        "misread-layout",
    ),
    (
        "layer_norm-whole-images",
        "grad_bias",
        lambda at, y: np.roll(y["grad_bias"], 1, axis=2),
        "rolled",
    ),
    ("linear-plain", "grad_bias", lambda at, y: y["grad_bias"][None], "shape"),
    ("conv-plain", "grad_bias", lambda at, y: y["grad_bias"][:, None, None], "shape"),
    ("conv-plain", "output", lambda at, y: y["output"][:, :, :-1], "windows-missing"),
    ("conv-plain", "grad_weight", lambda at, y: np.empty(0), "missing"),
    ("conv-plain", "grad_weight", lambda at, y: 0 * y["grad_weight"], "all-zeros"),
]
"""With the code."""


def added_up(quantity: str) -> Faulty:
    """Add what is right to what was given before; the first time, to 0."""
    total: list[Exact] = []

    def added(at: LayerSituation, right: Parts) -> Exact:
        total.append(right[quantity] + (total[-1] if total else 0))
        return total[-1]

    return added


def kept(array: np.ndarray, share: tuple[slice, ...] | slice) -> np.ndarray:
    """Leave 0 outside of a share, as a loop that returns too early does."""
    found = np.zeros_like(array)
    found[share] = array[share]
    return found


def but_last(array: np.ndarray) -> np.ndarray:
    found = array.copy()
    found.flat[-1] = 0
    return found


OTHERS: list[tuple[str, str, Faulty, str]] = [
    ("linear-plain", "grad_weight", added_up("grad_weight"), "accumulated"),
    (
        "linear-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"] + 0.01 * at.parameters["weight"],
        "penalty-in-gradient",
    ),
    ("relu-images", "output", lambda at, y: kept(y["output"], np.s_[:1]), "images-left-out"),
    (
        "relu-images",
        "grad_input",
        lambda at, y: kept(y["grad_input"], np.s_[:1]),
        "images-left-out",
    ),
    ("relu-images", "output", lambda at, y: but_last(y["output"]), "windows-left-out"),
    (
        "batch_norm-images",
        "grad_weight",
        lambda at, y: kept(y["grad_weight"], np.s_[:1]),
        "channels-left-out",
    ),
    (
        "conv-plain",
        "output",
        lambda at, y: kept(y["output"], np.s_[:1, :1, :1]),
        "windows-left-out",
    ),
    ("linear-plain", "output", lambda at, y: kept(y["output"], np.s_[:, :-1]), "channels-left-out"),
    ("conv-plain", "output", lambda at, y: np.trunc(y["output"]), "truncated"),
    ("linear-plain", "grad_weight", lambda at, y: np.clip(y["grad_weight"], -1, 1), "clipped"),
    ("linear-plain", "output", lambda at, y: np.round(y["output"], 4), "rounded"),
    ("conv-plain", "output", lambda at, y: y["output"].astype(np.float32), "low-precision"),
    (
        "linear-plain",
        "output",
        lambda at, y: np.maximum(y["output"], 0),
        "activation-built-in",
    ),
    (
        "conv-plain",
        "output",
        lambda at, y: 1 / (1 + np.exp(-y["output"])),
        "activation-built-in",
    ),
    (
        "batch_norm-images",
        "output",
        lambda at, y: np.tanh(y["output"]),
        "activation-built-in",
    ),
    (
        "conv-plain",
        "grad_weight",
        lambda at, y: with_gradient(at, at.grad_output * (1 - np.tanh(y["output"]) ** 2))[
            "grad_weight"
        ],
        "activation-built-in",
    ),
    ("linear-plain", "grad_input", lambda at, y: y["grad_weight"].T, "another-quantity"),
    ("conv-plain", "grad_input", lambda at, y: at.x, "another-quantity"),
    ("linear-plain", "grad_weight", lambda at, y: weight_of(at), "another-quantity"),
]
"""With the code."""
