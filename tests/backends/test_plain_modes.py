"""Whether it is training is told to a class in every way in which people write it."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.plain import HintError, PlainLayer
from cnnspec.spec.layers import Dropout
from tests.backends.test_plain_habits import FLOAT

FORWARD = """
    def forward(self, x, {parameter}):
        return x if {evaluates} else 2 * x
"""
BY_ARGUMENT = {
    "training=True": "not training",
    "train": "not train",
    "is_training=False": "not is_training",
    "isTraining=True": "not isTraining",
    "train_flg=True": "not train_flg",
    "is_test=False": "is_test",
    "inference=False": "inference",
    "deterministic": "deterministic",
    "mode": "mode == 'test'",
    "mode='train'": "mode == 'eval'",
    "phase='TRAIN'": "phase == 'TEST'",
    "phase=True": "not phase",
    "mode=None": "mode in ('inference', 'valid')",
    "_, training=False": "not training",
    "y, training=True": "not training or y is not None",
    "**kwargs": "not kwargs.get('training', True)",
    "*, train=True": "not train",
}
BY_ATTRIBUTE = """
    {attribute} = {value!r}
    def forward(self, x):
        return x if {evaluates} else 2 * x
"""
ATTRIBUTES = {
    "training": (True, "not self.training"),
    "is_train": (False, "not self.is_train"),
    "mode": ("train", "self.mode == 'test'"),
    "inference": (False, "self.inference"),
}
BY_METHOD = """
    def __init__(self):
        self.state = "on"
    def forward(self, x):
        return x if self.state == "off" else 2 * x
"""
METHODS = {
    "both": """
    def train(self):
        self.state = "on"
    def eval(self):
        self.state = "off"
""",
    "a mode": """
    def train(self, mode=True):
        self.state = "on" if mode else "off"
""",
    "a setter": """
    def set_mode(self, mode):
        self.state = {"train": "on", "test": "off"}[mode]
""",
    "a setter of a flag": """
    def set_training(self, flag):
        self.state = "on" if flag else "off"
""",
}


def made(text: str, **hints: Any) -> PlainLayer:
    scope: dict[str, Any] = {}
    exec(
        f"class Own:\n    p = 0.5\n    def backward(self, grad):\n        return grad\n{text}",
        scope,
    )
    return PlainLayer(scope["Own"], Dropout(p=0.5), (3,), (3,), FLOAT, built_in=True, **hints)


def assert_told(layer: PlainLayer) -> None:
    x = np.ones((2, 3))
    for _ in range(2):
        assert (layer.forward(x) == 2).all()
        assert (layer.predict(x) == 1).all()
    assert layer.is_told_of_training


@pytest.mark.parametrize("parameter", BY_ARGUMENT)
def test_by_an_argument(parameter: str) -> None:
    assert_told(made(FORWARD.format(parameter=parameter, evaluates=BY_ARGUMENT[parameter])))


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_by_an_attribute(attribute: str) -> None:
    value, evaluates = ATTRIBUTES[attribute]
    assert_told(made(BY_ATTRIBUTE.format(attribute=attribute, value=value, evaluates=evaluates)))


@pytest.mark.parametrize("what", METHODS)
def test_by_a_method(what: str) -> None:
    assert_told(made(BY_METHOD + METHODS[what]))


def test_by_another_name() -> None:
    text = FORWARD.format(parameter="learns", evaluates="not learns")
    assert_told(made(text, names={"training": "learns"}))
    with pytest.raises(HintError, match="say so: --map training=learns"):
        made(text).forward(np.ones((2, 3)))
    text = FORWARD.format(parameter="done=False", evaluates="done")
    assert_told(made(text, names={"inference": "done"}))


def test_what_says_something_else_is_left_alone() -> None:
    layer = made(FORWARD.format(parameter="mode='fast'", evaluates="mode != 'fast'"))
    assert (layer.predict(np.ones((2, 3))) == 2).all()
    assert not layer.is_told_of_training
