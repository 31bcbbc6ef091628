"""plain_network(): classes are given for kinds of layers, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec import plain_network
from cnnspec.backends.plain import PlainClassError
from cnnspec.plan import resolve
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.layers import JOINS, Flatten, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training

PLAN = resolve(ModelSpec(input=(1, 2, 2), layers=[ReLU(), Flatten()]))

WRONG: dict[str, tuple[Any, str]] = {
    "slip": ("reluu", "has `reluu`, and no kind of layer is called so; did you mean `relu`?"),
    "torch": ("Conv2d", "has `Conv2d`, and no kind of layer is called so; did you mean `conv`?"),
    "channels": ("Dropout2d", "has `Dropout2d`, .* called so; did you mean `dropout`?"),
    "strange": ("xyz", "has `xyz`, and no kind of layer is called so; known are conv, relu, "),
    "long": ("x" * 500, "has `xxx[x.]*`, and no kind of layer is called so; known are conv, "),
    "class": (object, "has `<class 'object'>`, and no kind of layer is called so; known are "),
    **{
        word: (word, f"has the block `{word}`, which takes no class: .*; give classes for the kin")
        for word in COMPOSITES
    },
    **{
        word: (word, f"has the join `{word}`, which takes no class: .*; leave it out, and the tex")
        for word in JOINS
    },
}


class Own:
    def forward(self, x: Any) -> Any:
        raise NotImplementedError

    def backward(self, grad: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("wrong", WRONG)
def test_a_class_is_that_of_a_kind_of_layer(wrong: str) -> None:
    word, message = WRONG[wrong]
    with pytest.raises(PlainClassError, match=f"^`layers` {message}") as caught:
        plain_network(PLAN, Training(), layers={"linear": Own, word: Own})
    assert len(str(caught.value)) < 300
    with pytest.raises(PlainClassError, match=f"^`arguments` {message}"):
        plain_network(PLAN, Training(), layers={"relu": Own}, arguments={word: {}})


def test_arguments_are_those_of_a_class() -> None:
    message = r"^`arguments` has some for `conv`, of which `layers` has no class; give a class, "
    with pytest.raises(PlainClassError, match=message):
        plain_network(PLAN, Training(), layers={"relu": Own}, arguments={"conv": {"bias": False}})
