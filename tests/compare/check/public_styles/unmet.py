"""Layers of which `check` does not say yet what the table says, and what it says instead."""

NOT_YET: dict[str, str] = {
    "odd_habits:SameAlways": "right, and called wrong: ['shape: the sh",
    "odd_slips:MaxPoolFlat": "another cause: []",
    "layer_norms:LayerNormUnbiased": "not graded: it cannot be made: LayerNorm",
    "propagation:SigmoidCall": "right, and called wrong: []",
    "torch7:Linear": "right, and called wrong: ['accumulated:",
    "mytorch:MeanPool2d_stride1": "right, and called wrong: ['stride-ignore",
    "small_frameworks:FullyConnected": "right, and called wrong: ['accumulated:",
    "small_frameworks:Conv2D": "not graded: what the constructor of Conv",
    "last_call:Clipped": "another cause: []",
    "last_call:Rounded": "another cause: []",
    "last_call:SoftmaxLossOneImage": "another cause: []",
    "last_call:BatchNormLate": "not graded: BatchNormLate wants n_out, w",
    "last_call:layernorm_forward": "right, and called wrong: ['shape: the sh",
}
