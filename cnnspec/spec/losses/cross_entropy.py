"""The cross-entropy of a softmax."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.section import Kind


class CrossEntropy(Kind):
    """-log softmax(logits)[label], averaged over the images, as in torch.nn.CrossEntropyLoss."""

    keyword: ClassVar[str] = "cross_entropy"
