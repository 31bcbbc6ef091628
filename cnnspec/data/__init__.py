"""Data sets: sources, scaling and normalisation, batches."""

from cnnspec.data.batches import batches
from cnnspec.data.dataset import Dataset, Split
from cnnspec.data.load import load_data, survey

__all__ = ["Dataset", "Split", "batches", "load_data", "survey"]
