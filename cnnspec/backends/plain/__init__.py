"""Plain classes with forward and backward, as people write them by hand, as layers of a network."""

from cnnspec.backends.plain.adapter import PlainLayer
from cnnspec.backends.plain.errors import HintError, PlainClassError, UnsupportedSettingError
from cnnspec.backends.plain.functions import layer_of, layer_of_methods
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import LAYOUTS
from cnnspec.backends.plain.loss import PlainLoss
from cnnspec.backends.plain.loss_passes import Chain, LossFunctions, LossPass, RightSoftmax
from cnnspec.backends.plain.pairs import backward_of

__all__ = [
    "LAYOUTS",
    "Chain",
    "HintError",
    "Hints",
    "LossFunctions",
    "LossPass",
    "PlainClassError",
    "PlainLayer",
    "PlainLoss",
    "RightSoftmax",
    "UnsupportedSettingError",
    "backward_of",
    "layer_of",
    "layer_of_methods",
]
