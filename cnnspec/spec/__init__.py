"""What a user can write: the spec, its YAML dialect and its problems."""

from cnnspec.spec.data import MNIST, NPZ, DataSource, Digits, FashionMNIST, Normalize
from cnnspec.spec.diagnostics import Diagnostic, Location
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Layer, Linear, Pool, ReLU
from cnnspec.spec.load import load_spec, parse_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import SGD, Adam, Normal, TorchDefault, Training

__all__ = [
    "MNIST",
    "NPZ",
    "SGD",
    "Adam",
    "AnyLayer",
    "Conv",
    "DataSource",
    "Diagnostic",
    "Digits",
    "FashionMNIST",
    "Flatten",
    "Layer",
    "Linear",
    "Location",
    "ModelSpec",
    "Normal",
    "Normalize",
    "Pool",
    "ReLU",
    "TorchDefault",
    "Training",
    "dump_spec",
    "load_spec",
    "parse_spec",
]
