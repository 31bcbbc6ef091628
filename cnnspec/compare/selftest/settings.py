"""In which settings of a layer or a training a fault shows."""

from __future__ import annotations

from typing import Any

from cnnspec.plan import PlannedLayer
from cnnspec.spec.sizes import pair
from cnnspec.spec.training import Training


def has_bias(at: PlannedLayer) -> bool:
    """Tell whether a layer has a bias."""
    return "bias" in at.parameters


def has_kernel(at: PlannedLayer) -> bool:
    """Tell whether a kernel has more than one cell."""
    return _layer(at).kernel_size not in (1, (1, 1))


def has_square_kernel(at: PlannedLayer) -> bool:
    """Tell whether a kernel can be transposed."""
    height, width = pair(_layer(at).kernel_size)
    return bool(height == width > 1)


def has_even_same(at: PlannedLayer) -> bool:
    """Tell whether `padding: same` adds one cell more on one side."""
    return _layer(at).padding == "same" and any(size % 2 == 0 for size in _kernel(at))


def is_padded(at: PlannedLayer) -> bool:
    """Tell whether cells are added around the image."""
    return _layer(at).padding not in (0, (0, 0))


def is_strided(at: PlannedLayer) -> bool:
    """Tell whether windows are more than one cell apart, and there are several."""
    strides = pair(_layer(at).stride)
    return any(s > 1 and n > 1 for s, n in zip(strides, at.output[1:]))


def is_dilated(at: PlannedLayer) -> bool:
    """Tell whether the cells of a kernel are more than one cell apart."""
    dilations = pair(_layer(at).dilation)
    return any(d > 1 and k > 1 for d, k in zip(dilations, _kernel(at)))


def is_grouped(at: PlannedLayer) -> bool:
    """Tell whether a convolution has groups of several channels each."""
    groups = _layer(at).groups
    return bool(groups > 1 and at.input[0] > groups)


def several_groups(at: PlannedLayer) -> bool:
    """Tell whether a convolution has groups."""
    return bool(_layer(at).groups > 1)


def several_channels(at: PlannedLayer) -> bool:
    """Tell whether the input has several channels."""
    return at.input[0] > 1


def is_square(at: PlannedLayer) -> bool:
    """Tell whether a linear layer has as many outputs as inputs."""
    return at.input == at.output


def overlaps(at: PlannedLayer) -> bool:
    """Tell whether windows of a convolution or a pool share cells."""
    strides = pair(_layer(at).strides() if at.kind == "pool" else _layer(at).stride)
    return any(k > s and n > 1 for k, s, n in zip(_kernel(at), strides, at.output[1:]))


def is_max(at: PlannedLayer) -> bool:
    """Tell whether a pool takes the maximum, of more than one cell."""
    return _layer(at).kind == "max" and has_kernel(at)


def is_average(at: PlannedLayer) -> bool:
    """Tell whether a pool takes the average, of more than one cell."""
    return _layer(at).kind == "avg" and has_kernel(at)


def is_image(at: PlannedLayer) -> bool:
    """Tell whether there are several channels of several cells to put in order."""
    return len(at.input) == 3 and at.input[0] > 1 and at.input[1] * at.input[2] > 1


def reaches_over(at: PlannedLayer) -> bool:
    """Tell whether `ceil_mode` keeps a window that reaches over the padded edge."""
    layer = _layer(at)
    return any(
        (n - 1) * s + k > size + 2 * p
        for n, s, k, size, p in zip(
            at.output[1:], layer.strides(), _kernel(at), at.input[1:], pair(layer.padding)
        )
    )


def with_momentum(training: Training) -> bool:
    """Tell whether SGD has a momentum."""
    return bool(getattr(training.optimizer, "momentum", 0))


def with_adam(training: Training) -> bool:
    """Tell whether the optimizer counts its steps."""
    return training.optimizer.keyword == "adam"


def with_slots(training: Training) -> bool:
    """Tell whether the optimizer keeps anything."""
    return with_adam(training) or with_momentum(training)


def with_plain_momentum(training: Training) -> bool:
    """Tell whether SGD has a momentum that is not Nesterov's."""
    return with_momentum(training) and not with_nesterov(training)


def with_nesterov(training: Training) -> bool:
    """Tell whether SGD has Nesterov's momentum."""
    return bool(getattr(training.optimizer, "nesterov", False))


def with_decay(training: Training) -> bool:
    """Tell whether the optimizer has weight decay."""
    return training.optimizer.weight_decay > 0


def with_momentum_and_decay(training: Training) -> bool:
    """Tell whether SGD has both."""
    return with_momentum(training) and with_decay(training)


def _layer(at: PlannedLayer) -> Any:
    return at.layer


def _kernel(at: PlannedLayer) -> tuple[int, int]:
    return pair(_layer(at).kernel_size)
