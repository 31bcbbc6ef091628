"""Initializations, optimizers, data and options that are not here, by their usual names."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.spec.field_words import answers, listed
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.section import Kind


def _here(kinds: Mapping[str, type[Kind]]) -> str:
    """Tell in short which kinds are here."""
    return listed([kind.words.in_short or f"`{word}`" for word, kind in kinds.items()])


OTHER_INITIALIZATIONS = answers(
    """
    kaiming_normal he_normal kaiming he
    msra: a normal distribution whose std is sqrt(2 / fan_in), other for each layer
    kaiming_uniform
    he_uniform: a uniform distribution up to sqrt(6 / fan_in), sqrt(6) times as wide as the default
    xavier_normal glorot_normal: a normal distribution whose std is sqrt(2 / (fan_in + fan_out))
    xavier_uniform glorot_uniform xavier
    glorot: a uniform distribution up to sqrt(6 / (fan_in + fan_out))
    lecun_normal lecun_uniform lecun: a distribution of variance 1 / fan_in
    truncated_normal trunc_normal: a normal distribution without its tails
    uniform random_uniform random: a uniform distribution with bounds of your own
    orthogonal: a random orthogonal matrix
    variance_scaling: a distribution whose variance depends on the layer
    zeros zero ones one constant: the same number everywhere
    sparse dirac eye identity: a matrix of mostly zeros
    """,
    f"it is {{what}}; there are {_here(INITIALIZATIONS)}",
)

OTHER_OPTIMIZERS = {
    **answers(
        """
        adamw: Adam with weight decay apart from the gradient
        adamax: Adam with the largest gradient in place of the mean square
        nadam: Adam with Nesterov's momentum
        radam: Adam with a rectified start
        amsgrad: Adam that keeps the largest mean square
        rmsprop: the root of a mean square, without Adam's other parts
        adagrad adadelta: a sum or a mean of squares
        rprop: the sign of the gradient
        lbfgs bfgs newton: a method of second order
        lion lamb lars adafactor muon sophia ftrl sam lookahead ranger: a later method
        asgd: SGD with averaged weights
        """,
        f"it is another optimizer, {{what}}; there are {_here(OPTIMIZERS)}, which take other steps",
    ),
}

OTHER_DATA = {
    **answers(
        "dataset name type kind source",
        "the key is the kind of data: `data: mnist`, or `data: {{mnist: {{...}}}}`",
    ),
    **answers(
        """
        cifar cifar10 cifar100 svhn emnist kmnist qmnist usps omniglot notmnist stl10: data
        imagenet imagenet1k imagenette tinyimagenet tiny_imagenet coco voc celeba caltech101
        caltech256 lfw places365 food101 flowers102 oxfordiiitpet pets fer2013 country211
        pcam eurosat: data
        iris boston wine breast_cancer titanic: data
        """,
        "{name} is other data; write its images and labels into a file: "
        "`npz: {{path: {name}.npz}}`",
    ),
    **answers(
        """
        csv hdf5 h5 tfrecord tfrecords parquet lmdb pickle pkl folder image_folder
        imagefolder directory files torchvision tfds huggingface random synthetic fake
        fakedata
        """,
        "it is not read; write images and labels into a file with numpy.savez: `npz: "
        "{{path: my.npz}}`",
    ),
}

_SCHEDULE = "there are no schedules: the learning rate is the same in every step"

OTHER_OPTIONS = {
    **answers(
        "schedule scheduler lr_scheduler lr_schedule lr_decay learning_rate_decay "
        "decay_steps warmup "
        "warmup_steps warmup_epochs step_size milestones t_max",
        _SCHEDULE,
    ),
    **answers(
        "dampening maximize foreach fused capturable differentiable",
        "leave it out: it is as torch has it by default, off",
    ),
    **answers("amsgrad", "there is no AMSGrad: leave it out if you mean plain Adam"),
    **answers("centered alpha rho momentum_decay", "it is an option of other optimizers"),
    **answers(
        "clip clipnorm clipvalue clip_grad clip_norm gradient_clipping grad_clip max_grad_norm",
        "gradients are not clipped",
    ),
    **answers(
        "early_stopping stop_early patience callbacks checkpoint",
        "all epochs are trained, and the weights of the last one are kept",
    ),
    **answers(
        "validation validation_split val_split val_samples validation_samples val valid test_split",
        "there is no set beside those to train and to test on: `train_samples` and "
        "`test_samples` cut "
        "them",
    ),
    **answers(
        "augment augmentation augmentations transforms transform random_crop random_flip",
        "images are taken as they are: there is no augmentation",
    ),
    **answers(
        "steps max_steps num_steps iterations max_iter num_iterations steps_per_epoch",
        "a training is so many `epochs` long",
    ),
    **answers(
        "num_workers workers pin_memory prefetch",
        "leave it out: all images are in memory",
    ),
    **answers(
        "kernel_initializer bias_initializer weight_init bias_init gamma_initializer "
        "beta_initializer",
        "starting weights are those of `initialization`, on top, for all layers",
    ),
    **answers(
        "kernel_regularizer bias_regularizer activity_regularizer regularization regularizer l1",
        "there is no penalty for a layer alone; `weight_decay` of the optimizer is for all",
    ),
    **answers(
        "output_padding output_size return_indices divisor_override negative_slope",
        "it is an option of layers that cnnspec does not have",
    ),
    **answers("root data_dir", "choose the folder of the data sets with `--data-dir`"),
    **answers("num_classes classes n_classes", "it is the `out_features` of the last `linear`"),
}
