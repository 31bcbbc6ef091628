"""Contents: what a data source holds, as far as that is known, and what does not fit it."""

from __future__ import annotations

from dataclasses import dataclass

from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.sizes import Shape


@dataclass(frozen=True)
class Contents:
    """What a data source holds; None: not known without opening it."""

    shape: Shape | None = None
    """Channels, height and width of one image."""
    classes: int | None = None
    """One more than the greatest label."""
    train_images: int | None = None
    """Images to train on, before `train_samples` takes some of them."""
    test_images: int | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing more would be known by opening the source."""
        return None not in (self.shape, self.classes, self.train_images, self.test_images)


@dataclass(frozen=True)
class Survey:
    """What was seen when a source was opened: its contents, and what is wrong with them."""

    contents: Contents
    problems: tuple[Diagnostic, ...] = ()
