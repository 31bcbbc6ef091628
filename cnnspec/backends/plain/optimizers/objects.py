"""How weights and gradients are handed to an optimizer in objects: parameters, layers, a model."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from cnnspec.backends.plain.names import ARRAYS, DATA, GRADIENT_OF_DATA
from cnnspec.backends.plain.optimizers.holders import Arrays, Holder
from cnnspec.backends.plain.optimizers.roles import LAYER, LAYERS, MODEL, PARAMETERS
from cnnspec.trace import Array


class Named:
    """An object whose arrays have many names, which all mean the same."""

    def __init__(self, words: Mapping[str, tuple[str, ...]], arrays: Mapping[str, Any]) -> None:
        known = {word: name for name in arrays for word in words[name]}
        vars(self).update(_known=known, _arrays=dict(arrays))

    def __getattr__(self, word: str) -> Any:
        if word.startswith("__") or word not in self._known:
            raise AttributeError(word)
        return self._arrays[self._known[word]]

    def __setattr__(self, word: str, value: Any) -> None:
        if word in self._known:
            self._arrays[self._known[word]] = value
        else:
            vars(self)[word] = value


class NamedItems(dict[str, Any]):
    """A dictionary of an array and its gradient, each under many names."""

    def __init__(self, data: Array) -> None:
        super().__init__(data=data, grad=np.zeros_like(data))

    def __getitem__(self, word: str) -> Any:
        return super().__getitem__(self._known(word))

    def __setitem__(self, word: str, value: Any) -> None:
        super().__setitem__(self._known(word), value)

    def _known(self, word: str) -> str:
        return next((name for name, words in OF_PARAMETER.items() if word in words), word)


OF_PARAMETER = {"data": (*DATA, "w", "weights", "param"), "grad": GRADIENT_OF_DATA}


class InObjects(Holder):
    """As [p, ...] with p.data and p.grad."""

    serves = frozenset({PARAMETERS})
    in_words = "objects with data and grad"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        self._objects = [
            Named(OF_PARAMETER, {"data": array.copy(), "grad": np.zeros_like(array)})
            for array in start.values()
        ]

    def set(self, gradients: Mapping[str, Array]) -> None:
        for name, each in zip(self.names, self._objects):
            each.grad = gradients[name]

    def hand(self, role: str) -> Any:
        return self._objects

    def weights(self) -> Arrays:
        return {name: np.asarray(each.data) for name, each in zip(self.names, self._objects)}

    def zeros(self) -> Any:
        return [np.zeros(shape) for shape in self.shapes.values()]


class InObject(InObjects):
    """One such object at a time."""

    in_words = "one object with data and grad at a time"

    def hand(self, role: str) -> Any:
        return self._objects[0]


class InNamedObjects(InObjects):
    """As {'W1': p, ...}."""

    in_words = "a dictionary of objects with data and grad"

    def hand(self, role: str) -> Any:
        return dict(zip(self.names, self._objects))


class InModelOfObjects(InObjects):
    """An object whose `parameters()` are such objects."""

    serves = frozenset({MODEL})
    in_words = "a model with parameters()"

    def hand(self, role: str) -> Any:
        return SimpleNamespace(parameters=lambda: self._objects, params=self._objects)


class InItems(Holder):
    """As {'W1': {'val': ..., 'grad': ...}, ...}."""

    serves = frozenset({PARAMETERS})
    in_words = "dictionaries of val and grad"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        self._items = {name: NamedItems(array.copy()) for name, array in start.items()}

    def set(self, gradients: Mapping[str, Array]) -> None:
        for name, array in gradients.items():
            self._items[name]["grad"] = array

    def hand(self, role: str) -> Any:
        return self._items

    def weights(self) -> Arrays:
        return {name: np.asarray(item["data"]) for name, item in self._items.items()}

    def zeros(self) -> Any:
        return {name: np.zeros(shape) for name, shape in self.shapes.items()}


class InListedItems(InItems):
    """As [{'param': ..., 'grad': ...}, ...]."""

    in_words = "a list of dictionaries of val and grad"

    def hand(self, role: str) -> Any:
        return [*self._items.values()]


OF_ONE = ("weight", "bias")
OF_LAYER = {name: ARRAYS[name] for own in OF_ONE for name in (own, f"grad_{own}")}


class InLayers(Holder):
    """As [layer, ...] with layer.weights and layer.dweights, layer.biases and layer.dbiases."""

    serves = frozenset({LAYERS, PARAMETERS})
    in_words = "layers with weights, biases and their gradients"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        pairs = [self.names[at : at + len(OF_ONE)] for at in range(0, len(start), len(OF_ONE))]
        self._places = {
            name: (n, own) for n, pair in enumerate(pairs) for own, name in zip(OF_ONE, pair)
        }
        self._layers = [
            self._layer({own: start[name].copy() for own, name in zip(OF_ONE, pair)})
            for pair in pairs
        ]

    def _layer(self, arrays: Arrays) -> Any:
        gradients = {f"grad_{own}": np.zeros_like(array) for own, array in arrays.items()}
        return Named(OF_LAYER, arrays | gradients)

    def set(self, gradients: Mapping[str, Array]) -> None:
        for name, (n, own) in self._places.items():
            setattr(self._layers[n], OF_LAYER[f"grad_{own}"][0], gradients[name])

    def hand(self, role: str) -> Any:
        return SimpleNamespace(layers=self._layers) if role == MODEL else self._layers

    def weights(self) -> Arrays:
        return {
            name: np.asarray(getattr(self._layers[n], own))
            for name, (n, own) in self._places.items()
        }

    def zeros(self) -> Any:
        return [np.zeros(shape) for shape in self.shapes.values()]


class InLayer(InLayers):
    """One such layer at a time."""

    serves = frozenset({LAYER, PARAMETERS})
    in_words = "one layer with weights, biases and their gradients at a time"

    def hand(self, role: str) -> Any:
        return self._layers[0]


class InModel(InLayers):
    """An object with such layers in its `layers`."""

    serves = frozenset({MODEL})
    in_words = "a model with layers"


class InFilledLayers(InLayers):
    """As [layer, ...] with layer.params = {'W': ..., 'b': ...} and layer.grads."""

    in_words = "layers with params and grads"
    keys: ClassVar[Mapping[str, str]] = {"weight": "W", "bias": "b"}
    prefix: ClassVar[str] = ""
    """Before the names of gradients."""

    def _layer(self, arrays: Arrays) -> Any:
        params = {self.keys[own]: array for own, array in arrays.items()}
        return SimpleNamespace(
            params=params,
            grads={f"{self.prefix}{key}": np.zeros_like(array) for key, array in params.items()},
        )

    def set(self, gradients: Mapping[str, Array]) -> None:
        for name, (n, own) in self._places.items():
            self._layers[n].grads[f"{self.prefix}{self.keys[own]}"] = gradients[name]

    def weights(self) -> Arrays:
        return {
            name: np.asarray(self._layers[n].params[self.keys[own]])
            for name, (n, own) in self._places.items()
        }


class InPrefixedLayers(InFilledLayers):
    """The same, with gradients {'dW': ..., 'db': ...}."""

    in_words = "layers with params and grads, W and dW"
    prefix = "d"


class InFilledLayer(InFilledLayers):
    """One such layer at a time."""

    serves = frozenset({LAYER, PARAMETERS})
    in_words = "one layer with params and grads at a time"

    def hand(self, role: str) -> Any:
        return self._layers[0]


class InPrefixedLayer(InPrefixedLayers):
    """One layer of these at a time."""

    serves = frozenset({LAYER, PARAMETERS})
    in_words = "one layer with params and grads, W and dW, at a time"

    def hand(self, role: str) -> Any:
        return self._layers[0]


class InFilledModel(InFilledLayers):
    """An object with such layers in its `layers`."""

    serves = frozenset({MODEL})
    in_words = "a model with layers that have params and grads"
