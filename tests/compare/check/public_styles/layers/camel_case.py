"""Written by somebody who comes from Java."""

import numpy as np


class ConvolutionLayer:
    def __init__(self, numChannels, numFilters, filterSize, stride=1, padding=0):
        self.numChannels = numChannels
        self.numFilters = numFilters
        self.filterSize = filterSize
        self.stride = stride
        self.padding = padding
        shape = (numFilters, numChannels, filterSize, filterSize)
        self.filterWeights = np.random.normal(0, 0.1, shape)
        self.filterBiases = np.zeros(numFilters)
        self.filterGradients = None
        self.biasGradients = None
        self.lastInput = None

    def outputSize(self, inputSize):
        return (inputSize + 2 * self.padding - self.filterSize) // self.stride + 1

    def forward(self, inputData):
        p, s, f = self.padding, self.stride, self.filterSize
        self.lastInput = np.pad(inputData, ((0, 0), (0, 0), (p, p), (p, p)))
        outH, outW = self.outputSize(inputData.shape[2]), self.outputSize(inputData.shape[3])
        result = np.zeros((inputData.shape[0], self.numFilters, outH, outW))
        for row in range(outH):
            for col in range(outW):
                region = self.lastInput[:, :, row * s : row * s + f, col * s : col * s + f]
                result[:, :, row, col] = np.einsum("ncij,fcij->nf", region, self.filterWeights)
        return result + self.filterBiases.reshape(1, -1, 1, 1)

    def backward(self, gradOutput):
        p, s, f = self.padding, self.stride, self.filterSize
        self.filterGradients = np.zeros_like(self.filterWeights)
        self.biasGradients = gradOutput.sum(axis=(0, 2, 3))
        gradInput = np.zeros_like(self.lastInput)
        for row in range(gradOutput.shape[2]):
            for col in range(gradOutput.shape[3]):
                rows, cols = slice(row * s, row * s + f), slice(col * s, col * s + f)
                current = gradOutput[:, :, row, col]
                region = self.lastInput[:, :, rows, cols]
                self.filterGradients += np.einsum("nf,ncij->fcij", current, region)
                gradInput[:, :, rows, cols] += np.einsum(
                    "nf,fcij->ncij", current, self.filterWeights
                )
        if p > 0:
            return gradInput[:, :, p:-p, p:-p]
        return gradInput


class DenseLayer:
    def __init__(self, inputSize, outputSize):
        self.weightMatrix = np.random.normal(0, 0.1, (inputSize, outputSize))
        self.biasVector = np.zeros(outputSize)
        self.weightGradient = None
        self.biasGradient = None

    def forward(self, inputData):
        self.lastInput = inputData
        return np.matmul(inputData, self.weightMatrix) + self.biasVector

    def backward(self, gradOutput):
        self.weightGradient = np.matmul(self.lastInput.T, gradOutput)
        self.biasGradient = np.sum(gradOutput, 0)
        return np.matmul(gradOutput, self.weightMatrix.T)


class DenseLayerShared:
    """The last input is kept by the class, not by the object."""

    lastInput = None

    def __init__(self, inputSize, outputSize):
        self.weightMatrix = np.random.normal(0, 0.1, (inputSize, outputSize))
        self.biasVector = np.zeros(outputSize)

    def forward(self, inputData):
        DenseLayerShared.lastInput = inputData
        return np.matmul(inputData, self.weightMatrix) + self.biasVector

    def backward(self, gradOutput):
        self.weightGradient = np.matmul(DenseLayerShared.lastInput.T, gradOutput)
        self.biasGradient = np.sum(gradOutput, 0)
        return np.matmul(gradOutput, self.weightMatrix.T)


class MaxPoolLayer:
    def __init__(self, poolSize, stride):
        self.poolSize = poolSize
        self.stride = stride

    def forward(self, inputData):
        self.lastInput = inputData
        batch, channels, height, width = inputData.shape
        outH = (height - self.poolSize) // self.stride + 1
        outW = (width - self.poolSize) // self.stride + 1
        result = np.zeros((batch, channels, outH, outW))
        self.maxRow = np.zeros(result.shape, dtype=int)
        self.maxCol = np.zeros(result.shape, dtype=int)
        for n, c, row, col in np.ndindex(*result.shape):
            best = 0.0
            for i in range(row * self.stride, row * self.stride + self.poolSize):
                for j in range(col * self.stride, col * self.stride + self.poolSize):
                    if inputData[n, c, i, j] > best:
                        best = inputData[n, c, i, j]
                        self.maxRow[n, c, row, col] = i
                        self.maxCol[n, c, row, col] = j
            result[n, c, row, col] = best
        return result

    def backward(self, gradOutput):
        gradInput = np.zeros_like(self.lastInput)
        for n, c, row, col in np.ndindex(*gradOutput.shape):
            i, j = self.maxRow[n, c, row, col], self.maxCol[n, c, row, col]
            gradInput[n, c, i, j] += gradOutput[n, c, row, col]
        return gradInput


class SigmoidActivation:
    def forward(self, inputData):
        self.lastOutput = 1.0 / (1.0 + np.exp(-inputData))
        return self.lastOutput

    def backward(self, gradOutput):
        return self.lastOutput * (1.0 - self.lastOutput)
