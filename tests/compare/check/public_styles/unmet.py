"""Layers of which `check` does not say yet what the table says, and what it says instead."""

NOT_YET: dict[str, str] = {
    "odd_habits:Properties": "right, and called wrong: ['output, plain",
    "odd_habits:SameAlways": "right, and called wrong: ['shape: the sh",
    "odd_habits:MaxPool2x2": "right, and called wrong: []",
    "odd_slips:MaxPoolFlat": "another cause: []",
    "gradient_and_backward:MaxPooling": "another cause: []",
    "one_sample:DenseVector": "another cause: []",
    "float32_only:DenseInt": "another cause: []",
    "layer_norms:LayerNormUnbiased": "not graded: it cannot be made: LayerNorm",
    "propagation:SigmoidCall": "right, and called wrong: ['derivative-of",
    "convolutions:AvgPoolChannels": "another cause: []",
}
