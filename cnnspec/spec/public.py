"""The kinds that anybody may import from the top of the package, as `cnnspec.Conv`."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.spec import composites, initializations, layers, optimizers
from cnnspec.spec.section import Kind

TABLES: tuple[Mapping[str, type[Kind]], ...] = (
    layers.KINDS,
    composites.COMPOSITES,
    optimizers.OPTIMIZERS,
    initializations.INITIALIZATIONS,
)

KINDS: dict[str, type[Kind]] = {kind.__name__: kind for table in TABLES for kind in table.values()}
"""By the names of their classes."""
