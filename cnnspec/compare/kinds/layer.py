"""What the referee knows of a kind of layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds.kind import Kind, Terms
from cnnspec.compare.kinds.weights import Errors, Weights
from cnnspec.compare.verdict.quantities import has_batch
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Layer
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.sizes import Shape

Arrays = Sequence[Exact]
"""One for each input of a layer."""


@dataclass(frozen=True)
class Setting:
    """A layer with its options, over images of one size, or over features.

    Of settings of one name, one counts: the first over whose input a class works.
    """

    name: str
    layer: Layer
    input: Shape
    spread: float = 1.0
    """What every second image is multiplied by: far out, functions overflow, or are cut off."""
    numbers_only: bool = False
    """Whether what it gives is looked at alone, and not what it leaves as it was: options change
    that hardly ever, and each setting is to count for little that a class may leave out."""


def _fits(setting: Setting) -> bool:
    return not [*setting.layer.problems(setting.input)]


def numbers(name: str, layer: Layer, input: Shape, spread: float = 1.0) -> Setting:
    """Return a setting of which the numbers are looked at alone."""
    return Setting(name, layer, input, spread, numbers_only=True)


def over_windows(layer: Layer, channels: int, windows: Sequence[Windows]) -> Setting:
    """Return a setting of an image that is as small as windows may be tried on."""
    height, width = (max(1, w.extent - sum(w.padding)) + 2 * w.stride for w in windows)
    return Setting("as given", layer, (channels, height, width + 1))


AXES: Mapping[int, tuple[str, ...]] = {1: ("features",), 3: ("channels", "height", "width")}
"""What the axes of features and of an image are, by how many there are."""


def axes_of(shape: Shape) -> tuple[str, ...]:
    """Return what people call the axes of features or of an image; else their numbers."""
    return AXES.get(len(shape)) or tuple(f"axis {number}" for number in range(len(shape)))


class LayerKind(Kind[LayerSituation]):
    """A kind of layer, and what arrays that are off become in it.

    The defaults suit sums of products. Arrays are (n, ...). x is off by at most e, and the
    upstream gradient g by at most d. Of a sum of products of W and x, the error of x makes |W| e,
    and the layer's own roundings at most its budget for |x| + e (`cnnspec.numerics.budget`). Layers
    that select pass errors on; where rounding may turn a decision, a gradient may go either way,
    and is off by all of |g| + d.
    """

    is_sum: ClassVar[bool] = True
    """Whether every number is a sum of products, whose budget follows from how many there are
    (`Layer.reductions`) and from their magnitudes; else `budgets` has a derivation of its own."""
    of_one_rank: ClassVar[bool] = False
    """Whether people write it for images or for features, and not for both."""
    settings: ClassVar[Sequence[Setting]] = ()
    """In which a class is tried that somebody wrote, where others tell more than the defaults of
    the options, over images and over features."""
    evaluation_faults: ClassVar[Sequence[Fault[LayerSituation]]] = ()
    """Those of what it `predicted`, in the order in which they are looked for."""
    one_of: ClassVar[str] = ""
    """The option by which it is another function, if there is one: people write a class for one
    of its values, without a parameter for it. Each value has settings, the default's first."""
    taken_for_the_rest: ClassVar[str] = ""
    """The cause of what is wrong where an option that is a share is taken for the rest, 1 - it."""

    def right(self, observation: Observation[LayerSituation]) -> Prediction | None:
        """Compute a quantity anew, with its own budget; None where the given one is as good."""
        return None

    def gives(
        self,
        situation: LayerSituation,
        quantity: str,
        off: Mapping[str, Exact] = MappingProxyType({}),
    ) -> Prediction | None:
        """Compute any quantity of a training pass, of what is `off` by so much.

        None where a kind has no way to do so that is shorter than the textbook's.
        """
        return None

    def budgets(self, situation: LayerSituation, precision: str) -> dict[str, Exact]:
        """Bound the errors of a training pass by what it is given, for what is no plain sum."""
        raise NotImplementedError

    def errors(
        self,
        situation: LayerSituation,
        precision: str,
        quantities: Iterable[str],
        off: Mapping[str, Exact] = MappingProxyType({}),
    ) -> dict[str, Exact]:
        """Bound the errors of some quantities of what is `off` by so much: of what is no sum.

        `off` may have `x`, `grad_output` and the parameters.
        """
        raise NotImplementedError

    def terms(
        self,
        situation: LayerSituation,
        precision: str,
        quantity: str,
        position: tuple[int, ...],
    ) -> Terms:
        """Say what the bound of one number of a quantity is made of, for what is no plain sum."""
        raise NotImplementedError

    def roundings(self, at: PlannedLayer, images: int) -> dict[str, int]:
        """Return how many roundings a term of each quantity can meet, where all are sums.

        The keys are `output`, `grad_input` and the parameters' own names.
        """
        return at.layer.reductions(at.input, at.output, images)

    def axes(self, at: PlannedLayer, quantity: str) -> tuple[str, ...]:
        """Return what people call each axis of a quantity, such as `height`.

        A parameter of one axis has a number for each channel, or feature, of the output.
        """
        if has_batch(quantity):
            return ("images", *axes_of(at.output if quantity == "output" else at.input))
        own = at.state[quantity.removeprefix("grad_")]
        return axes_of(at.output)[:1] if len(own) == 1 else axes_of(own)

    def windows(self, at: PlannedLayer) -> tuple[Windows, ...]:
        """Return the windows along the height and along the width; none where there are none."""
        return ()

    def sizes(self, at: PlannedLayer) -> dict[str, int]:
        """Return the sizes of the problem, by name: factors that may come in by mistake."""
        sizes = {}
        if len(at.output) == 3:
            sizes["positions"] = math.prod(at.output[1:])
        if len(at.input) == 3:
            if at.input != at.output:
                sizes["in_channels"] = at.input[0]
                sizes["input_positions"] = math.prod(at.input[1:])
            sizes["out_channels" if at.input != at.output else "channels"] = at.output[0]
        else:
            sizes |= {"in_features": at.input[0], "out_features": at.output[0]}
        return sizes

    def tried(self, layer: type[Layer]) -> Sequence[Setting]:
        """Return the settings in which a class is tried, by the kind's class in the spec."""
        settings = [*self.settings]
        if not settings:
            both = Setting("images", layer(), (2, 4, 5)), Setting("features", layer(), (6,))
            settings += filter(_fits, both)
        if layer.keeps_shape and not self.of_one_rank:
            inputs = {each.input for each in settings}
            ranks = {len(each) for each in inputs}
            small = (
                numbers("one row of one channel", layer(), (1, 1, 5)),
                numbers("one feature", layer(), (1,)),
            )
            settings += [
                each
                for each in small
                if len(each.input) in ranks and each.input not in inputs and _fits(each)
            ]
        return settings

    def like(self, layer: Any) -> Sequence[Setting]:
        """Return settings with the options that a user gave."""
        written = getattr(layer, layer.input_width) if layer.input_width else None
        settings: dict[tuple[Shape, float], Setting] = {}
        for each in self.tried(type(layer)):
            own = (written or each.input[0], *each.input[1:])
            settings.setdefault((own, each.spread), replace(each, layer=layer, input=own))
        return [*settings.values()]

    # What rounding may decide

    def decider(self, at: PlannedLayer) -> str:
        """Return what people call a layer that decides about its numbers; nothing: it does not."""
        return ""

    def decisions(self, at: PlannedLayer, x: Exact) -> NDArray[Any]:
        """Return what is decided about the numbers of an input, by a layer that decides."""
        raise NotImplementedError

    def near(self, at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
        """Tell of each decision whether it may turn, where x is off by less than a slack."""
        raise NotImplementedError

    def selects(self, at: PlannedLayer) -> bool:
        """Tell whether a layer passes on what it is given, and adds no rounding of its own."""
        return False

    # What errors become, of all inputs

    def errors_ahead(
        self, at: PlannedLayer, weights: Weights, inputs: Arrays, errors: Arrays, *, training: bool
    ) -> Exact:
        """Bound the error of the output, in training or in evaluation."""
        (x,), (e,) = inputs, errors
        return (self.forward if training else self.predict)(at, weights, x, e)

    def errors_back(
        self, at: PlannedLayer, weights: Weights, inputs: Arrays, errors: Arrays, g: Exact, d: Exact
    ) -> tuple[Arrays, Errors]:
        """Bound the errors of each input's gradient, and of the parameters' by their own names."""
        (x,), (e,) = inputs, errors
        back, of_parameters = self.backward(at, weights, x, e, g, d)
        return [back], of_parameters

    # The same, of the one input that most layers have

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        """Bound the error of the output in training."""
        nothing = np.zeros((len(x), *at.output))
        size = weights.sums(at, np.abs(x) + e, nothing, biased=True)["output"]
        carried = weights.sums(at, e, nothing)["output"]
        return carried + weights.own(self.roundings(at, len(x))["output"], size)

    def predict(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        """Bound the error of the output in evaluation."""
        return self.forward(at, weights, x, e)

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        """Bound the errors of the input's gradient and of the parameters', by their own names."""
        size, k = np.abs(g) + d, self.roundings(at, len(x))
        whole = weights.sums(at, np.abs(x) + e, size)
        of_x, of_g = weights.sums(at, e, size), weights.sums(at, np.abs(x), d)
        errors = {}
        for name in at.parameters:
            key = f"grad_{name}"
            carried = of_g[key] if name == "bias" else of_g[key] + of_x[key]
            errors[name] = carried + weights.own(k[name], whole[key])
        own = weights.own(k["grad_input"], whole["grad_input"])
        return of_g["grad_input"] + own, errors

    def buffers(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Errors:
        """Bound the errors of the buffers after a pass, by their own names."""
        return {}
