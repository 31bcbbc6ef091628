"""Two faults of a formula at once: only such as both change what is observed."""

import numpy as np
import pytest

from cnnspec.compare.faults.fault import Fault, LossSituation, Observation
from cnnspec.compare.faults.formula import Formula, pairs
from cnnspec.spec.losses import DEFAULT_LOSS

FORMULA: Formula[LossSituation] = Formula(
    lambda situation, arithmetic: {"z": arithmetic.ball(situation.logits)},
    {
        "double": lambda at: at.z * 2,
        "other": lambda at: at.z * 3,
        "loss": lambda at: at.double + 1,
        "grad_logits": lambda at: at.double * at.other,
    },
)
fault = FORMULA.spoiling()
DOUBLE = fault("double", "double is another", {"double": lambda at: at.z * 4})
OTHER = fault("other", "other is another", {"other": lambda at: at.z * 5})
WHOLE = fault("whole", "the loss is another", {"loss": lambda at: at.z})


@pytest.mark.parametrize(
    ("quantity", "together"),
    [
        ("grad_logits", {("double", "other"), ("other", "double")}),
        ("loss", {("double", "whole")}),
    ],
)
def test_only_faults_that_both_change_a_quantity_are_made_together(
    quantity: str, together: set[tuple[str, str]]
) -> None:
    logits = np.array([[1.0, 2.0]])
    situation = LossSituation(DEFAULT_LOSS, "random", logits, np.zeros(1, np.int64))
    observation = Observation(situation, quantity, logits, logits, logits)
    faults: list[Fault[LossSituation]] = [DOUBLE, OTHER, WHOLE]
    found = {(each.code, each.besides) for each in pairs(faults, faults, observation)}
    assert found == together
