"""`gradient(eta)` goes back, `backward(alpha)` is the step: one file for each layer, joined."""

import math

import numpy as np


class Conv2D:
    def __init__(self, input_channels, output_channels, ksize=3, stride=1):
        self.input_channels, self.output_channels = input_channels, output_channels
        self.stride, self.ksize = stride, ksize
        scale = math.sqrt(ksize * ksize * input_channels / 2)
        self.weights = np.random.standard_normal((ksize, ksize, input_channels, output_channels))
        self.weights /= scale
        self.bias = np.random.standard_normal(output_channels) / scale
        self.w_gradient = np.zeros(self.weights.shape)
        self.b_gradient = np.zeros(self.bias.shape)

    def forward(self, x):
        self.x = x
        k, s = self.ksize, self.stride
        rows, columns = (x.shape[1] - k) // s + 1, (x.shape[2] - k) // s + 1
        flat = self.weights.reshape(-1, self.output_channels)
        out = np.zeros((x.shape[0], rows, columns, self.output_channels))
        self.col_image = []
        for i in range(x.shape[0]):
            patches = [
                x[i, a * s : a * s + k, b * s : b * s + k, :].reshape(-1)
                for a in range(rows)
                for b in range(columns)
            ]
            col = np.array(patches)
            out[i] = (np.dot(col, flat) + self.bias).reshape(rows, columns, -1)
            self.col_image.append(col)
        return out

    def gradient(self, eta):
        k, s = self.ksize, self.stride
        for i in range(eta.shape[0]):
            col_eta = eta[i].reshape(-1, self.output_channels)
            self.w_gradient += np.dot(self.col_image[i].T, col_eta).reshape(self.weights.shape)
        self.b_gradient += np.sum(eta, axis=(0, 1, 2))
        next_eta = np.zeros(self.x.shape)
        for a in range(eta.shape[1]):
            for b in range(eta.shape[2]):
                back = np.tensordot(eta[:, a, b], self.weights, (1, 3))
                next_eta[:, a * s : a * s + k, b * s : b * s + k] += back
        return next_eta

    def backward(self, alpha=0.00001, weight_decay=0.0004):
        self.weights *= 1 - weight_decay
        self.bias *= 1 - weight_decay
        self.weights -= alpha * self.w_gradient
        self.bias -= alpha * self.b_gradient
        self.w_gradient = np.zeros(self.weights.shape)
        self.b_gradient = np.zeros(self.bias.shape)


class FullyConnect:
    def __init__(self, input_num, output_num=2):
        self.weights = np.random.standard_normal((input_num, output_num)) / 100
        self.bias = np.random.standard_normal(output_num) / 100
        self.w_gradient = np.zeros(self.weights.shape)
        self.b_gradient = np.zeros(self.bias.shape)

    def forward(self, x):
        self.x = x.reshape([x.shape[0], -1])
        return np.dot(self.x, self.weights) + self.bias

    def gradient(self, eta):
        for i in range(eta.shape[0]):
            col_x = self.x[i][:, np.newaxis]
            self.w_gradient += np.dot(col_x, eta[i][np.newaxis])
            self.b_gradient += eta[i]
        return np.dot(eta, self.weights.T)

    def backward(self, alpha=0.00001):
        self.weights -= alpha * self.w_gradient
        self.bias -= alpha * self.b_gradient
        self.w_gradient = np.zeros(self.weights.shape)
        self.b_gradient = np.zeros(self.bias.shape)


class FullyConnectOnce:
    """Like FullyConnect, but the bias forgets the images before the last."""

    def __init__(self, input_num, output_num=2):
        self.weights = np.random.standard_normal((input_num, output_num)) / 100
        self.bias = np.random.standard_normal(output_num) / 100
        self.w_gradient = np.zeros(self.weights.shape)
        self.b_gradient = np.zeros(self.bias.shape)

    def forward(self, x):
        self.x = x
        return np.dot(x, self.weights) + self.bias

    def gradient(self, eta):
        for i in range(eta.shape[0]):
            self.w_gradient += np.outer(self.x[i], eta[i])
            self.b_gradient = eta[i]
        return np.dot(eta, self.weights.T)

    def backward(self, alpha=0.00001):
        self.weights -= alpha * self.w_gradient
        self.bias -= alpha * self.b_gradient
        self.w_gradient = np.zeros(self.weights.shape)
        self.b_gradient = np.zeros(self.bias.shape)


class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def gradient(self, eta):
        self.eta = eta
        self.eta[self.x < 0] = 0
        return self.eta


class LeakyRelu:
    def __init__(self, alpha=0.01):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, x * self.alpha)

    def gradient(self, eta):
        return eta * np.where(self.x > 0, 1.0, self.alpha)


class MaxPooling:
    def __init__(self, ksize=2, stride=2):
        self.ksize, self.stride = ksize, stride

    def forward(self, x):
        k, s = self.ksize, self.stride
        b, c, h, w = x.shape
        out = np.zeros([b, c, (h - k) // s + 1, (w - k) // s + 1])
        self.index = np.zeros(x.shape)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                window = x[:, :, i * s : i * s + k, j * s : j * s + k].reshape(b, c, -1)
                out[:, :, i, j] = window.max(axis=2)
                place = window.argmax(axis=2)
                for n in range(b):
                    for m in range(c):
                        p, q = place[n, m] // k, place[n, m] % k
                        self.index[n, m, i * s + p, j * s + q] = 1
        return out

    def gradient(self, eta):
        wide = np.repeat(np.repeat(eta, self.stride, axis=2), self.stride, axis=3)
        back = np.zeros(self.index.shape)
        h, w = min(wide.shape[2], back.shape[2]), min(wide.shape[3], back.shape[3])
        back[:, :, :h, :w] = wide[:, :, :h, :w]
        return back * self.index


class Softmax:
    """Loss and gradient: cal_loss(prediction, label), then gradient()."""

    def cal_loss(self, prediction, label):
        self.label, self.prediction = label, prediction
        self.predict(prediction)
        loss = 0
        for i in range(len(prediction)):
            row = prediction[i] - prediction[i].max()
            loss += np.log(np.sum(np.exp(row))) - row[label[i]]
        return loss / len(prediction)

    def predict(self, prediction):
        self.softmax = np.zeros(prediction.shape)
        for i in range(len(prediction)):
            row = np.exp(prediction[i] - np.max(prediction[i]))
            self.softmax[i] = row / np.sum(row)
        return self.softmax

    def gradient(self):
        eta = self.softmax.copy()
        for i in range(len(eta)):
            eta[i, self.label[i]] -= 1
        return eta / len(eta)
