"""The shortest example of each kind, made of what its room says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import cycle
from types import MappingProxyType
from typing import Literal, cast, get_args, get_origin

from cnnspec.plan import Plan, resolve
from cnnspec.spec.composites import Composite
from cnnspec.spec.data import DataSource
from cnnspec.spec.layers import Layer
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import KINDS_AT, ModelSpec
from cnnspec.spec.schema import schema
from cnnspec.spec.schema_words import Schema
from cnnspec.spec.section import Kind, Section

Place = tuple[str, ...]
"""Where a kind stands in a spec."""

LAYERS: Place = ("layers",)
"""Where layers and blocks stand."""

IMAGES, FEATURES = (8, 28, 28), (120,)
"""What the examples receive."""

FILLED = ("conv: {out_channels: 8, kernel_size: 1}", "relu")
"""What stands for `...` in the words that a kind has for its example, by turns."""

NUMBER = 8
"""What an option that takes a whole number says, where the kind has no words for that."""


def is_chosen(place: Place) -> bool:
    """Tell whether a spec chooses what stands at a place."""
    return place == LAYERS or place in KINDS_AT


@cache
def option_schemas(section: type[Section]) -> dict[str, Schema]:
    """Return the JSON schema of each option."""
    top = schema()
    options = top if section is ModelSpec else top["definitions"][section.__name__]
    return cast(dict[str, Schema], options["properties"])


def example(kind: type[Kind], options: Mapping[str, str] = MappingProxyType({})) -> str:
    """Write a kind with the options that it must have, and others that are given, in one line."""
    filled = cycle(FILLED)
    required = [option for option, field in kind.model_fields.items() if field.is_required()]
    values = {option: _value(kind, option, filled) for option in required}
    values |= options
    if not values:
        return kind.keyword
    return f"{kind.keyword}: {{{', '.join(f'{option}: {it}' for option, it in values.items())}}}"


def _value(kind: type[Kind], option: str, filled: Iterator[str]) -> str:
    if option in kind.words.examples:
        return re.sub(r"\.\.\.", lambda _: next(filled), kind.words.examples[option])
    assert option_schemas(kind)[option].get("type") == "integer", (
        f"`words` of {kind.__name__} have no example for `{option}`"
    )
    return str(NUMBER)


def choices(kind: type[Kind]) -> list[str]:
    """Write a kind with each word that one of its options takes."""
    options = [
        {option: value}
        for option, field in kind.model_fields.items()
        if get_origin(field.annotation) is Literal
        for value in get_args(field.annotation)
    ]
    return [example(kind, each) for each in options or [{}]]


def fragment(place: Place, written: str) -> str:
    """Write the part of a spec in which a kind stands."""
    if place == LAYERS:
        return f"- {written}\n"
    *outer, last = place
    lines = [f"{'  ' * depth}{key}:\n" for depth, key in enumerate(outer)]
    value = f"{{{written}}}" if ":" in written else written
    return "".join([*lines, f"{'  ' * len(outer)}{last}: {value}\n"])


def whole(kind: type[Kind], place: Place, written: str) -> str:
    """Write a spec around an example; a layer stands last but one in it."""
    if place != LAYERS:
        known = kind.known.shape if issubclass(kind, DataSource) else None
        layers = "layers: [flatten, linear: {out_features: 10}]\n"
        return f"input: {[*(known or IMAGES)]}\n{layers}{fragment(place, written)}"
    if issubclass(kind, Layer) and kind.takes == "features":
        return f"input: {[*FEATURES, 1, 1]}\nlayers: [flatten, {written}, flatten]\n"
    return f"input: {[*IMAGES]}\nlayers: [{written}, flatten]\n"


def planned(kind: type[Kind], place: Place, written: str) -> Plan:
    """Return the plan of a spec around an example."""
    return resolve(parse_spec(whole(kind, place, written)))


def example_layer(kind: type[Layer]) -> Layer:
    """Return the layer that the example of a kind is."""
    layer = parse_spec(whole(kind, LAYERS, example(kind))).layers[-2]
    assert isinstance(layer, kind)
    return layer


def example_plan(block: type[Composite]) -> Plan:
    """Return the plan that the example of a block comes to."""
    return planned(block, LAYERS, example(block))
