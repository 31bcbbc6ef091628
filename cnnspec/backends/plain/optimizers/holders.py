"""How weights and gradients are handed to an optimizer as arrays, and read off afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cnnspec.backends.plain.optimizers.roles import (
    BIAS,
    GRAD_BIAS,
    GRADIENTS,
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


class AloneStep(Alone):
    """One gradient at a time, for which the step is given back: the weights are with the caller.

    Whether it is added or subtracted, it goes against the gradient at first.
    """

    serves = frozenset({GRADIENTS})
    in_words = "one gradient at a time; what it gives back is taken for the step"

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        self._sign = 0.0

    def take(self, returned: Any) -> bool:
        if not isinstance(returned, np.ndarray) or returned.shape != self.shapes[self._name]:
            return False
        self._sign = self._sign or float(-np.sign(np.sum(returned * self._gradient)))
        self._parameter = self._parameter + self._sign * returned
        return True


class AloneLayer(Holder):
    """Weights and bias of one layer at a time, each by itself: (w, b, dw, db)."""

    serves = frozenset({PARAMETERS, BIAS, GRADIENTS, GRAD_BIAS})
    in_words = "weights and bias of one layer at a time"
    order = (PARAMETERS, BIAS)
    of_gradient = (GRADIENTS, GRAD_BIAS)

    def __init__(self, start: Mapping[str, Array]) -> None:
        super().__init__(start)
        self._parameters: dict[str, Any] = {
            role: array.copy() for role, array in zip(self.order, start.values())
        }
        self._gradients: dict[str, Any] = {}

    def set(self, gradients: Mapping[str, Array]) -> None:
        self._gradients = {role: gradients[n] for role, n in zip(self.of_gradient, self.names)}

    def hand(self, role: str) -> Any:
        return (self._parameters | self._gradients)[role]

    def weights(self) -> Arrays:
        return dict(zip(self.names, map(np.asarray, self._parameters.values())))

    def zeros(self) -> Any:
        return np.zeros(self.shapes[self.names[0]])

    def take(self, returned: Any) -> bool:
        if not isinstance(returned, list | tuple) or len(returned) != len(self.names):
            return False
        fits = [np.shape(array) for array in returned] == [*self.shapes.values()]
        if fits:
            self._parameters = dict(zip(self.order, returned))
        return fits
