"""How images and features lie before a class, and how they come back."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.loops import LAYERS
from cnnspec.backends.plain import HintError, PlainLayer, UnsupportedSettingError
from cnnspec.backends.plain.layouts import LAYOUTS, layouts_of, shape_of_one
from cnnspec.spec.layers import Conv, Flatten, GlobalPool, Layer, Linear, ReLU
from cnnspec.spec.sizes import Shape

FLOAT = np.dtype(float)


def agrees(cls: type, layer: Layer, input: Shape, layout: str) -> PlainLayer:
    """See that a class does as the textbook does, in both passes, for batches of several sizes."""
    output = layer.output_shape(input)
    made = PlainLayer(cls, layer, input, output, FLOAT, layout=layout)
    textbook = LAYERS[layer.keyword](layer, input, output, FLOAT)
    random = np.random.default_rng(0)
    for name, array in made.parameters.items():
        array[...] = textbook.parameters[name][...] = random.normal(size=array.shape)
    for n in (3, 1):
        x, grad = random.normal(size=(n, *input)), random.normal(size=(n, *output))
        assert np.allclose(made.forward(x), textbook.forward(x))
        assert np.allclose(made.input_gradient(grad), textbook.input_gradient(grad))
        wanted = textbook.parameter_gradients(grad)
        for name, found in made.parameter_gradients(grad).items():
            assert np.allclose(found, wanted[name])
    return made


class Gray:
    """One gray image, and filters that come last."""

    def __init__(self, num_filters: int, filter_size: int) -> None:
        self.filters = np.zeros((num_filters, filter_size, filter_size))
        self.bias, self.k = np.zeros(num_filters), filter_size

    def windows(self) -> Any:
        rows, columns = (side - self.k + 1 for side in self.image.shape)
        for i, j in np.ndindex(rows, columns):
            yield i, j, (slice(i, i + self.k), slice(j, j + self.k))

    def forward(self, image: Any) -> Any:
        assert image.ndim == 2
        self.image = image
        y = np.zeros((*(side - self.k + 1 for side in image.shape), len(self.filters)))
        for i, j, at in self.windows():
            y[i, j] = (image[at] * self.filters).sum(axis=(1, 2)) + self.bias
        return y

    def backward(self, grad: Any) -> Any:
        self.d_filters, self.d_bias = np.zeros_like(self.filters), grad.sum(axis=(0, 1))
        dx = np.zeros_like(self.image)
        for i, j, at in self.windows():
            self.d_filters += grad[i, j][:, None, None] * self.image[at]
            dx[at] += (grad[i, j][:, None, None] * self.filters).sum(axis=0)
        return dx


class GrayFiltersFirst(Gray):
    def forward(self, image: Any) -> Any:
        return np.moveaxis(super().forward(image), -1, 0)

    def backward(self, grad: Any) -> Any:
        return super().backward(np.moveaxis(grad, 0, -1))


class GrayFiltersOfLastAxis(Gray):
    """Its filters are (height, width, filters)."""

    def __init__(self, num_filters: int, filter_size: int) -> None:
        super().__init__(num_filters, filter_size)
        self.filters = np.moveaxis(self.filters, 0, -1)

    def forward(self, image: Any) -> Any:
        self.filters = np.moveaxis(self.filters, -1, 0)
        y = super().forward(image)
        self.filters = np.moveaxis(self.filters, 0, -1)
        return y

    def backward(self, grad: Any) -> Any:
        self.filters = np.moveaxis(self.filters, -1, 0)
        dx = super().backward(grad)
        self.filters = np.moveaxis(self.filters, 0, -1)
        self.d_filters = np.moveaxis(self.d_filters, 0, -1)
        return dx


class GrayBatch(Gray):
    """A batch of gray images (n, h, w)."""

    def forward(self, images: Any) -> Any:
        assert images.ndim == 3
        self.images = images
        return np.stack([super(GrayBatch, self).forward(image) for image in images])

    def backward(self, grad: Any) -> Any:
        back = []
        total = [np.zeros_like(self.filters), np.zeros_like(self.bias)]
        for image, upstream in zip(self.images, grad):
            self.image = image
            back.append(super().backward(upstream))
            total = [total[0] + self.d_filters, total[1] + self.d_bias]
        self.d_filters, self.d_bias = total
        return np.stack(back)


@pytest.mark.parametrize(
    ("cls", "layout"),
    [
        (Gray, "hw"),
        (GrayFiltersFirst, "hw"),
        (GrayFiltersOfLastAxis, "hw"),
        (GrayBatch, "nhw"),
    ],
)
def test_gray_images_have_no_axis_for_channels(cls: type, layout: str) -> None:
    agrees(cls, Conv(out_channels=4, kernel_size=2), (1, 4, 6), layout)


class OnAnyArray:
    def forward(self, x: Any) -> Any:
        self.x = x
        return np.maximum(x, 0)

    def backward(self, grad: Any) -> Any:
        assert grad.shape == self.x.shape
        return grad * (self.x > 0)


@pytest.mark.parametrize("layout", layouts_of((1, 2, 3), (1, 2, 3)))
def test_an_image_lies_as_it_is_said(layout: str) -> None:
    made = agrees(OnAnyArray, ReLU(), (1, 2, 3), layout)
    one = shape_of_one((1, 2, 3), layout)
    assert made.instance.x.shape == (one if LAYOUTS[layout].one_by_one else (1, *one))


@pytest.mark.parametrize(
    ("layout", "shape"),
    [("nchw", (2, 3)), ("columns", (3, 2)), ("column", (3, 1)), ("row", (1, 3)), ("vector", (3,))],
)
def test_features_lie_as_it_is_said(layout: str, shape: Shape) -> None:
    made = agrees(OnAnyArray, ReLU(), (3,), layout)
    made.forward(np.zeros((2, 3)))
    assert made.instance.x.shape == shape
    assert layout in layouts_of((3,), (3,))


def test_what_cannot_lie_so_is_no_setting() -> None:
    for shape, layout, lacks in (
        ((2, 4, 4), "hw", "images"),
        ((3,), "nhw", "features"),
    ):
        with pytest.raises(UnsupportedSettingError) as caught:
            PlainLayer(OnAnyArray, ReLU(), shape, shape, FLOAT, layout=layout)
        assert caught.value.lacks == lacks
    with pytest.raises(HintError, match="no layout is called whc; there are: nchw, nhwc, chw"):
        PlainLayer(OnAnyArray, ReLU(), (3,), (3,), FLOAT, layout="whc")


class OneColumn:
    """One sample at a time, as a column; its biases are one, too."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros((n_out, 1))

    def forward(self, x: Any) -> Any:
        self.x = x
        return self.W @ x + self.b

    def backward(self, grad: Any) -> Any:
        self.dW, self.db = grad @ self.x.T, grad
        return self.W.T @ grad


