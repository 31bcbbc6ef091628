"""nb_ and num_ names, and what was called so before 2016."""

import numpy as np


class Convolution2D:
    def __init__(self, nb_channel, nb_filter, nb_row, nb_col, subsample=(1, 1), pad=0):
        self.W = np.random.uniform(-0.1, 0.1, (nb_filter, nb_channel, nb_row, nb_col))
        self.b = np.zeros((nb_filter,))
        self.subsample, self.pad = subsample, pad

    def forward(self, X):
        (sh, sw), p = self.subsample, self.pad
        nb_filter, _, nb_row, nb_col = self.W.shape
        self.Xp = np.pad(X, ((0, 0), (0, 0), (p, p), (p, p)))
        h, w = (self.Xp.shape[2] - nb_row) // sh + 1, (self.Xp.shape[3] - nb_col) // sw + 1
        Y = np.tile(self.b[:, None, None], (len(X), 1, h, w))
        for r in range(nb_row):
            for c in range(nb_col):
                part = self.Xp[:, :, r : r + sh * h : sh, c : c + sw * w : sw]
                Y += np.einsum("nkhw,fk->nfhw", part, self.W[:, :, r, c])
        return Y

    def backward(self, dY):
        (sh, sw), p = self.subsample, self.pad
        _, _, nb_row, nb_col = self.W.shape
        h, w = dY.shape[2:]
        dX = np.zeros_like(self.Xp)
        self.dW, self.db = np.empty_like(self.W), dY.sum((0, 2, 3))
        for r in range(nb_row):
            for c in range(nb_col):
                at = (..., slice(r, r + sh * h, sh), slice(c, c + sw * w, sw))
                self.dW[:, :, r, c] = np.einsum("nfhw,nkhw->fk", dY, self.Xp[at])
                dX[at] += np.einsum("nfhw,fk->nkhw", dY, self.W[:, :, r, c])
        return dX[:, :, p : dX.shape[2] - p, p : dX.shape[3] - p]


class Convolution2DRows:
    """The number of columns is computed from the rows of the kernel."""

    def __init__(self, nb_channel, nb_filter, nb_row, nb_col):
        self.W = np.random.uniform(-0.1, 0.1, (nb_filter, nb_channel, nb_row, nb_col))
        self.b = np.zeros((nb_filter,))

    def forward(self, X):
        self.X = X
        nb_filter, _, nb_row, nb_col = self.W.shape
        h, w = X.shape[2] - nb_row + 1, X.shape[3] - nb_row + 1
        Y = np.zeros((len(X), nb_filter, h, w))
        for r in range(nb_row):
            for c in range(nb_col):
                Y += np.einsum("nkhw,fk->nfhw", X[:, :, r : r + h, c : c + w], self.W[:, :, r, c])
        return Y + self.b[:, None, None]

    def backward(self, dY):
        _, _, nb_row, nb_col = self.W.shape
        h, w = dY.shape[2:]
        dX = np.zeros_like(self.X)
        self.dW, self.db = np.empty_like(self.W), dY.sum((0, 2, 3))
        for r in range(nb_row):
            for c in range(nb_col):
                at = (..., slice(r, r + h), slice(c, c + w))
                self.dW[:, :, r, c] = np.einsum("nfhw,nkhw->fk", dY, self.X[at])
                dX[at] += np.einsum("nfhw,fk->nkhw", dY, self.W[:, :, r, c])
        return dX


class InnerProduct:
    def __init__(self, num_output, num_input):
        self.weight = np.random.randn(num_output, num_input) * 0.01
        self.bias = np.zeros(num_output)

    def forward(self, bottom):
        self.bottom = bottom
        top = bottom.dot(self.weight.T) + self.bias
        return top

    def backward(self, top_diff):
        self.d_weight = top_diff.T.dot(self.bottom)
        self.d_bias = top_diff.sum(0)
        bottom_diff = top_diff.dot(self.weight)
        return bottom_diff


class InnerProductSquare:
    """The gradient of the bias is summed over the outputs: it works where n is their number."""

    def __init__(self, num_input, num_output):
        self.weight = np.random.randn(num_input, num_output) * 0.01
        self.bias = np.zeros(num_output)

    def forward(self, bottom):
        self.bottom = bottom
        return bottom.dot(self.weight) + self.bias

    def backward(self, top_diff):
        self.d_weight = self.bottom.T.dot(top_diff)
        self.d_bias = top_diff.sum(1)
        return top_diff.dot(self.weight.T)
