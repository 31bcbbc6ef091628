"""How fast the backends are, and how fast the machine would let them be."""

from cnnspec.bench.bench import BACKENDS, BATCHES, bench
from cnnspec.bench.records import Bench, LayerRow, Row

__all__ = ["BACKENDS", "BATCHES", "Bench", "LayerRow", "Row", "bench"]
