"""What people call the parts of a layer: conventional names, by ours."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.spec.layers import KINDS, Layer

_WEIGHT = ("weight", "weights", "W", "w", "kernel", "kernels", "filter", "filters", "gamma")
_BIAS = ("bias", "biases", "b", "B", "beta")


def _gradients(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return what people call the gradient of something that they call by these words."""
    forms = (
        *("grad_{}", "d_{}", "d{}", "{}_grad", "{}_gradient", "{}_gradients", "grad{}", "{}_g"),
        *("dL_d{}", "dLd{}", "dl_d{}", "gradient_{}", "delta_{}", "nabla_{}", "g{}"),
    )
    return tuple(form.format(word) for form in forms for word in words)


ARRAYS: Mapping[str, tuple[str, ...]] = {
    "weight": _WEIGHT,
    "bias": _BIAS,
    "running_mean": ("running_mean", "moving_mean", "mean_running", "running_mu"),
    "running_var": ("running_var", "running_variance", "moving_var", "moving_variance"),
    "grad_weight": _gradients(_WEIGHT),
    "grad_bias": _gradients(_BIAS),
    "grad_input": (
        *("dx", "dX", "d_x", "d_input", "d_inputs", "dinput", "dinputs", "grad_input"),
        *("grad_inputs", "input_grad", "input_gradient", "grad_x", "x_grad"),
    ),
    "output": ("output", "outputs", "out", "y", "Y", "A", "a", "Z", "z"),
    "loss": ("loss", "output", "out", "value"),
}
"""Attributes, and keys of what `backward` returns. A class may have them with an underscore."""

GRADIENT = "grad_"
"""Before our name for something: our name for its gradient."""

LISTED = ("weight", "bias")
"""The order of arrays in a list."""

PARAMETER_HOLDERS = ("params", "parameters", "param", "state")
GRADIENT_HOLDERS = ("grads", "gradients", "grad", "d_params", "dparams")
"""Attributes that may hold arrays in a dictionary or a list."""

DATA = ("data", "value")
GRADIENT_OF_DATA = ("grad", "gradient")
"""Attributes of an object that is a parameter: its array, and the gradient of it."""

METHODS: Mapping[str, tuple[str, ...]] = {
    "forward": ("forward", "forward_pass", "__call__"),
    "backward": ("backward", "backward_pass", "backprop", "back", "backpropagate"),
}

LOSS_METHODS: Mapping[str, tuple[str, ...]] = {
    "forward": (*METHODS["forward"], "loss", "calculate", "compute"),
    "backward": (*METHODS["backward"], "gradient", "grad"),
}
"""The same of a loss."""

BUILD = ("build", "initialize", "init_weights", "initialize_weights")
"""Methods that make the weights when the shape of the input is known."""

ZERO_GRADIENTS = ("zero_grad", "reset_grad", "clear_grad", "zero_gradients", "zero_grads")
"""Methods of a class that adds gradients up over calls, until it is told to begin anew."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "in_channels": (
        *("in_channels", "input_channels", "num_channels", "n_channels", "in_ch", "in_c"),
        *("channels_in", "c_in", "channels", "num_input_channels", "input_depth"),
        *("n_C_prev", "depth"),
    ),
    "out_channels": (
        *("out_channels", "output_channels", "num_filters", "n_filters", "filters", "out_ch"),
        *("channels_out", "c_out", "out_c", "num_kernels", "n_kernels", "filter_count"),
        *("n_C", "depth"),
    ),
    "in_features": (
        *("in_features", "input_size", "input_dim", "n_in", "n_inputs", "num_inputs", "in_dim"),
        *("in_size", "inputs", "input_features", "fan_in", "n_input", "d_in", "input_units"),
        *("nin", "num_input", "input_neurons", "input_len", "input_length", "input", "in_"),
    ),
    "out_features": (
        *("out_features", "output_size", "output_dim", "n_out", "n_outputs", "num_outputs"),
        *("out_dim", "out_size", "outputs", "output_features", "units", "fan_out", "n_output"),
        *("d_out", "n_units", "num_units", "n_neurons", "output_units", "nout", "num_output"),
        *("output_neurons", "nodes", "neurons", "num_neurons", "output_len", "output", "out"),
    ),
    "num_features": ("num_features", "features", "num_channels", "channels", "n_features", "dim"),
    "kernel_size": (
        *("kernel_size", "filter_size", "pool_size", "kernel", "size", "window", "window_size"),
        *("k", "f", "ksize", "kernel_shape"),
    ),
    "stride": ("stride", "strides", "s"),
    "padding": ("padding", "pad", "p", "pads"),
    "dilation": ("dilation", "dilation_rate"),
    "groups": ("groups", "num_groups"),
    "bias": ("bias", "use_bias", "with_bias"),
    "kind": ("kind", "mode", "pool_type", "method"),
    "ceil_mode": ("ceil_mode", "ceil"),
    "eps": ("eps", "epsilon"),
    "momentum": ("momentum",),
    "affine": ("affine",),
    "input_shape": ("input_shape", "in_shape", "input_dims"),
}
"""Parameters of a constructor."""

SIDES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "kernel_size": (
        *(("pool_h", "pool_w"), ("filter_h", "filter_w"), ("kernel_h", "kernel_w"), ("kh", "kw")),
        *(("pool_height", "pool_width"), ("filter_height", "filter_width")),
        *(("kernel_height", "kernel_width"), ("k_h", "k_w"), ("f_h", "f_w"), ("KH", "KW")),
    ),
    "stride": (("stride_h", "stride_w"), ("stride_height", "stride_width")),
    "padding": (("pad_h", "pad_w"), ("padding_h", "padding_w")),
}
"""Parameters of a constructor for height and width apart."""

SIZES = (
    *("in_channels", "in_features", "num_features"),
    *("out_channels", "out_features", "kernel_size"),
)
"""Options that are sizes, in the order in which people list them."""

LEARNING_RATES = (
    *("learning_rate", "lr", "alpha", "eta", "rate", "step_size", "learn_rate", "learningRate"),
)
"""Parameters of `backward` that make it update the weights at once."""

_OTHERS = """
    batch_size name activation activation_function act optimizer seed rng initializer init
    weight_init regularization reg dtype config weight_decay dropout shape
"""
NO_SIZES = frozenset((*LEARNING_RATES, *_OTHERS.split()))
"""Parameters of a constructor that are none of a layer's sizes."""

TRAINING = ("training", "train", "is_training", "train_mode")
"""Parameters of `forward`."""

INPUTS = ("x", "X", "input", "inputs", "A_prev", "a_prev")
CACHES = ("cache", "caches")
"""Parameters of `backward` beside the upstream gradient: what `forward` was given, or returned."""

LABELS = ("t", "y", "labels", "label", "targets", "target", "y_true", "y_batch")
LOGITS = (*("z", "Z", "logits", "scores", "y_pred", "preds", "predictions"), *INPUTS)
"""Parameters of the `backward` of a loss."""


def options_of(kind: type[Layer]) -> list[str]:
    """Return the options of a kind of layer, without what every layer has."""
    return [option for option in kind.model_fields if option not in Layer.model_fields]


def words_for(option: str, kind: type[Layer]) -> tuple[str, ...]:
    """Return what people call an option of a kind: in constructors, and in other tools."""
    return *OPTIONS.get(option, (option,)), *kind.words.options.get(option, "").split()


NAMES = frozenset(
    {
        *ARRAYS,
        *METHODS,
        *OPTIONS,
        *(option for kind in KINDS.values() for option in options_of(kind)),
    }
)
"""All that a user may say another name for."""
