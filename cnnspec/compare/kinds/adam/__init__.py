"""What the referee knows of Adam."""

from __future__ import annotations

from cnnspec.compare.fault import UpdateSituation
from cnnspec.compare.kinds.adam.bounds import adam_budgets, adam_terms
from cnnspec.compare.kinds.adam.faults import FAULTS, HELP
from cnnspec.compare.kinds.kind import COMPOSED, Term, Terms
from cnnspec.compare.kinds.optimizer import OptimizerKind
from cnnspec.compare.kinds.update import given_terms
from cnnspec.numerics.budget import Exact


class AdamKind(OptimizerKind):
    """Adam, with the weight decay in the gradient."""

    faults = FAULTS
    help = HELP

    def budgets(
        self, given: UpdateSituation, precision: str, gradient_error: Exact | float = 0.0
    ) -> dict[str, Exact]:
        return adam_budgets(given, precision, gradient_error)

    def terms(
        self, given: UpdateSituation, precision: str, quantity: str, position: tuple[int, ...]
    ) -> Terms:
        at = adam_terms(given, precision)

        def of(array: Exact) -> float:
            return float(array[position])

        return Terms(
            (
                *given_terms(given, position),
                Term("m", of(at.m), "the first moment"),
                Term("d_m", of(at.m_error), "what it may be off by: 8 roundings"),
                Term("v", of(at.v), "the second moment"),
                Term("d_v", of(at.v_error), "what it may be off by: 11 roundings"),
                Term("divisor", of(at.divisor), "sqrt(v / (1 - beta2^t)) + eps"),
                Term("d_divisor", of(at.divisor_error), "what it may be off by"),
                Term("moved", of(at.moved), "the size of the step"),
                Term("d_moved", of(at.update_error), "what the step may be off by"),
            ),
            f"{COMPOSED} compare/kinds/adam from d_m, d_v and d_divisor, for each side",
        )
