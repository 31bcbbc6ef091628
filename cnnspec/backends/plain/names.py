"""What people call the parts of a layer: conventional names, by ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cnnspec.backends.plain.alike import alike, parts_of, word_set
from cnnspec.backends.plain.modes import SAID
from cnnspec.spec.layers import KINDS, Layer

_WEIGHT = ("weight", "weights", "W", "w", "kernel", "kernels", "filter", "filters", "gamma")
_BIAS = ("bias", "biases", "b", "B", "beta", "w0", "W0", "offset", "offsets", "intercept")


def gradients_of(*words: str) -> tuple[str, ...]:
    """Return what people call the gradient of something that they call by these words."""
    forms = (
        *("grad_{}", "d_{}", "d{}", "{}_grad", "{}_gradient", "{}_gradients", "grad{}", "{}_g"),
        *("dL_d{}", "dLd{}", "dl_d{}", "gradient_{}", "delta_{}", "nabla_{}", "g{}"),
    )
    return tuple(form.format(word) for form in forms for word in words)


ARRAYS: Mapping[str, tuple[str, ...]] = {
    "weight": _WEIGHT,
    "bias": _BIAS,
    "grad_weight": gradients_of(*_WEIGHT),
    "grad_bias": gradients_of(*_BIAS),
    "grad_input": (
        *("dx", "dX", "d_x", "d_input", "d_inputs", "dinput", "dinputs", "grad_input"),
        *gradients_of("x", "X", "input", "inputs", "inp", "A_prev", "a_prev", "prev", "in"),
    ),
    "output": ("output", "outputs", "out", "y", "Y", "A", "a", "Z", "z"),
    "loss": ("loss", "output", "out", "value"),
    **{
        name: (name, *words.split())
        for kind in KINDS.values()
        for name, words in kind.words.arrays.items()
    },
}
"""Attributes, and keys of what `backward` returns. A class may have them with an underscore."""

GRADIENT = "grad_"
"""Before our name for something: our name for its gradient."""


def words_for_array(name: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return what an array may be called; `names` says what a class calls some, by our names.

    Whoever calls the weight `theta` calls its gradient `dtheta`, or as others do.
    """
    if name in names:
        return (names[name],)
    of = names.get(name.removeprefix(GRADIENT))
    own = gradients_of(of.split(".")[-1]) if of and name.startswith(GRADIENT) else ()
    return (*own, *ARRAYS[name])


_OF_BIAS = word_set("bias biases beta offset offsets intercept")
_OF_WEIGHT = word_set("weight weights kernel kernels filter filters gamma")
_OF_GRADIENT = word_set("grad grads gradient gradients d delta deltas nabla derivative")
_SAYS_NOTHING = word_set(
    "matrix vector mat vec array tensor values layer conv fc dense linear param params parameter "
    "w b of the wrt loss l acc accumulated sum total"
)


def named_by_parts(own: str) -> str:
    """Return our name for an array by the words in its name; nothing where those say more.

    `weightMatrix` is the weight, `filterBiases` the bias, `biasGradient` the gradient of that.
    """
    base = own.rstrip("0123456789")
    if base != own:  # `W1`
        return next((name for name in NUMBERED if base.lstrip("_") in ARRAYS[name]), "")
    parts = {*parts_of(own)}
    of = "bias" if parts & _OF_BIAS else "weight" if parts & _OF_WEIGHT else ""
    if not of or parts - _OF_BIAS - _OF_WEIGHT - _OF_GRADIENT - _SAYS_NOTHING:
        return ""
    return f"{GRADIENT}{of}" if parts & _OF_GRADIENT else of


NUMBERED = ("weight", "bias", "grad_weight", "grad_bias")
"""Arrays that people number, though there is one of each."""

LISTED = ("weight", "bias")
"""The order of arrays in a list."""

PARAMETER_HOLDERS = (
    *("params", "parameters", "param", "state", "p", "variables", "vars", "weights"),
)
GRADIENT_HOLDERS = ("grads", "gradients", "grad", "d_params", "dparams")
"""Attributes that may hold arrays in a dictionary or a list."""

DATA = ("data", "value", "val", "values", "array", "params")
GRADIENT_OF_DATA = ("grad", "gradient", "grads", "diff", "d", "delta")
"""Attributes of an object that is a parameter, or keys of a dictionary that is one: its array,
and the gradient of it."""

METHODS: Mapping[str, tuple[str, ...]] = {
    "forward": (
        *("forward", "forward_pass", "forward_propagation", "forward_prop", "forwardPass"),
        *("feedforward", "feed_forward", "fprop", "fwd", "__call__", "call", "activate"),
        *("activation", "function", "func", "compute", "calculate", "apply"),
    ),
    "backward": (
        *("backward", "backward_pass", "backprop", "back", "backpropagate", "back_propagation"),
        *("backward_propagation", "backpropagation", "backward_prop", "back_prop", "bprop"),
        *("backwardPass", "bwd", "gradient", "grad", "compute_gradient", "compute_gradients"),
        *("compute_grad", "calc_gradient", "calc_gradients", "calc_grad", "get_gradient"),
        *("backward_gradient", "derivative", "derivate", "deriv", "derive", "prime"),
    ),
}

LOSS_METHODS: Mapping[str, tuple[str, ...]] = {
    "forward": (
        *(*METHODS["forward"], "loss", "cal_loss", "calc_loss", "get_loss", "compute_loss"),
        *("calculate_loss", "calculateLoss", "loss_func", "loss_function", "cost", "compute_cost"),
        *("cal_cost",),
    ),
    "backward": METHODS["backward"],
}
"""The same of a loss."""

