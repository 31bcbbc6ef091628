"""Which array of an instance is which, where no name says it: by its shape and where it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cnnspec.backends.plain.arrays import arrays_of, find_or_none
from cnnspec.backends.plain.building import build, different_sizes
from cnnspec.backends.plain.construction import Construction, Made
from cnnspec.backends.plain.errors import UnsupportedSettingError
from cnnspec.backends.plain.forms import axes_between, squeezed
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.names import ARRAYS, gradients_of, named_by_parts
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.starts import Constant, Drawn, Start
from cnnspec.trace import Array

KNOWN = frozenset(
    word for name, words in ARRAYS.items() if name not in ("output", "loss") for word in words
)
"""What says of an array that a constructor makes that it is another."""


def names_by_role(how: Construction, made: Made, layer: SpecLayer, input: Shape) -> dict[str, str]:
    """Return what an instance calls the parameters that have no usual name, if it is plain.

    That is the only array which has the shape of one and begins as one: `theta` is the weight of
    a layer that has no other matrix; of a norm, what is all ones is the scale. It is looked for
    where all sizes differ, unless the class refuses those.

    Raises:
        UnsupportedSettingError: it has what the layer leaves out, and no parameter to say so.
    """
    names = how.hints.names
    example, images = different_sizes(layer, input, how.hints)
    missing = [
        name
        for name in example.parameters(images)
        if name not in names and find_or_none(made.instance, name, names) is None
    ]
    if not missing:
        return {}
    try:
        found = _by_role(build(how, example, images), example, images, how.hints)
    except Exception:  # a class may be made for some sizes only
        found = _by_role(made, layer, input, how.hints)
    found = {name: key for name, key in found.items() if name in missing}
    for name in found.keys() - layer.parameters(input).keys():
        key = found.pop(name)
        is_option = name in type(layer).model_fields and name not in how.reading.options
        if is_option and key in arrays_of(made.instance):
            raise UnsupportedSettingError(
                f"{how.cls.__name__} takes no `{name}`, and has `{key}`", lacks=name
            )
    return found


def _by_role(made: Made, layer: SpecLayer, input: Shape, hints: Hints) -> dict[str, str]:
    names, shapes, starts = hints.names, layer.parameters(input), layer.starts(input)
    places = {name: find_or_none(made.instance, name, names) for name in shapes}
    taken = {str(place.key) for place in places.values() if place is not None} | {*names.values()}
    free = {
        key: array
        for key, array in arrays_of(made.instance).items()
        if key in made.held and key not in taken and not _is_known(key)
    }
    free = {key: free[key] for key in free if not any(key in gradients_of(it) for it in free)}
    found = {
        name: [*_fitting(free, shapes[name], starts[name], hints.layout)]
        for name, place in places.items()
        if place is None and name not in names
    }
    keys = [key for every in found.values() for key in every]
    return {
        name: every[0]
        for name, every in found.items()
        if len(every) == 1 and keys.count(every[0]) == 1
    }


def _is_known(key: str) -> bool:
    """Tell whether an array's name says what it is: a gradient, a running mean."""
    last = key.split(".")[-1]
    return bool(named_by_parts(last)) or last.lstrip("_") in KNOWN


def _fitting(
    free: Mapping[str, Array], shape: Shape, start: Start | Drawn, layout: str
) -> Iterator[str]:
    """Yield the names of arrays that have a shape, and begin as such an array does.

    What begins with drawn numbers is not all zeros: so are what gradients are kept in.
    """
    for key, array in free.items():
        alike = squeezed(array.shape) == squeezed(shape)
        if not alike and not axes_between(shape, array.shape, layout):
            continue
        if isinstance(start, Constant):
            begins_so = bool(np.all(array == start.value))
        else:
            begins_so = len(shape) == 1 or bool(np.any(array))
        if begins_so:
            yield key
