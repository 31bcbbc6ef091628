"""What a user can write: the spec, its YAML dialect and its problems."""

from cnnspec.spec.composites import AnyEntry, Composite, Parallel, Repeat, Residual
from cnnspec.spec.data import MNIST, NPZ, DataSource, Digits, FashionMNIST, Normalize
from cnnspec.spec.diagnostics import Diagnostic, Location
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.initializations import Normal, TorchDefault
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Layer, Linear, Pool, ReLU
from cnnspec.spec.limits import Limits
from cnnspec.spec.load import Inspection, inspect_spec, load_spec, parse_spec, read_text
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.spec.training import Training

__all__ = [
    "MNIST",
    "NPZ",
    "SGD",
    "Adam",
    "AnyEntry",
    "AnyLayer",
    "BatchNorm",
    "Composite",
    "Conv",
    "DataSource",
    "Diagnostic",
    "Digits",
    "FashionMNIST",
    "Flatten",
    "Inspection",
    "Layer",
    "Limits",
    "Linear",
    "Location",
    "ModelSpec",
    "Normal",
    "Normalize",
    "Parallel",
    "Pool",
    "ReLU",
    "Repeat",
    "Residual",
    "TorchDefault",
    "Training",
    "dump_spec",
    "inspect_spec",
    "load_spec",
    "parse_spec",
    "read_text",
]
