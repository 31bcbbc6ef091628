"""What every initialization states about itself."""

from __future__ import annotations

from cnnspec.spec.section import Kind
from cnnspec.spec.starts import Drawn, Start


class Initialization(Kind):
    """Base of every kind of initialization: what the weights of a network start from."""

    def start(self, parameter: Drawn) -> Start:
        """Return what a parameter starts from."""
        raise NotImplementedError
