"""What every initialization states about itself."""

from __future__ import annotations

from cnnspec.spec.section import Kind


class Initialization(Kind):
    """Base of every kind of initialization: what the weights of a network start from."""
