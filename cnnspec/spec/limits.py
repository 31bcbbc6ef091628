"""What is too large to be meant: the `limits` section."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from cnnspec.spec.section import Section

MOST = 10**15
"""More numbers than any machine holds."""

MOST_LAYERS = 10_000
"""So that every valid spec can be read back with all its defaults written out."""

Limit = Annotated[PositiveInt, Field(le=MOST)]


class Limits(Section):
    """Sizes beyond which a spec is refused, before anything is allocated."""

    parameters: Limit = 10**9
    """Trainable numbers of the network."""
    activations: Limit = 10**10
    """Numbers that all layers together give for one batch."""
    layers: Annotated[PositiveInt, Field(le=MOST_LAYERS)] = MOST_LAYERS
    """Layers of the network: at most 10,000."""
    images: Limit = 10**9
    """Numbers in the images of the data that are kept, to train and to test on."""
