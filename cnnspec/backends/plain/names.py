"""What people call the parts of a layer: conventional names, by ours."""

from __future__ import annotations

from collections.abc import Mapping

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
}
"""Attributes, and keys of what `backward` returns."""

GRADIENT = "grad_"
"""Before our name for something: our name for its gradient."""

LISTED = ("weight", "bias")
"""The order of arrays in a list."""

PARAMETER_HOLDERS = ("params", "parameters", "param", "state")
GRADIENT_HOLDERS = ("grads", "gradients", "grad", "d_params", "dparams")
"""Attributes that may hold arrays in a dictionary or a list."""

METHODS: Mapping[str, tuple[str, ...]] = {
    "forward": ("forward", "forward_pass", "__call__"),
    "backward": ("backward", "backward_pass", "backprop", "back", "backpropagate"),
}

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "in_channels": (
        *("in_channels", "input_channels", "num_channels", "n_channels", "in_ch", "in_c"),
        *("channels_in", "c_in", "channels", "num_input_channels", "input_depth", "depth"),
    ),
    "out_channels": (
        *("out_channels", "output_channels", "num_filters", "n_filters", "filters", "out_ch"),
        *("channels_out", "c_out", "out_c", "num_kernels", "n_kernels", "filter_count"),
    ),
    "in_features": (
        *("in_features", "input_size", "input_dim", "n_in", "n_inputs", "num_inputs", "in_dim"),
        *("in_size", "inputs", "input_features", "fan_in", "n_input", "d_in", "input_units"),
    ),
    "out_features": (
        *("out_features", "output_size", "output_dim", "n_out", "n_outputs", "num_outputs"),
        *("out_dim", "out_size", "outputs", "output_features", "units", "fan_out", "n_output"),
        *("d_out", "n_units", "num_units", "n_neurons", "output_units"),
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

LEARNING_RATES = ("learning_rate", "lr", "alpha", "eta", "rate", "step_size")
"""Parameters of `backward` that make it update the weights at once."""

TRAINING = ("training", "train", "is_training", "train_mode")
"""Parameters of `forward`."""

NAMES = frozenset({*ARRAYS, *METHODS, *OPTIONS})
"""All that a user may say another name for."""
