"""What is raised is laid to the code that raised it, and to none where it is an error of ours."""

from types import TracebackType
from typing import Any

import pytest

from cnnspec.backends.plain.arrays import Place
from cnnspec.compare.check.process.reporter import is_our_own
from cnnspec.spec.layers import Linear
from tests.compare.check.conftest import Check


class Refuses:
    def __setattr__(self, word: str, value: Any) -> None:
        raise AttributeError(word)


class HasNoSuch:
    __slots__ = ()


@pytest.mark.parametrize(("holder", "own"), [(HasNoSuch(), True), (Refuses(), False)])
def test_what_no_line_of_the_code_raised_is_our_own(holder: Any, own: bool) -> None:
    with pytest.raises(AttributeError) as caught:
        Place(holder, "W").set([])  # type: ignore[arg-type]
    trace = caught.value.__traceback__
    assert isinstance(trace, TracebackType)
    assert is_our_own(caught.value.with_traceback(trace.tb_next)) is own  # without this test


@pytest.mark.parametrize(
    "error", [TypeError("F.forward() takes 1 positional argument but 2 were given"), MemoryError()]
)
def test_a_call_that_does_not_fit_is_none_of_ours(error: Exception) -> None:
    assert not is_our_own(error)


def test_an_error_of_our_own_is_no_verdict(check: Check) -> None:
    text = """
class Dense:
    W = property(lambda self: [[0.0] * self.outputs for _ in range(self.inputs)])
    def __init__(self, inputs, outputs): self.inputs, self.outputs = inputs, outputs
    def forward(self, x): return x
"""
    checked = check(text, "Dense", "linear", like=Linear(out_features=3, bias=False))
    assert checked.grade is None
    assert "an error of cnnspec's own, not of the code: AttributeError" in checked.error
