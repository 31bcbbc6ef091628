"""A small Keras of one's own: layers are built on their first input; images are (n, h, w, c)."""

import numpy as np


class Layer:
    built = False

    def __call__(self, inputs, training=False):
        if not self.built:
            self.build(inputs.shape)
            self.built = True
        return self.call(inputs, training)

    def build(self, input_shape):
        pass


class Dense(Layer):
    def __init__(self, units, use_bias=True):
        self.units = units
        self.use_bias = use_bias

    def build(self, input_shape):
        limit = np.sqrt(6 / (input_shape[-1] + self.units))
        self.kernel = np.random.uniform(-limit, limit, (input_shape[-1], self.units))
        self.bias = np.zeros(self.units) if self.use_bias else None

    def call(self, inputs, training=False):
        self.inputs = inputs
        outputs = inputs @ self.kernel
        return outputs + self.bias if self.use_bias else outputs

    def backward(self, grads):
        self.kernel_grad = self.inputs.T @ grads
        if self.use_bias:
            self.bias_grad = grads.sum(0)
        return grads @ self.kernel.T


class Conv2D(Layer):
    def __init__(self, filters, kernel_size, strides=(1, 1), use_bias=True):
        self.filters = filters
        self.kernel_size = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.strides = (strides,) * 2 if isinstance(strides, int) else strides
        self.use_bias = use_bias

    def build(self, input_shape):
        self.kernel = np.random.randn(*self.kernel_size, input_shape[-1], self.filters) * 0.05
        self.bias = np.zeros(self.filters)

    def windows(self):
        (kh, kw), (sh, sw) = self.kernel_size, self.strides
        for i in range((self.inputs.shape[1] - kh) // sh + 1):
            for j in range((self.inputs.shape[2] - kw) // sw + 1):
                yield i, j, slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)

    def call(self, inputs, training=False):
        self.inputs = inputs
        found = {
            (i, j): np.tensordot(inputs[:, r, c], self.kernel, 3) for i, j, r, c in self.windows()
        }
        rows, columns = max(found)
        outputs = np.stack(
            [np.stack([found[i, j] for j in range(columns + 1)], 1) for i in range(rows + 1)], 1
        )
        return outputs + self.bias if self.use_bias else outputs

    def backward(self, grads):
        self.kernel_grad = np.zeros_like(self.kernel)
        if self.use_bias:
            self.bias_grad = grads.sum((0, 1, 2))
        dx = np.zeros_like(self.inputs)
        for i, j, r, c in self.windows():
            self.kernel_grad += np.tensordot(self.inputs[:, r, c], grads[:, i, j], (0, 0))
            dx[:, r, c] += np.tensordot(grads[:, i, j], self.kernel, (1, 3))
        return dx


class MaxPooling2D(Layer):
    def __init__(self, pool_size=(2, 2), strides=None):
        self.pool_size = (pool_size,) * 2 if isinstance(pool_size, int) else pool_size
        strides = self.pool_size if strides is None else strides
        self.strides = (strides,) * 2 if isinstance(strides, int) else strides

    def call(self, inputs, training=False):
        self.inputs = inputs
        (ph, pw), (sh, sw) = self.pool_size, self.strides
        n, h, w, c = inputs.shape
        out = np.empty((n, (h - ph) // sh + 1, (w - pw) // sw + 1, c))
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                out[:, i, j] = inputs[:, i * sh : i * sh + ph, j * sw : j * sw + pw].max((1, 2))
        return out

    def backward(self, grads):
        (ph, pw), (sh, sw) = self.pool_size, self.strides
        dx = np.zeros_like(self.inputs)
        for n, i, j, c in np.ndindex(*grads.shape):
            window = self.inputs[n, i * sh : i * sh + ph, j * sw : j * sw + pw, c]
            a, b = divmod(int(window.argmax()), pw)
            dx[n, i * sh + a, j * sw + b, c] += grads[n, i, j, c]
        return dx


class AveragePooling2D(Layer):
    def __init__(self, pool_size=2, strides=None):
        self.pool_size, self.strides = pool_size, strides or pool_size

    def call(self, inputs, training=False):
        self.shape, k, s = inputs.shape, self.pool_size, self.strides
        n, h, w, c = inputs.shape
        out = np.empty((n, (h - k) // s + 1, (w - k) // s + 1, c))
        for i, j in np.ndindex(out.shape[1:3]):
            out[:, i, j] = inputs[:, i * s : i * s + k, j * s : j * s + k].mean(axis=(1, 2))
        return out

    def backward(self, grads):
        k, s = self.pool_size, self.strides
        dx = np.zeros(self.shape)
        for i, j in np.ndindex(grads.shape[1:3]):
            dx[:, i * s : i * s + k, j * s : j * s + k] += grads[:, i : i + 1, j : j + 1] / k**2
        return dx


class GlobalAveragePooling2D(Layer):
    def call(self, inputs, training=False):
        self.shape = inputs.shape
        return inputs.mean(axis=(1, 2))

    def backward(self, grads):
        n, h, w, c = self.shape
        return np.ones(self.shape) * grads[:, None, None, :] / (h * w)


class Flatten(Layer):
    def call(self, inputs, training=False):
        self.shape = inputs.shape
        return inputs.reshape((inputs.shape[0], -1))

    def backward(self, grads):
        return grads.reshape(self.shape)


class Dropout(Layer):
    def __init__(self, rate):
        self.rate = rate

    def call(self, inputs, training=False):
        if not training:
            self.mask = np.ones_like(inputs)
        else:
            keep = np.random.uniform(size=inputs.shape) > self.rate
            self.mask = keep / (1.0 - self.rate)
        return inputs * self.mask

    def backward(self, grads):
        return grads * self.mask


class LeakyReLU(Layer):
    def __init__(self, alpha=0.3):
        self.alpha = alpha

    def call(self, inputs, training=False):
        self.inputs = inputs
        return np.where(inputs > 0, inputs, self.alpha * inputs)

    def backward(self, grads):
        return np.where(self.inputs > 0, grads, self.alpha)
