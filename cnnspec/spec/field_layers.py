"""Layers that cnnspec does not have, by the names that torch, Keras, Caffe and people give them."""

from __future__ import annotations

from cnnspec.spec.field_words import answers, listed
from cnnspec.spec.layers import KINDS
from cnnspec.spec.layers.layer import Family


def _all(family: Family) -> list[str]:
    return [f"`{word}`" for word, kind in KINDS.items() if kind.family == family]


def _here(family: Family) -> str:
    """Say which layers of a family there are: none of them is what was asked for."""
    words = _all(family)
    if len(words) == 1:
        return f"{words[0]} is the only one that cnnspec has; it is another function"
    return f"cnnspec has {listed(words)}; each is another function"


_ACTIVATION = f"it is another activation, {{what}}; {_here('activation')}"
_NORM = f"it is another normalisation, {{what}}; {_here('normalisation')}"
_NOT_HERE = "it is {what}; cnnspec does not have it"

OTHER_LAYERS = {
    **answers(
        """
        prelu: with a learnt slope below 0
        rrelu: with a random slope below 0
        relu6: max(x, 0) cut off at 6
        elu: exp(x) - 1 below 0
        selu celu: a scaled exponential below 0
        quickgelu: x times sigmoid(1.702 * x)
        silu swish: x times its sigmoid
        mish: x times tanh(softplus(x))
        hardswish hswish hardsigmoid hsigmoid hardtanh: a piecewise one
        softplus softsign softshrink hardshrink tanhshrink threshold
        logsigmoid: a smooth or shifted one
        glu swiglu geglu maxout crelu: a gated one
        """,
        _ACTIVATION,
        keeps_shape=True,
    ),
    **answers(
        """
        group_norm groupnormalization: over groups of channels
        instance_norm instancenorm2d instancenormalization: over each channel of an image
        rms_norm rmsnormalization: by the root of the mean square
        local_response_norm localresponsenorm lrn response_normalization: by neighbouring channels
        weight_norm spectral_norm weightnormalization spectralnormalization: of the weights
        sync_batch_norm syncbatchnorm: over the batches of all processes
        batchnorm3d: over volumes
        """,
        _NORM,
        keeps_shape=True,
    ),
    **answers(
        """
        dropout1d spatialdropout1d: whole channels of sequences
        dropout3d spatialdropout3d: whole channels of volumes
        alphadropout featurealphadropout: numbers are set to one below 0, to suit a selu
        droppath drop_path stochastic_depth: whole branches are dropped
        dropblock: whole patches are dropped
        gaussiandropout gaussiannoise: numbers are changed at random, and none is dropped
        """,
        "it is other noise ({what}) than `dropout`; cnnspec does not have it",
        keeps_shape=True,
    ),
    **answers(
        """
        conv1d convolution1d: a convolution over sequences
        conv3d convolution3d: a convolution over volumes
        conv_transpose conv_transpose2d convtranspose2d conv2dtranspose deconv deconvolution
        deconv2d transposed_conv: a convolution turned round, which makes images larger
        deform_conv deformconv2d: a convolution whose taps move
        locally_connected locallyconnected2d: a convolution whose filters are not shared
        """,
        "it is {what}; `conv` is over images with one filter for all places, and another function",
    ),
    **answers(
        """
        maxpool1d avgpool1d maxpooling1d averagepooling1d: pooling over sequences
        maxpool3d avgpool3d maxpooling3d averagepooling3d: pooling over volumes
        lp_pool lppool2d: pooling by a power mean
        fractional_max_pool fractionalmaxpool2d stochastic_pool: pooling over random windows
        max_unpool maxunpool2d unpool unpooling: the way back from a pooling
        spatial_pyramid_pool spp roi_pool roi_align: pooling into a fixed number of cells
        """,
        "it is {what}; `pool` takes the maximum or the average of windows over images",
    ),
    **answers(
        """
        multiply gate se squeeze_excite squeeze_excitation se_block cbam
        attention_gate: a product of branches
        """,
        "it is {what}; cnnspec does not have it: `residual` adds branches, `parallel` adds or "
        "joins them",
    ),
    **answers(
        "add sum eltwise elementwise merge join",
        "branches that are added are a block: `residual: {{body: [...]}}` adds its input, "
        "`parallel: {{merge: add, paths: [[...], [...]]}}` what its paths give",
    ),
    **answers(
        """
        lstm gru rnn simplernn convlstm bidirectional: a recurrent layer
        embedding: a table of vectors for words
        attention multi_head_attention multiheadattention transformer transformer_encoder
        self_attention: attention
        bilinear: a form in two inputs, not a linear layer
        lambda custom function: code of your own
        capsule: a capsule layer
        """,
        _NOT_HERE,
    ),
    **answers(
        """
        unflatten: the way back from `flatten`
        permute transpose: another order of axes
        upsample upsampling2d upsampling resize interpolate pixel_shuffle
        pixelshuffle: larger images
        crop cropping2d center_crop: smaller images
        channel_shuffle channelshuffle shuffle: another order of channels
        """,
        "cnnspec does not have it ({what})",
    ),
    **answers(
        "rescale rescaling scale normalization normalize standardize",
        "cnnspec does not have it (other numbers); numbers of the images are normalised in `data`",
    ),
    **answers(
        "activation nonlinearity",
        f"each activation is a kind of its own: {listed(_all('activation'))}",
        keeps_shape=True,
    ),
    **answers(
        "pad zero_pad zeropad2d zero_padding2d zeropadding2d zero_padding constantpad2d",
        "zeros around images are the `padding` of the layer that follows",
    ),
    **answers(
        "reflection_pad reflectionpad2d replication_pad replicationpad2d circularpad2d",
        "only zeros are put around images, by the `padding` of the layer that follows",
    ),
}
