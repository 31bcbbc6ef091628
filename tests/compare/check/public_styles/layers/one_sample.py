"""One image at a time, (channels, height, width), and one vector at a time."""

import numpy as np
from scipy import signal


class Convolutional:
    def __init__(self, input_depth, depth, kernel_size):
        self.depth, self.input_depth = depth, input_depth
        self.kernels = np.random.randn(depth, input_depth, kernel_size, kernel_size)
        self.biases = np.zeros(depth)

    def forward(self, input):
        self.input = input
        return np.array(
            [
                self.biases[i]
                + sum(
                    signal.correlate2d(self.input[j], self.kernels[i, j], "valid")
                    for j in range(self.input_depth)
                )
                for i in range(self.depth)
            ]
        )

    def backward(self, output_gradient, learning_rate):
        kernels_gradient = np.zeros(self.kernels.shape)
        input_gradient = np.zeros(self.input.shape)
        for i in range(self.depth):
            for j in range(self.input_depth):
                kernels_gradient[i, j] = signal.correlate2d(
                    self.input[j], output_gradient[i], "valid"
                )
                input_gradient[j] += signal.convolve2d(
                    output_gradient[i], self.kernels[i, j], "full"
                )
        self.kernels -= learning_rate * kernels_gradient
        self.biases -= learning_rate * output_gradient.sum(axis=(1, 2))
        return input_gradient


class ConvolutionalFlipped:
    """scipy's convolve2d where its correlate2d is meant, and the other way round."""

    def __init__(self, input_depth, depth, kernel_size):
        self.depth, self.input_depth = depth, input_depth
        self.kernels = np.random.randn(depth, input_depth, kernel_size, kernel_size)
        self.biases = np.zeros(depth)

    def forward(self, input):
        self.input = input
        output = np.stack([self.biases[i] * np.ones(self.side(input)) for i in range(self.depth)])
        for i in range(self.depth):
            for j in range(self.input_depth):
                output[i] += signal.convolve2d(input[j], self.kernels[i, j], "valid")
        return output

    def side(self, input):
        k = self.kernels.shape[2]
        return input.shape[1] - k + 1, input.shape[2] - k + 1

    def backward(self, output_gradient, learning_rate):
        kernels_gradient = np.zeros(self.kernels.shape)
        input_gradient = np.zeros(self.input.shape)
        for i in range(self.depth):
            for j in range(self.input_depth):
                kernels_gradient[i, j] = signal.correlate2d(
                    self.input[j], output_gradient[i], "valid"
                )
                input_gradient[j] += signal.convolve2d(
                    output_gradient[i], self.kernels[i, j], "full"
                )
        self.kernels -= learning_rate * kernels_gradient
        self.biases -= learning_rate * output_gradient.sum(axis=(1, 2))
        return input_gradient


class Dense:
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size)
        self.bias = np.random.randn(output_size, 1)

    def forward(self, input):
        self.input = input
        return np.dot(self.weights, self.input) + self.bias

    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * output_gradient
        return input_gradient


class DenseVector:
    """Vectors without a second axis; the weight is updated before it sends the gradient back."""

    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(input_size, output_size) * 0.1
        self.biases = np.zeros(output_size)

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.biases

    def backward(self, grad, learning_rate):
        self.weights -= learning_rate * np.outer(self.x, grad)
        self.biases -= learning_rate * grad
        return self.weights @ grad
