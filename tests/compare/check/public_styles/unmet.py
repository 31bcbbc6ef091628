"""Layers of which `check` does not say yet what the table says, and what it says instead."""

NOT_YET: dict[str, str] = {
    "nnfs_book:Activation_Softmax": "right, and called wrong: ['grad_input, o",
    "gradient_and_backward:MaxPooling": "another cause: []",
    "hooks:Softmax": "right, and called wrong: ['wrong-axes: t",
    "one_sample:DenseVector": "another cause: []",
    "float32_only:DenseInt": "another cause: []",
    "activations:Softmax": "right, and called wrong: ['grad_input, o",
    "dropouts:KeepProb": "right, and called wrong: ['scale: every",
    "dropouts:DropoutLayer": "not graded: is made for no setting of dr",
    "small_hands:SoftmaxStableLast": "right, and called wrong: ['wrong-axes: t",
    "layer_norms:LayerNormUnbiased": "not graded: it cannot be made: LayerNorm",
    "propagation:FCLayer": 'right, and called wrong: ["grad_input, p',
    "propagation:SigmoidCall": "right, and called wrong: ['derivative-of",
    "convolutions:AvgPoolChannels": "another cause: []",
}