BUILD = (
    *("build", "initialize", "init_weights", "initialize_weights", "initialise", "init_params"),
    *("initialize_parameters", "init_parameters", "reset_parameters", "setup", "init", "compile"),
)
"""Methods that make the weights when the shape of the input is known."""

TELLS_SHAPE = ("set_input_shape", "set_input_size", "set_input_dim")
"""Methods that are told it before."""

ZERO_GRADIENTS = re.compile(
    r"_*(zero|reset|clear|flush|clean|empty|init)_?(all_?)?(the_?)?(param(eter)?s?_?)?"
    r"(grads?|gradients?)(_?(param(eter)?s?|weights?))?_*$",
    re.IGNORECASE,
)
"""Methods of a class that adds gradients up over calls, until it is told to begin anew."""

UPDATES = (
    *("update", "update_params", "update_parameters", "update_weights", "update_weight", "step"),
    *("apply_gradient", "apply_gradients", "apply_grad", "apply_grads", "optimize", "update_param"),
    *("updateParams", "updateWeights", "learn", "adjust_weights"),
)
"""Methods that update the weights, by a learning rate."""

INPUT_SHAPE = "input_shape"
"""No option: the shape of one image, or the number of features, for those who ask for it."""

OUTPUT_SHAPE = "output_shape"
"""The same of the output."""

OUTPUT_SHAPES = (OUTPUT_SHAPE, "out_shape", "output_dims")
"""Parameters of a constructor for that."""

SHAPES = (INPUT_SHAPE, "in_shape", "input_dims")
"""Parameters of a constructor for that."""

_IMAGE_SIDES = """
    input_height,input_width in_height,in_width input_h,input_w in_h,in_w h_in,w_in
    image_height,image_width img_h,img_w image_h,image_w img_height,img_width height,width h,w
"""
IMAGE_SIDES = tuple(tuple(sides.split(",")) for sides in _IMAGE_SIDES.split())
"""Parameters of a constructor for the height and the width of an image."""

LEARNING_RATES = (
    *("learning_rate", "lr", "alpha", "eta", "rate", "step_size", "learn_rate", "learningRate"),
    *("LR", "l_rate", "learnRate", "learning_r", "stepsize"),
)
"""Parameters of `backward`, and attributes, that make it update the weights at once."""

NO_SURE_RATES = ("alpha", "eta", "rate")
"""Those among them that may be something else: an upstream gradient."""

_OTHERS = """
    batch_size name activation activation_function act optimizer seed rng initializer init
    weight_init regularization reg dtype config weight_decay dropout
"""
NO_SIZES = frozenset((*LEARNING_RATES, *_OTHERS.split()))
"""Parameters of a constructor that are none of a layer's sizes."""

INPUTS = ("x", "X", "input", "inputs", "A_prev", "a_prev")
CACHES = ("cache", "caches")
"""Parameters of `backward` beside the upstream gradient: what `forward` was given, or returned."""

LABELS = ("t", "y", "labels", "label", "targets", "target", "y_true", "y_batch")
UNNORMALISED = ("z", "logit", "logits", "score", "scores")
"""Parameters of a loss that are no probabilities, in small letters."""

LOGITS = (*("z", "Z", "logits", "scores", "y_pred", "preds", "predictions"), *INPUTS)
"""Parameters of the `backward` of a loss."""


def options_of(kind: type[Layer]) -> list[str]:
    """Return the options of a kind of layer, without what every layer has."""
    return [option for option in kind.model_fields if option not in Layer.model_fields]


def nameable_options(kind: type[Layer]) -> list[str]:
    """Return what of a kind may have another name: its options, and the rest of shares."""
    return [*options_of(kind), *rests_of(kind)]


def words_for(option: str, kind: type[Layer]) -> tuple[str, ...]:
    """Return what people call an option of a kind: in constructors, and in other tools."""
    if option == INPUT_SHAPE:
        return SHAPES
    if option == OUTPUT_SHAPE:
        return OUTPUT_SHAPES
    rest = kind.words.complements.get(option, "").split()
    return tuple(dict.fromkeys((*_own_words(option, kind), *rest)))


def rests_of(kind: type[Layer]) -> dict[str, str]:
    """Return the options of a kind that are shares, by our name for the rest, 1 - it."""
    return {
        word: option
        for option, words in kind.words.complements.items()
        for word in [word for word in words.split() if word not in _own_words(option, kind)][:1]
    }


def mapped_words(option: str, kind: type[Layer], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a user says that an option is called, or the rest of one that is a share."""
    said = option, *(word for word, own in rests_of(kind).items() if own == option)
    return tuple(names[name] for name in said if name in names)


def is_complement(
    word: str, default: object, option: str, kind: type[Layer], names: Mapping[str, str]
) -> bool:
    """Tell whether a parameter for an option that is a share says the rest, 1 - it."""
    if any(names.get(rest) == word for rest, own in rests_of(kind).items() if own == option):
        return True
    rest = kind.words.complements.get(option, "").split()
    if alike(rest, [word]) is None:
        return False
    is_own = alike(_own_words(option, kind), [word]) is not None
    return not is_own or (isinstance(default, float) and default > 0.5)


def _own_words(option: str, kind: type[Layer]) -> tuple[str, ...]:
    tables = (kind.words.parameters, kind.words.options)
    return option, *(word for table in tables for word in table.get(option, "").split())


def sides_of(option: str, kind: type[Layer]) -> list[list[str]]:
    """Return the pairs of parameters that an option of a kind may be, for height and width."""
    return [pair.split(",") for pair in kind.words.sides.get(option, "").split()]


NAMES = frozenset(
    {
        *ARRAYS,
        *METHODS,
        *SAID,
        INPUT_SHAPE,
        OUTPUT_SHAPE,
        *(option for kind in KINDS.values() for option in nameable_options(kind)),
    }
)
"""All that a user may say another name for."""