class OneVector(OneColumn):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros(n_out)

    def backward(self, grad: Any) -> Any:
        self.dW, self.db = np.outer(grad, self.x), grad
        return self.W.T @ grad


class OneRow(OneColumn):
    def __init__(self, n_in: int, n_out: int) -> None:
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros((1, n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad: Any) -> Any:
        self.dW, self.db = self.x.T @ grad, grad
        return grad @ self.W.T


@pytest.mark.parametrize(
    ("cls", "layout"), [(OneColumn, "column"), (OneRow, "row"), (OneVector, "vector")]
)
def test_one_sample_at_a_time(cls: type, layout: str) -> None:
    agrees(cls, Linear(out_features=4), (3,), layout)


class FlattensAsItLies:
    def forward(self, x: Any) -> Any:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad: Any) -> Any:
        return grad.reshape(self.shape)


class FlattensChannelsFirst(FlattensAsItLies):
    def forward(self, x: Any) -> Any:
        return super().forward(x.transpose(0, 3, 1, 2))

    def backward(self, grad: Any) -> Any:
        return super().backward(grad).transpose(0, 2, 3, 1)


class FlattensByColumns(FlattensAsItLies):
    def forward(self, x: Any) -> Any:
        return super().forward(x.transpose(0, 2, 1, 3))


def test_a_flatten_may_keep_the_order_of_its_images() -> None:
    shape = (2, 3, 4)
    assert agrees(FlattensAsItLies, Flatten(), shape, "nhwc").notes == (
        "the order height, width, channels is taken for right, as images lie so: the weights of "
        "the next layer lie otherwise than torch's",
    )
    assert agrees(FlattensChannelsFirst, Flatten(), shape, "nhwc").notes == ()
    assert agrees(FlattensAsItLies, Flatten(), shape, "nchw").notes == ()
    with pytest.raises(AssertionError):
        agrees(FlattensByColumns, Flatten(), shape, "nhwc")


class FlattensToOneColumn:
    """One image at a time."""

    def forward(self, x: Any) -> Any:
        self.shape = x.shape
        return x.reshape(-1, 1)

    def backward(self, grad: Any) -> Any:
        return grad.reshape(self.shape)


class FlattensToColumns(FlattensAsItLies):
    def forward(self, x: Any) -> Any:
        return super().forward(x).T

    def backward(self, grad: Any) -> Any:
        return super().backward(grad.T)


class Reshapes:
    def __init__(self, input_shape: Any, output_shape: Any) -> None:
        self.input_shape, self.output_shape = input_shape, output_shape

    def forward(self, x: Any) -> Any:
        return np.reshape(x, self.output_shape)

    def backward(self, grad: Any) -> Any:
        return np.reshape(grad, self.input_shape)


@pytest.mark.parametrize(
    ("cls", "layout"),
    [
        (FlattensToOneColumn, "column"),
        (FlattensToColumns, "columns"),
        (Reshapes, "column"),
        (Reshapes, "row"),
        (Reshapes, "vector"),
    ],
)
def test_images_become_features_that_lie_as_it_is_said(cls: type, layout: str) -> None:
    agrees(cls, Flatten(), (2, 3, 4), layout)
    assert layout in layouts_of((2, 3, 4), (24,))
    assert layout not in layouts_of((2, 3, 4), (2, 3, 4))


class AverageAsFeatures:
    def forward(self, x: Any) -> Any:
        self.shape = x.shape
        return x.mean(axis=(1, 2))

    def backward(self, grad: Any) -> Any:
        _, h, w, _ = self.shape
        return np.broadcast_to(grad[:, None, None], self.shape) / (h * w)


def test_one_cell_needs_no_axes() -> None:
    assert agrees(AverageAsFeatures, GlobalPool(), (2, 3, 4), "nhwc").notes == (
        "its output has no axes for height and width, which have one cell",
    )
