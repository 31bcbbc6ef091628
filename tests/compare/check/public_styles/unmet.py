"""Layers of which `check` does not say yet what the table says, and what it says instead."""

NOT_YET: dict[str, str] = {
    "odd_habits:Properties": "right, and called wrong: ['output, plain",
    "odd_habits:SameAlways": "right, and called wrong: ['shape: the sh",
    "odd_slips:MaxPoolFlat": "another cause: []",
    "layer_norms:LayerNormUnbiased": "not graded: it cannot be made: LayerNorm",
    "propagation:SigmoidCall": "right, and called wrong: ['derivative-of",
    "torch7:Linear": "right, and called wrong: ['accumulated:",
    "mytorch:MeanPool2d_stride1": "right, and called wrong: ['stride-ignore",
    "small_frameworks:FullyConnected": "right, and called wrong: ['accumulated:",
    "small_frameworks:Conv2D": "not graded: what the constructor of Conv",
    "late_hour:Sequential": "not graded: it cannot be made: PlainClas",
}
