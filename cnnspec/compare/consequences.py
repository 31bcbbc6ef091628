"""What is beyond rounding only because something else is: counted, and not judged again.

Each rule has a name, which documents hold, and says what follows from what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnspec.address import STEP, Layer
from cnnspec.compare.replay_layers import OWN_WEIGHTS
from cnnspec.compare.replay_pass import WHOLE_PASS
from cnnspec.compare.verdict import Consequence, Quantity, Rule


@dataclass(frozen=True)
class Sorted:
    """Quantities beyond rounding: those to be judged, in three groups, and what follows."""

    apart: tuple[Quantity, ...]
    """In which the two sides are different functions."""
    own: tuple[Quantity, ...]
    """In which a side is not what its own parts are."""
    lost: tuple[Quantity, ...]
    """In which a side loses precision."""
    follows: tuple[Consequence, ...]


def sorted_out(beyond: Sequence[Quantity], pair: str) -> Sorted:
    """Tell what is a finding from what only follows from one; `pair` names both sides together."""
    apart = [found for found in beyond if found.backend == pair]
    parts = [found for found in apart if found.address != STEP]
    own = [found for found in beyond if found.backend != pair]
    spoilt = any(map(_is_spoilt_pass, own))
    judged = parts if parts or spoilt else apart
    predicted = [found for found in apart if found not in judged]
    said = {(found.address, found.quantity) for found in judged}
    of_another = [found for found in own if (found.address, found.quantity) in said]
    own = [found for found in own if (found.address, found.quantity) not in said]
    exact = [found for found in own if found.precision == "float64"]
    working = [found for found in own if found.precision != "float64"]
    steps = [found for found in working if found.address == STEP and found.probe != WHOLE_PASS]
    lost = [found for found in working if found.address != STEP and found.probe != WHOLE_PASS]
    coarse = {found.backend for found in lost}
    in_float64 = {(found.quantity, found.backend) for found in exact if found.address == STEP}
    restless = {(found.address, found.backend) for found in own if found.quantity == OWN_WEIGHTS}

    def rule_of(found: Quantity) -> Rule | None:
        """Return the rule by which a quantity of a side alone follows from another finding."""
        if found in steps and found.backend in coarse:
            return "step-of-imprecise-parts"
        if found in steps and (found.quantity, found.backend) in in_float64:
            return "step-as-in-float64"
        layer = Layer(found.quantity.rpartition(".")[0])
        if found.address == STEP and (layer, found.backend) in restless:
            return "step-of-changing-weights"
        return None

    of_prediction: Rule = "prediction-of-parts" if parts else "prediction-of-spoilt-pass"
    whole = [found for found in own if found not in lost]
    whole.sort(key=lambda found: (found.precision != "float64", found in steps))
    follows = [
        *(Consequence(found, of_prediction) for found in predicted),
        *(Consequence(found, "side-of-another-function") for found in of_another),
        *(Consequence(found, rule) for found in whole if (rule := rule_of(found))),
    ]
    return Sorted(
        tuple(judged),
        tuple(found for found in whole if rule_of(found) is None),
        tuple(lost),
        tuple(follows),
    )


def _is_spoilt_pass(found: Quantity) -> bool:
    """Tell whether a layer of one side does in a pass, in float64, what it does not do alone."""
    in_pass = found.probe == WHOLE_PASS and isinstance(found.address, Layer)
    return in_pass and found.precision == "float64" and found.quantity != OWN_WEIGHTS
