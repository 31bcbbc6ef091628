"""Layers by hand as strangers write them: what each one is, and what `check` is to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "layers"


@dataclass(frozen=True)
class Row:
    """One layer of a file, and the verdict on it."""

    style: str
    """The file in `layers`, and the module in `bindings` that calls it by hand."""
    name: str
    kind: str
    wrong: str = ""
    """What the cause of a wrong one must match (a code or a sentence, by regex); empty: right."""
    layout: str = "nchw"
    of: str = ""
    takes: str = ""
    """Options that few layers take, which the trials of its truth are to try."""
    suffix: str = ".py"

    @property
    def id(self) -> str:
        return f"{self.style}:{self.name}"

    @property
    def file(self) -> Path:
        return HERE / f"{self.style}{self.suffix}"

    @property
    def needs_a_flag(self) -> bool:
        return self.layout != "nchw" or self.of != ""


ROWS = (
    # the functions of a university course
    Row("cs231n", "affine_forward", "linear"),
    Row("cs231n", "relu_forward", "relu"),
    Row("cs231n", "conv_forward_naive", "conv"),
    Row("cs231n", "max_pool_forward_naive", "pool"),
    Row("cs231n", "softmax_loss", "cross_entropy"),
    Row("cs231n_homework", "affine_forward", "linear", wrong=r"scale|1/batch_size"),
    Row("cs231n_homework", "relu_forward", "relu", wrong="derivative-1-at-0"),
    Row("cs231n_homework", "conv_forward", "conv", wrong="overlaps-overwritten"),
    Row("cs231n_homework", "max_pool_forward", "pool", wrong="ties-to-all"),
    Row(
        "cs231n_homework",
        "softmax_loss",
        "cross_entropy",
        wrong="scale|batch size|not divided|log-of-softmax",
    ),
    Row("coursera", "conv_forward", "conv"),
    Row(
        "coursera",
        "pool_forward",
        "pool",
        wrong="divided-by-|sum of its sides|scale",
    ),
    Row("coursera", "linear_forward", "linear", wrong="scale|1/batch_size"),
    Row("coursera", "relu", "relu"),
    Row("coursera", "sigmoid", "sigmoid"),
    # a book on neural networks from scratch
    Row("nnfs_book", "Layer_Dense", "linear"),
    Row("nnfs_book", "Layer_Dense_Regularized", "linear"),
    Row("nnfs_book", "Activation_ReLU", "relu"),
    Row("nnfs_book", "Activation_ReLU_Fast", "relu", wrong="changes|overwritten"),
    Row("nnfs_book", "Activation_Softmax", "softmax"),
    Row("nnfs_book", "Activation_Softmax_Diagonal", "softmax", wrong="diagonal"),
    Row("nnfs_book", "Layer_Dropout", "dropout"),
    Row("nnfs_book", "Layer_Dropout_Always", "dropout", wrong="drops-in-evaluation"),
    Row(
        "nnfs_book",
        "Activation_Softmax_Loss_CategoricalCrossentropy",
        "cross_entropy",
        wrong="clipped",
    ),
    # a small Keras
    Row("keras_like", "Dense", "linear"),
    Row("keras_like", "Conv2D", "conv", layout="nhwc"),
    Row("keras_like", "MaxPooling2D", "pool"),
    Row("keras_like", "AveragePooling2D", "pool"),
    Row("keras_like", "GlobalAveragePooling2D", "global_pool"),
    Row("keras_like", "Flatten", "flatten", layout="nhwc"),
    Row("keras_like", "Dropout", "dropout"),
    Row("keras_like", "LeakyReLU", "leaky_relu", wrong="slope-alone|upstream"),
    # modules in the manner of PyTorch
    Row("torch_like", "Linear", "linear"),
    Row("torch_like", "Conv2d", "conv"),
    Row("torch_like", "MaxPool2d", "pool"),
    Row("torch_like", "BatchNorm2d", "batch_norm"),
    Row("torch_like", "Dropout", "dropout"),
    Row("torch_like", "LeakyReLU", "leaky_relu"),
    Row("torch_like", "Tanh", "tanh"),
    Row("torch_like", "CrossEntropyLoss", "cross_entropy"),
    Row("torch_like_broken", "Linear", "linear", wrong="bias-of-one-channel"),
    Row("torch_like_broken", "Conv2d", "conv", wrong="padding-other-side|shifted|padding"),
    Row("torch_like_broken", "BatchNorm2d", "batch_norm", wrong="root-missing"),
    Row("torch_like_broken", "Dropout", "dropout", wrong="not-scaled|drops-in-evaluation"),
    Row("torch_like_broken", "LeakyReLU", "leaky_relu", wrong="slope-negative"),
    Row("torch_like_broken", "MaxPool2d", "pool", wrong="padding-wins"),
    Row("torch_like_broken", "CrossEntropyLoss", "cross_entropy", wrong="sum-not-mean"),
    # a book on deep learning from scratch
    Row("from_scratch_book", "Relu", "relu", wrong="changes|overwritten"),
    Row("from_scratch_book", "Sigmoid", "sigmoid"),
    Row("from_scratch_book", "Affine", "linear"),
    Row("from_scratch_book", "MatMul", "linear"),
    Row("from_scratch_book", "Convolution", "conv"),
    Row("from_scratch_book", "Pooling", "pool", wrong="pad"),
    Row("from_scratch_book", "SoftmaxWithLoss", "cross_entropy", wrong="eps-in-log"),
    Row("from_scratch_book", "Dropout", "dropout", wrong="not-scaled|drops-in-evaluation"),
    Row("from_scratch_book", "BatchNormalization", "batch_norm", wrong="biased-variance"),
    # a course in which parameters have a value and a gradient; images are (n, h, w, c)
    Row("dlcourse", "ReLULayer", "relu"),
    Row("dlcourse", "FullyConnectedLayer", "linear"),
    Row("dlcourse", "ConvolutionalLayer", "conv"),
    Row("dlcourse", "MaxPoolingLayer", "pool", wrong="ties-shared"),
    Row("dlcourse", "Flattener", "flatten"),
    Row("dlcourse", "softmax_with_cross_entropy", "cross_entropy", wrong="log-of-softmax"),
    # gradient(eta) and backward(alpha)
    Row("gradient_and_backward", "Conv2D", "conv"),
    Row("gradient_and_backward", "FullyConnect", "linear"),
    Row("gradient_and_backward", "FullyConnectOnce", "linear", wrong="last image|one-image"),
    Row("gradient_and_backward", "Relu", "relu", wrong="changes|overwritten|derivative-1-at-0"),
    Row("gradient_and_backward", "LeakyRelu", "leaky_relu"),
    Row("gradient_and_backward", "MaxPooling", "pool", wrong="stride|shared|overlap|windows"),
    Row("gradient_and_backward", "Softmax", "cross_entropy"),
    # one gray image at a time
    Row("gray_images", "Conv3x3", "conv", layout="hw"),
    Row("gray_images", "MaxPool2", "pool", wrong="ties-to-all"),
    # columns
    Row("columns", "FullyConnected", "linear"),
    Row("columns", "FullyConnectedBatch", "linear", wrong="scale|1/batch_size", layout="columns"),
    Row("columns", "Sigmoid", "sigmoid", wrong="1 - |missing"),
    # a library of many algorithms
    Row("machine_learning", "Dense", "linear"),
    Row("machine_learning", "BatchNormalization", "batch_norm"),
    Row("machine_learning", "Dropout", "dropout", wrong="not-scaled|drops-in-evaluation"),
    Row("machine_learning", "Flatten", "flatten"),
    Row("machine_learning", "AveragePooling2D", "pool"),
    Row("machine_learning", "Sigmoid", "sigmoid"),
    Row("machine_learning", "TanH", "tanh", wrong="input|of-input"),
    # a framework with hooks
    Row("hooks", "Linear", "linear"),
    Row("hooks", "LinearLate", "linear", wrong="updated-weights-used"),
    Row("hooks", "Tanh", "tanh"),
    Row("hooks", "Softmax", "softmax"),
    # one sample at a time
    Row("one_sample", "Convolutional", "conv"),
    Row("one_sample", "ConvolutionalFlipped", "conv", wrong="flipped-kernel", layout="chw"),
    Row("one_sample", "Dense", "linear"),
    Row("one_sample", "DenseVector", "linear", wrong="updated-weights-used"),
    # in the manner of Java
    Row("camel_case", "ConvolutionLayer", "conv"),
    Row("camel_case", "DenseLayer", "linear"),
    Row("camel_case", "DenseLayerShared", "linear", wrong="objects?|instances?|class"),
    Row("camel_case", "MaxPoolLayer", "pool", wrong="starts-from-zero"),
    Row("camel_case", "SigmoidActivation", "sigmoid", wrong="upstream-missing"),
    # nb_ and num_
    Row("numbered_names", "Convolution2D", "conv"),
    Row("numbered_names", "Convolution2DRows", "conv", wrong="kernel|height|width|windows"),
    Row("numbered_names", "InnerProduct", "linear"),
    Row("numbered_names", "InnerProductSquare", "linear", wrong="bias-sum"),
    # single precision
    Row("float32_only", "Dense", "linear"),
    Row("float32_only", "DenseInt", "linear", wrong="truncated"),
    Row("float32_only", "AvgPool", "pool"),
    Row("float32_only", "GlobalMaxPool", "global_pool"),
    # activations
    Row("activations", "ReLU", "relu"),
    Row("activations", "ReLUInPlace", "relu", wrong="changes|overwritten"),
    Row("activations", "ReLULoop", "relu", wrong="last|left.out"),
    Row("activations", "Sigmoid", "sigmoid"),
    Row("activations", "SigmoidTwice", "sigmoid", wrong="sigmoid.*(twice|of the output)|output"),
    Row("activations", "Tanh", "tanh"),
    Row("activations", "TanhLinear", "tanh", wrong="square-missing|1 - "),
    Row("activations", "Softmax", "softmax"),
    Row("activations", "SoftmaxColumns", "softmax", wrong="batch|axis|axes|images"),
    Row("activations", "GELU", "gelu"),
    Row("activations", "PReLULike", "leaky_relu"),
    # losses
    Row("losses", "SoftmaxCrossEntropy", "cross_entropy"),
    Row("losses", "CrossEntropyBatchMax", "cross_entropy", wrong="greatest of the batch|batch"),
    Row("losses", "CrossEntropyMeanTwice", "cross_entropy", wrong="divided-twice"),
    Row(
        "losses",
        "NLLOfProbabilities",
        "cross_entropy",
        wrong="sum|batch size|not.divided|scale",
        of="probabilities",
    ),
    Row("losses", "cross_entropy", "cross_entropy", wrong="changes|overwritten"),
    # what public code was reported for
    Row("reported", "BatchStatistics", "batch_norm", wrong="evaluation|running"),
    Row("reported", "FiltersFirst", "conv"),
    Row("reported", "SizeFirst", "conv"),
    Row("reported", "EtaFirst", "linear"),
    Row("reported", "RateInConstructor", "linear"),
    Row("reported", "RateInBackward", "linear"),
    Row("reported", "Unannounced", "linear", wrong="updates-own-weights"),
    Row("reported", "Nested", "linear"),
    Row("reported", "NestedNamed", "linear"),
    Row("reported", "Dictionaries", "linear"),
    Row("reported", "PoolOfModes", "pool", wrong="sum-for-average|not-divided|lack the division"),
    Row("reported", "ConvWithoutBias", "conv", wrong="dilation-ignored", takes="dilation"),
    Row("reported", "SqueezingPool", "pool", wrong="broadcast"),
    Row("reported", "ZeroPaddedPool", "pool", wrong="padding-wins"),
    Row("reported", "WidthFromHeight", "conv", wrong="height|width|windows"),
    Row("reported", "ReturnsEarly", "pool", wrong="first window|returns in its first round"),
    Row("reported", "TurnedAndFlipped", "conv", wrong="flipped.*swapped"),
    Row("reported", "TwiceTheMean", "linear", wrong=r"2/n|2/batch|twice|doubled|counted"),
    Row("losses", "OfProbabilities", "cross_entropy"),
    # batch norms
    Row("batch_norms", "KerasBatchNorm", "batch_norm", wrong="biased-variance"),
    Row("batch_norms", "ByHand", "batch_norm"),
    Row("batch_norms", "Both", "batch_norm"),
    Row("batch_norms", "UpdatesAtTest", "batch_norm", wrong="evaluation|running"),
    Row("batch_norms", "EachImage", "batch_norm", wrong="wrong-axes"),
    # dropouts
    Row("dropouts", "KeepProb", "dropout"),
    Row("dropouts", "KeepProbUnscaled", "dropout", wrong="not-scaled"),
    Row("dropouts", "DropoutLayer", "dropout"),
    Row("dropouts", "Seeded", "dropout", wrong="same-mask"),
    Row("dropouts", "RowMask", "dropout", wrong="dropped-together"),
    # what is kept from pass to pass
    Row("state_kept", "BufferOfFirstBatch", "linear", wrong="kept|between|pass before|first"),
    Row("state_kept", "MaskOfFirstPass", "relu", wrong="kept|between|pass before|first|broadcast"),
    Row("state_kept", "NeverZeroed", "linear", wrong="accumulated"),
    Row("state_kept", "DefaultCache", "relu", wrong="objects?|instances?|interleav|class"),
    Row("state_kept", "Workspace", "relu"),
    Row("state_kept", "FlattenOnce", "flatten", wrong="kept|between|pass before|first|reshape"),
    # single layers of many repositories
    Row("small_hands", "LinearMeanBias", "linear", wrong="images-left-out|first image|one-image"),
    Row(
        "small_hands", "LinearReshaped", "linear", wrong="misread-layout|weight-reshaped|transpose"
    ),
    Row("small_hands", "LinearEinsum", "linear"),
    Row("small_hands", "ConvTuple", "conv"),
    Row("small_hands", "ConvStridePair", "conv", wrong="stride-swapped", takes="strides"),
    Row("small_hands", "ConvLastChannel", "conv", wrong="channels-left-out"),
    Row("small_hands", "AvgPoolStride", "pool", wrong="overlaps-overwritten"),
    Row("small_hands", "MaxPoolReshape", "pool"),
    Row("small_hands", "GlobalAvg", "global_pool"),
    Row("small_hands", "GlobalAvgSum", "global_pool", wrong="not.divided|whole-to-all|scale"),
    Row("small_hands", "LeakyAlpha", "leaky_relu"),
    Row("small_hands", "FlattenF", "flatten", wrong="column-major"),
    Row("small_hands", "FlattenRavel", "flatten"),
    Row("small_hands", "ReLUMaskOfGradient", "relu", wrong="mask-of-gradient"),
    Row("small_hands", "TanhUpstream", "tanh", wrong="upstream-missing"),
    Row("small_hands", "SoftmaxStableLast", "softmax"),
    Row("small_hands", "GELUExact", "gelu", wrong="density-missing"),
    Row("small_hands", "CrossEntropyOneHotMean", "cross_entropy", wrong="divided-by-classes"),
    # layer norms
    Row("layer_norms", "LayerNorm", "layer_norm"),
    Row("layer_norms", "LayerNormUnbiased", "layer_norm", wrong="unbiased|eps-outside-root"),
    Row("layer_norms", "LayerNormOverBatch", "layer_norm", wrong="wrong-axes|batch"),
    # articles and video courses
    Row("propagation", "FCLayer", "linear"),
    Row("propagation", "Affine2", "linear"),
    Row("propagation", "Lists", "linear"),
    Row("propagation", "Leibniz", "linear"),
    Row("propagation", "Cached", "linear", wrong="scale|doubled|2 times|twice"),
    Row("propagation", "Batched", "linear", wrong="1/batch_size"),
    Row("propagation", "Activated", "linear"),
    Row("propagation", "SigmoidCall", "sigmoid"),
    Row("propagation", "SoftMax", "softmax", wrong="as it came|mask-missing|derivative-missing"),
    # convolutions and pools by many hands
    Row("convolutions", "ShortNames", "conv"),
    Row("convolutions", "Im2colOrder", "conv", wrong="order|channels last|layout|reshape"),
    Row("convolutions", "PadNotCut", "conv", wrong="padding-ignored|padding is not cut|shape"),
    Row("convolutions", "OneImageOfDw", "conv", wrong="last image|images-left-out|one-image"),
    Row("convolutions", "BiasPerPosition", "conv", wrong="scale|mean|divided"),
    Row("convolutions", "Grouped", "conv", takes="groups"),
    Row("convolutions", "GroupedWrongly", "conv", wrong="groups-ignored", takes="groups"),
    Row("convolutions", "PoolKinds", "pool"),
    Row("convolutions", "PoolMaskKept", "pool", wrong="ties-to-all"),
    Row("convolutions", "PoolLastCut", "pool", wrong="windows-left-out"),
    Row("convolutions", "AvgPoolChannels", "pool", wrong="channels"),
    Row("convolutions", "avgpool_forward", "pool"),
    # optimizers
    Row("optimizers", "SGD", "sgd"),
    Row("optimizers", "Momentum", "sgd"),
    Row("optimizers", "MomentumReset", "sgd", wrong="buffer-reset|momentum-ignored"),
    Row("optimizers", "Adam", "adam"),
    Row("optimizers", "AdamUncorrected", "adam", wrong="no-bias-correction"),
    Row("optimizers", "AdamPerParameter", "adam", wrong="step-count"),
    Row("optimizers", "sgd_momentum", "sgd"),
    Row("optimizers", "adam", "adam", wrong="second-moment-of-abs"),
    Row("optimizers", "Optimizer_SGD", "sgd"),
    Row("optimizers", "SGDWithDecay", "sgd", wrong="decay-sign"),
    # right layers with habits of their own
    Row("odd_habits", "BiasColumn", "linear"),
    Row("odd_habits", "Record", "linear"),
    Row("odd_habits", "Slots", "linear"),
    Row("odd_habits", "Lazy", "linear"),
    Row("odd_habits", "Named", "linear"),
    Row("odd_habits", "Talkative", "linear"),
    Row("odd_habits", "Properties", "linear"),
    Row("odd_habits", "BiasOfOnes", "conv"),
    Row("odd_habits", "InputsFirst", "conv"),
    Row("odd_habits", "SameAlways", "conv"),
    Row("odd_habits", "PaddingWords", "conv"),
    Row("odd_habits", "MaxPool2x2", "pool"),
    Row("odd_habits", "BatchNormKept", "batch_norm"),
    Row("odd_habits", "BatchNormLast", "batch_norm"),
    Row("odd_habits", "LeakyBuiltIn", "leaky_relu"),
    Row("odd_habits", "GlobalMax", "global_pool"),
    Row("odd_habits", "SigmoidOfScipy", "sigmoid"),
    Row("odd_habits", "LossAndProbabilities", "cross_entropy"),
    Row("odd_habits", "SpatialDropout", "dropout", takes="channels"),
    # the same with a slip
    Row("odd_slips", "BiasColumnMean", "linear", wrong="1/batch_size|scale"),
    Row(
        "odd_slips",
        "LazyEachTime",
        "linear",
        wrong="kept|between|same-again|own weights|not-repeatable|forward",
    ),
    Row("odd_slips", "HistoryFirst", "linear", wrong="first|kept|between|pass before"),
    Row(
        "odd_slips",
        "InputsFirstMixed",
        "conv",
        wrong="height-width-swapped|height and (the )?width|swapped",
    ),
    Row("odd_slips", "PadOnce", "conv", wrong="padding-other-side"),
    Row("odd_slips", "MaxPoolFlat", "pool", wrong="height|width|swapped"),
    Row("odd_slips", "BatchNormLastAxes", "batch_norm", wrong="mean-of-images"),
    Row("odd_slips", "LeakyGradient", "leaky_relu", wrong="other-slope"),
    Row("odd_slips", "GlobalMaxTies", "global_pool", wrong="ties-to-all"),
    Row("odd_slips", "SigmoidOverflow", "sigmoid", wrong="overflow"),
    Row("odd_slips", "SoftmaxOverflow", "softmax", wrong="no-maximum|overflow"),
    Row(
        "odd_slips",
        "LossOfSumOfProbabilities",
        "cross_entropy",
        wrong="every class|of the batch|labels|one-hot",
    ),
    Row(
        "odd_slips",
        "ConvGradientFull",
        "conv",
        wrong="channels-left-out|last (filter|channel)|filters",
    ),
    Row("odd_slips", "FlattenMixed", "flatten", wrong="order|images-mixed"),
    # in the manner of Torch 7: backward(input, gradOutput)
    Row("torch7", "Linear", "linear"),
    Row("torch7", "LinearSwapped", "linear", wrong="1/batch_size"),
    Row("torch7", "ReLU", "relu"),
    Row("torch7", "LeakyReLU", "leaky_relu", wrong="slope-alone"),
    Row("torch7", "SoftMax", "softmax"),
    Row("torch7", "Dropout", "dropout", wrong="not-scaled"),
    Row("torch7", "Tanh", "tanh"),
    # a course's own torch
    Row("mytorch", "Linear", "linear"),
    Row("mytorch", "LinearOfMean", "linear", wrong="1/batch_size"),
    Row("mytorch", "Sigmoid", "sigmoid"),
    Row("mytorch", "Tanh", "tanh"),
    Row("mytorch", "ReLU", "relu", wrong="mask-missing"),
    Row("mytorch", "Conv2d_stride1", "conv"),
    Row("mytorch", "Conv2dUnflipped", "conv", wrong="flipped-kernel"),
    Row("mytorch", "MeanPool2d_stride1", "pool"),
    Row("mytorch", "CrossEntropyLoss", "cross_entropy"),
    # two small frameworks
    Row("small_frameworks", "FullyConnected", "linear"),
    Row("small_frameworks", "Dense", "linear"),
    Row("small_frameworks", "DensePenalty", "linear", wrong="penalty-in-gradient"),
    Row("small_frameworks", "Conv2D", "conv"),
    # handed in late
    Row("late_hour", "Dense", "linear"),
    Row("late_hour", "DenseInputAgain", "linear"),
    Row("late_hour", "DenseInputAgainMean", "linear", wrong="1/batch_size"),
    Row("late_hour", "ReLU", "relu"),
    Row("late_hour", "Sequential", "linear"),
    Row("late_hour", "MaxPool", "pool"),
    Row(
        "late_hour",
        "MaxPoolKeepsPlaces",
        "pool",
        wrong="kept|between|pass before|accumulated|index",
    ),
    Row("late_hour", "ConvNoBias", "conv"),
    Row("late_hour", "FirstLayer", "linear"),
    Row("late_hour", "Tanh", "tanh", wrong="1 - x|input"),
    Row("late_hour", "ConvLossOfAxis", "conv", wrong="shape"),
    # what is left of the tutorials
    Row("last_call", "SGDUpdateInside", "linear"),
    Row("last_call", "Clipped", "linear", wrong="clip|cut off"),
    Row("last_call", "Rounded", "linear", wrong="round"),
    Row("last_call", "ForgetsToReturn", "linear", wrong="return|None|nothing"),
    Row("last_call", "SoftmaxLoss", "cross_entropy"),
    Row("last_call", "SoftmaxLossOneImage", "cross_entropy", wrong="last image|one-image|one-hot"),
    Row("last_call", "BatchNormLate", "batch_norm", wrong="deviation-for-variance"),
    Row("last_call", "PoolAverage", "pool"),
    Row("last_call", "PoolAverageReal", "pool", wrong="padding-not-counted"),
    Row("last_call", "ReluOfGradient", "relu", wrong="guided"),
    Row("last_call", "dropout_forward", "dropout"),
    Row("last_call", "tanh_forward", "tanh"),
    Row("last_call", "layernorm_forward", "layer_norm"),
    Row("last_call", "maxpool_forward", "pool"),
    # a notebook
    Row("notebook", "Conv", "conv", suffix=".ipynb"),
    Row("notebook", "BatchNorm", "batch_norm", wrong="mean-term-missing", suffix=".ipynb"),
)

BY_ID = {row.id: row for row in ROWS}

TELLING = (
    "cs231n:affine_forward",
    "nnfs_book:Layer_Dense",
    "torch_like_broken:LeakyReLU",
    "from_scratch_book:Affine",
    "gradient_and_backward:FullyConnect",
    "columns:FullyConnected",
    "camel_case:DenseLayerShared",
    "machine_learning:Dense",
    "late_hour:DenseInputAgain",
    "activations:Softmax",
)
"""Those that are checked each time; the others take minutes."""
