"""What the name of a class says of it."""

import pytest

from cnnspec.compare.check.named import other_kind, value_by_name
from tests.compare.check.conftest import Check
from tests.compare.check.test_built_in import TEXT


@pytest.mark.parametrize(
    ("kind", "option", "name", "value"),
    [
        ("pool", "kind", "AveragePooling2D", "avg"),
        ("pool", "kind", "AvgPool", "avg"),
        ("pool", "kind", "meanpool_layer", "avg"),
        ("pool", "kind", "MaxPool2x2", "max"),
        ("pool", "kind", "Maxpooling", "max"),
        ("pool", "kind", "MaxOrAveragePool", None),
        ("pool", "kind", "Pool2D", None),
        ("global_pool", "kind", "GlobalMaxPool", "max"),
        ("gelu", "approximate", "TanhGELU", "tanh"),
        ("gelu", "approximate", "GELU", None),
        ("dropout", "per", "SpatialDropout2D", "channel"),
        ("layer_norm", "over", "LayerNorm", None),
    ],
)
def test_a_name_says_the_value_of_an_option(
    kind: str, option: str, name: str, value: str | None
) -> None:
    assert value_by_name(kind, option, name) == value


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("relu", "LeakyReLU", "leaky_relu"),
        ("pool", "GlobalAveragePooling2D", "global_pool"),
        ("conv", "DenseLayer", "linear"),
        ("linear", "FullyConnected", None),
        ("relu", "Activation", None),
    ],
)
def test_a_name_says_another_kind(kind: str, name: str, other: str | None) -> None:
    assert other_kind(kind, name) == other


WRONG = f"""{TEXT}

class GlobalMaxPool(Evenly):
    pass

class LeakyReLU:
    def forward(self, x):
        self.slope = 0.1 + 0.9 * (x > 0)
        return x * self.slope
    def backward(self, grad):
        return grad * self.slope
"""


def test_a_class_is_judged_by_the_value_that_its_name_says(check: Check) -> None:
    checked = check(WRONG, "GlobalMaxPool", "global_pool")
    assert not checked.ok, "an average is right, and no maximum"
    assert checked.notes == ("taken for: kind: max, as its name says",)
    causes = {found.cause.code for found in checked.findings if found.wrong and found.cause}
    assert "average-for-max" in causes
    assert {why.why for why in checked.not_supported} == {"its name says `max`"}


def test_a_class_of_another_kind_is_told(check: Check) -> None:
    checked = check(WRONG, "LeakyReLU", "relu")
    note = "its name says that it is a leaky_relu; --as leaky_relu judges it as one"
    assert note in checked.notes
