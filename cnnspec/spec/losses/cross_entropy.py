"""The cross-entropy of a softmax."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.kind_words import Words
from cnnspec.spec.section import Kind
from cnnspec.spec.skeleton import Skeleton


class CrossEntropy(Kind):
    """-log softmax(logits)[label], averaged over the images, as in torch.nn.CrossEntropyLoss."""

    keyword: ClassVar[str] = "cross_entropy"
    skeleton: ClassVar[Skeleton] = Skeleton(
        x="(n, classes); labels: (n,), whole numbers", output="a number, the mean over the images"
    )
    words: ClassVar[Words] = Words(
        unwritten={
            "log_softmax": "the loss takes the logits as they are: leave it out",
            **dict.fromkeys(
                ("loss", "criterion"),
                "the loss is always the mean cross-entropy of the logits: leave it out if you "
                "mean that",
            ),
        }
    )
