"""Two functions are checked as a layer: both named, or the second found by its name."""

from tests.compare.check.conftest import Check

TEXT = """
def relu(x):
    return x * (x > 0)

def other(g, x):
    return g * (x > 0)
"""


def test_the_second_function_may_have_to_be_named(check: Check) -> None:
    asked = check(TEXT, "relu", "relu")
    assert asked.grade is None
    assert "such as `relu_backward`; say which it is: FILE.py:relu,NAME" in asked.error
    assert check(TEXT, "relu,other", "relu").ok
    assert check(TEXT, "relu", "relu", names={"backward": "other"}).ok
    assert "there is no `nope` in it" in check(TEXT, "relu,nope", "relu").error


def test_it_is_found_by_its_name_and_noted(check: Check) -> None:
    checked = check(TEXT.replace("other", "relu_backward"), "relu", "relu")
    assert checked.ok
    assert checked.notes == ("`relu_backward` is its backward pass",)
