"""How weights and gradients are handed to an optimizer, and read off afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cnnspec.backends.plain.names import ARRAYS, DATA, GRADIENT_OF_DATA
from cnnspec.backends.plain.optimizers.roles import (
    GRADIENTS,
    LAYER,
    LAYERS,
    MODEL,
    PAIRS,
    PARAMETERS,
)
from cnnspec.trace import Array

Arrays = dict[str, Array]


class Holder(ABC):
    """Weights by their names, in a form that code may want."""

    serves: ClassVar[frozenset[str]]
    """The roles that it has something for."""
    in_words: ClassVar[str]

    def __init__(self, start: Mapping[str, Array]) -> None:
        self.names = list(start)
        self.shapes = {name: array.shape for name, array in start.items()}

    @abstractmethod
    def set(self, gradients: Mapping[str, Array]) -> None:
        """Put the gradients of a step in their places."""

    @abstractmethod
    def hand(self, role: str) -> Any:
        """Return what is handed for a role."""

    @abstractmethod
    def weights(self) -> Arrays:
        """Return the weights as they are now."""

    @abstractmethod
    def zeros(self) -> Any:
        """Return zeros in the form of the weights."""

    def take(self, returned: Any) -> bool:
        """Take what was returned for the new weights, if it has their form."""
        return False


class InDictionary(Holder):
    """As {'W1': ..., 'b1': ...}."""

    serves = frozenset({PARAMETERS, GRADIENTS})
    in_words = "dictionaries"
    prefix: ClassVar[str] = ""
    """Before the names of gradients."""

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        self._parameters = {name: array.copy() for name, array in start.items()}
        self._gradients = {self.prefix + name: np.zeros_like(start[name]) for name in start}

    def set(self, gradients: Mapping[str, Array]) -> None:
        for name, array in gradients.items():
            self._gradients[self.prefix + name] = array

    def hand(self, role: str) -> Any:
        return self._parameters if role == PARAMETERS else self._gradients

    def weights(self) -> Arrays:
        return {name: np.asarray(self._parameters[name]) for name in self.names}

    def zeros(self) -> Any:
        return {self.prefix + name: np.zeros(shape) for name, shape in self.shapes.items()}

    def take(self, returned: Any) -> bool:
        if not isinstance(returned, dict) or not {*self.names} <= returned.keys():
            return False
        fits = all(np.shape(returned[name]) == self.shapes[name] for name in self.names)
        if fits:
            self._parameters = returned
        return fits


class InPrefixedDictionary(InDictionary):
    """The same, with gradients {'dW1': ..., 'db1': ...}."""

    in_words = "dictionaries, W1 and dW1"
    prefix = "d"


class InList(Holder):
    """As [W1, b1, ...]."""

    serves = frozenset({PARAMETERS, GRADIENTS})
    in_words = "lists"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        self._parameters = [array.copy() for array in start.values()]
        self._gradients = [np.zeros_like(array) for array in start.values()]

    def set(self, gradients: Mapping[str, Array]) -> None:
        self._gradients[:] = [gradients[name] for name in self.names]

    def hand(self, role: str) -> Any:
        return self._parameters if role == PARAMETERS else self._gradients

    def weights(self) -> Arrays:
        return dict(zip(self.names, map(np.asarray, self._parameters)))

    def zeros(self) -> Any:
        return [np.zeros(shape) for shape in self.shapes.values()]

    def take(self, returned: Any) -> bool:
        if not isinstance(returned, list | tuple) or len(returned) != len(self.names):
            return False
        fits = [np.shape(array) for array in returned] == [*self.shapes.values()]
        if fits:
            self._parameters = [*returned]
        return fits


class InPairs(InList):
    """As [(gradient, weight), ...]: the weights are written over."""

    serves = frozenset({PAIRS})
    in_words = "pairs of a gradient and weights"

    def hand(self, role: str) -> Any:
        return [*zip(self._gradients, self._parameters)]


class InTurnedPairs(InList):
    """As [(weight, gradient), ...]."""

    serves = frozenset({PAIRS})
    in_words = "pairs of weights and a gradient"

    def hand(self, role: str) -> Any:
        return [*zip(self._parameters, self._gradients)]


class Alone(Holder):
    """One array at a time."""

    serves = frozenset({PARAMETERS, GRADIENTS})
    in_words = "one array at a time"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        ((self._name, array),) = start.items()
        self._parameter: Any = array.copy()
        self._gradient: Any = np.zeros_like(array)

    def set(self, gradients: Mapping[str, Array]) -> None:
        self._gradient = gradients[self._name]

    def hand(self, role: str) -> Any:
        return self._parameter if role == PARAMETERS else self._gradient

    def weights(self) -> Arrays:
        return {self._name: np.asarray(self._parameter)}

    def zeros(self) -> Any:
        return np.zeros(self.shapes[self._name])

    def take(self, returned: Any) -> bool:
        fits = isinstance(returned, np.ndarray) and returned.shape == self.shapes[self._name]
        if fits:
            self._parameter = returned
        return fits


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


OF_PARAMETER = {"data": (*DATA, "w", "weights"), "grad": GRADIENT_OF_DATA}


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


OF_LAYER = {name: ARRAYS[name] for name in ("weight", "bias", "grad_weight", "grad_bias")}
OF_ONE = ("weight", "bias")


class InLayers(Holder):
    """As [layer, ...] with layer.weights and layer.dweights, layer.biases and layer.dbiases."""

    serves = frozenset({LAYERS, PARAMETERS})
    in_words = "layers with weights, biases and their gradients"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        pairs = [self.names[at : at + 2] for at in range(0, len(self.names), 2)]
        self._places = {
            name: (n, own) for n, pair in enumerate(pairs) for own, name in zip(OF_ONE, pair)
        }
        self._layers = [
            Named(
                OF_LAYER,
                {own: start[name].copy() for own, name in zip(OF_ONE, pair)}
                | {f"grad_{own}": np.zeros_like(start[name]) for own, name in zip(OF_ONE, pair)},
            )
            for pair in pairs
        ]

    def set(self, gradients: Mapping[str, Array]) -> None:
        for name, (n, own) in self._places.items():
            setattr(self._layers[n], OF_LAYER[f"grad_{own}"][0], gradients[name])

    def hand(self, role: str) -> Any:
        return self._layers

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

    def hand(self, role: str) -> Any:
        model = Named({}, {})
        model.layers = self._layers
        return model


ALL_AT_ONCE: tuple[type[Holder], ...] = (
    *(InDictionary, InPrefixedDictionary, InList, InPairs, InTurnedPairs, InObjects, InLayers),
    InModel,
)
ONE_BY_ONE: Mapping[type[Holder], int] = {Alone: 1, InObject: 1, InLayer: 2}
"""How many arrays they have at a time."""
