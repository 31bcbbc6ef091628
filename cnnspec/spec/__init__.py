"""What a user can write: the spec, its YAML dialect and its problems."""

from cnnspec.spec.composites import AnyEntry, Composite
from cnnspec.spec.data import MNIST, NPZ, DataSource, Digits, FashionMNIST, Normalize
from cnnspec.spec.diagnostics import Diagnostic, Location
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.layers import AnyLayer, Layer
from cnnspec.spec.limits import Limits
from cnnspec.spec.load import Inspection, inspect_spec, load_spec, parse_spec, read_text
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training

__all__ = [
    "MNIST",
    "NPZ",
    "AnyEntry",
    "AnyLayer",
    "Composite",
    "DataSource",
    "Diagnostic",
    "Digits",
    "FashionMNIST",
    "Inspection",
    "Layer",
    "Limits",
    "Location",
    "ModelSpec",
    "Normalize",
    "Training",
    "dump_spec",
    "inspect_spec",
    "load_spec",
    "parse_spec",
    "read_text",
]
