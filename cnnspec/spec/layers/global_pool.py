"""Pooling over whole images (Lin, Chen and Yan, 2013)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Besides, Words
from cnnspec.spec.layers.layer import Family, Layer, is_image
from cnnspec.spec.sizes import PartialShape
from cnnspec.spec.skeleton import Skeleton


def _of_size_1(kind: str) -> Callable[[Any], str]:
    """Return what to do about a pooling into cells: into one, it is this kind."""

    def told(arguments: Any) -> str:
        whole = arguments.get("output_size") in (1, (1, 1), [1, 1]) and len(arguments) == 1
        return f"write `global_pool: {{kind: {kind}}}`" if whole else ""

    return told


class GlobalPool(Layer):
    """The average or the maximum of each channel: (c, h, w) -> (c, 1, 1).

    As torch.nn.AdaptiveAvgPool2d(1) and AdaptiveMaxPool2d(1). The gradient of a maximum goes to
    the first one in scan order. In a channel that holds a NaN, where it goes is not said.
    """

    keyword: ClassVar[str] = "global_pool"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="The mean of each channel of each image.",
        x="(n, channels, height, width)",
        output="(n, channels, 1, 1)",
    )
    family: ClassVar[Family] = "pooling"
    takes: ClassVar[Literal["images"]] = "images"
    of_one_cell: ClassVar[bool] = True
    words: ClassVar[Words] = Words(
        variants={
            ("kind", "avg"): "global_average_pool global_avg_pool global_average_pooling "
            "globalaveragepooling2d gap",
            ("kind", "max"): "global_max_pool global_max_pooling globalmaxpooling2d",
        },
        besides=dict.fromkeys(
            ("globalaveragepooling2d", "globalmaxpooling2d"),
            Besides("that of Keras gives features: put `- flatten` behind it"),
        ),
        answers=answers(
            "adaptive_avg_pool adaptiveavgpool2d adaptive_avg_pool2d adaptive_average_pool: avg\n"
            "adaptive_max_pool adaptivemaxpool2d adaptive_max_pool2d: max",
            "of output size 1 it is `global_pool: {{kind: {what}}}`; cnnspec has no other output "
            "sizes",
        ),
        calls_at_times=dict.fromkeys(("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"), "output_size"),
        ways_out={
            "AdaptiveAvgPool2d": _of_size_1("avg"),
            "AdaptiveMaxPool2d": _of_size_1("max"),
            "output_size": lambda _: "leave it out: it is always 1",
        },
        parameters={"kind": "mode pool_type method"},
        values={"kind": {"average": "avg", "mean": "avg", "maximum": "max"}},
    )

    kind: Literal["avg", "max"] = "avg"
    """`avg` or `max`."""

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        if input is not None and not is_image(input):
            return None
        return (None if input is None else input[0]), 1, 1
