"""Layers of which `check` does not say yet what the table says, and what it says instead."""

NOT_YET: dict[str, str] = {
    "odd_habits:SameAlways": "called wrong: the padding that it has built in is not seen",
    "mytorch:MeanPool2d_stride1": "called wrong: the stride of 1 that it has built in is not seen",
}
