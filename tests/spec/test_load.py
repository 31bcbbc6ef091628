"""Every common mistake and what is said about it, to the letter."""

import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.errors import CnnspecError, SpecError
from cnnspec.spec import ModelSpec, load_spec, parse_spec
from cnnspec.spec.diagnostics import Diagnostic, Location, show_path

GOOD = """\
name: model
input: [1, 8, 8]
layers:
  - flatten
  - linear: {out_features: 10}
"""


def refusal(text: str | bytes) -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, file="s.yaml")
    return caught.value


def layers(*lines: str) -> str:
    """Write a spec whose layers start in line 3, column 5."""
    return "input: [1, 8, 8]\nlayers:\n" + "".join(f"  - {line}\n" for line in lines)


def line_3(line: str) -> str:
    """Write a spec with a line after its input and layers, which take two."""
    return f"input: [1, 8, 8]\nlayers: [flatten, linear: {{out_features: 10}}]\n{line}\n"


TAIL = ("flatten", "linear: {out_features: 10}")

WHOLE = {
    # the spec as a whole
    "empty file": (
        "",
        """\
not-a-mapping: a spec is a mapping with `input` and `layers`; found nothing
 --> s.yaml:1:1""",
    ),
    "a word": (
        "hello\n",
        """\
not-a-mapping: a spec is a mapping with `input` and `layers`; found "hello" (text)
 --> s.yaml:1:1
  |
1 | hello
  | ^^^^^""",
    ),
    "a list": (
        "- a\n- b\n",
        """\
not-a-mapping: a spec is a mapping with `input` and `layers`; found ["a" (text), "b" (text)]
 --> s.yaml:1:1
  |
1 | - a
  | ^""",
    ),
    "an empty mapping": (
        "{}",
        """\
missing-option: the spec lacks `input`
 --> s.yaml:1:1
  |
1 | {}
  | ^
help: add `input: ...`

missing-option: the spec lacks `layers`
 --> s.yaml:1:1
  |
1 | {}
  | ^
help: add `layers: ...`""",
    ),
    "unknown option of the spec": (
        "nmae: x\n" + GOOD,
        """\
unknown-option: unknown option `nmae`
 --> s.yaml:1:1
  |
1 | nmae: x
  | ^^^^
help: did you mean `name`?""",
    ),
    "option of a section on top": (
        line_3("epochs: 3"),
        """\
unknown-option: unknown option `epochs`
 --> s.yaml:3:1
  |
3 | epochs: 3
  | ^^^^^^
help: known are name, input, layers, initialization, data, training""",
    ),
    "no input": (
        "layers: [flatten]\n",
        """\
missing-option: the spec lacks `input`
 --> s.yaml:1:1
  |
1 | layers: [flatten]
  | ^
help: add `input: ...`""",
    ),
    "duplicate key": (
        line_3("input: [1, 8, 8]"),
        """\
duplicate-key: `input` is written twice; the first is in line 1
 --> s.yaml:3:1
  |
3 | input: [1, 8, 8]
  | ^^^^^
help: keep one of them""",
    ),
    "name with a space": (
        line_3("name: my model"),
        """\
wrong-value: `name`: wanted letters, digits, `.`, `_` and `-`, starting with a letter or digit; \
found "my model" (text)
 --> s.yaml:3:7
  |
3 | name: my model
  |       ^^^^^^^^""",
    ),
    "number as name": (
        line_3("name: 3"),
        """\
wrong-value: `name`: wanted text; found `3`
 --> s.yaml:3:7
  |
3 | name: 3
  |       ^""",
    ),
    # the input
    "input of one number": (
        "input: 28\nlayers: [flatten]\n",
        """\
wrong-value: `input`: wanted a list; found `28`
 --> s.yaml:1:8
  |
1 | input: 28
  |        ^^""",
    ),
    "input of four": (
        "input: [1, 1, 8, 8]\nlayers: [flatten]\n",
        """\
wrong-value: `input`: wanted at most 3 of them; found [1, 1, 8, 8]
 --> s.yaml:1:8
  |
1 | input: [1, 1, 8, 8]
  |        ^""",
    ),
    "input of wrong numbers": (
        "input: [1, 8.0, 0]\nlayers: [flatten]\n",
        """\
wrong-value: `input[1]`: wanted a whole number; found `8.0`
 --> s.yaml:1:12
  |
1 | input: [1, 8.0, 0]
  |            ^^^

wrong-value: `input[2]`: wanted a number above 0; found `0`
 --> s.yaml:1:17
  |
1 | input: [1, 8.0, 0]
  |                 ^""",
    ),
    # kinds
    "unknown kind": (
        layers("conv2d: {out_channels: 4, kernel_size: 3}", *TAIL),
        """\
unknown-kind: unknown kind of layer: `conv2d`
 --> s.yaml:3:5
  |
3 |   - conv2d: {out_channels: 4, kernel_size: 3}
  |     ^^^^^^
help: did you mean `conv`?""",
    ),
    "kind in capitals": (
        layers("ReLU", *TAIL),
        """\
unknown-kind: unknown kind of layer: `ReLU`
 --> s.yaml:3:5
  |
3 |   - ReLU
  |     ^^^^
help: did you mean `relu`?""",
    ),
    "kind like no other": (
        layers("softmax", *TAIL),
        """\
unknown-kind: unknown kind of layer: `softmax`
 --> s.yaml:3:5
  |
3 |   - softmax
  |     ^^^^^^^
help: known are conv, relu, pool, flatten, linear""",
    ),
    "options that are not indented": (
        "input: [1, 8, 8]\nlayers:\n  - linear:\n    out_features: 10\n",
        """\
no-kind: a layer is one key, its kind; found linear, out_features
 --> s.yaml:3:5
  |
3 |   - linear:
  |     ^
help: indent the options under `linear:`""",
    ),
    "number as layer": (
        layers("3", *TAIL),
        """\
no-kind: a layer is a word or a mapping with one key; found `3`
 --> s.yaml:3:5
  |
3 |   - 3
  |     ^""",
    ),
    "nothing as layer": (
        layers("", *TAIL),
        """\
no-kind: a layer is a word or a mapping with one key; found nothing
 --> s.yaml:3:4
  |
3 |   -
  |    ^""",
    ),
    "list as layer": (
        layers("[conv]", *TAIL),
        """\
no-kind: a layer is a word or a mapping with one key; found ["conv" (text)]
 --> s.yaml:3:5
  |
3 |   - [conv]
  |     ^""",
    ),
    "no layers": (
        "input: [1, 8, 8]\nlayers: []\n",
        """\
wrong-value: `layers`: wanted at least 1 of them; found []
 --> s.yaml:2:9
  |
2 | layers: []
  |         ^""",
    ),
    "nothing as layers": (
        "input: [1, 8, 8]\nlayers:\n",
        """\
wrong-value: `layers`: wanted a list; found nothing
 --> s.yaml:2:8
  |
2 | layers:
  |        ^""",
    ),
    # options of layers
    "missing options of a bare word": (
        layers("conv", *TAIL),
        """\
missing-option: `conv` lacks `out_channels`
 --> s.yaml:3:5
  |
3 |   - conv
  |     ^^^^
help: add `out_channels: ...`

missing-option: `conv` lacks `kernel_size`
 --> s.yaml:3:5
  |
3 |   - conv
  |     ^^^^
help: add `kernel_size: ...`""",
    ),
    "misspelt option": (
        layers("conv: {out_channels: 4, kernel: 3}", *TAIL),
        """\
unknown-option: unknown option `kernel` of `conv`
 --> s.yaml:3:29
  |
3 |   - conv: {out_channels: 4, kernel: 3}
  |                             ^^^^^^
help: did you mean `kernel_size`?""",
    ),
    "missing and unknown option": (
        layers("conv: {out_channels: 4, foo: 3}", *TAIL),
        """\
missing-option: `conv` lacks `kernel_size`
 --> s.yaml:3:5
  |
3 |   - conv: {out_channels: 4, foo: 3}
  |     ^^^^
help: add `kernel_size: ...`

unknown-option: unknown option `foo` of `conv`
 --> s.yaml:3:29
  |
3 |   - conv: {out_channels: 4, foo: 3}
  |                             ^^^
help: known are name, out_channels, kernel_size, stride, padding, dilation, groups, bias, \
in_channels""",
    ),
    "option of a kind without options": (
        layers("relu: {inplace: true}", *TAIL),
        """\
unknown-option: unknown option `inplace` of `relu`
 --> s.yaml:3:12
  |
3 |   - relu: {inplace: true}
  |            ^^^^^^^
help: known are name""",
    ),
    "value instead of options": (
        layers("linear: 10"),
        """\
wrong-type: `linear` takes a mapping of options; found `10`
 --> s.yaml:3:13
  |
3 |   - linear: 10
  |             ^^
help: write `linear: {...}`, with the options name, out_features, bias, in_features""",
    ),
    "number with a point": (
        layers("flatten", "linear: {out_features: 3.0}"),
        """\
wrong-value: `layers[1].linear.out_features`: wanted a whole number; found `3.0`
 --> s.yaml:4:28
  |
4 |   - linear: {out_features: 3.0}
  |                            ^^^""",
    ),
    "true as number": (
        layers("flatten", "linear: {out_features: true}"),
        """\
wrong-value: `layers[1].linear.out_features`: wanted a whole number; found `true`
 --> s.yaml:4:28
  |
4 |   - linear: {out_features: true}
  |                            ^^^^""",
    ),
    "text as number": (
        layers("flatten", 'linear: {out_features: "3"}'),
        """\
wrong-value: `layers[1].linear.out_features`: wanted a whole number; found "3" (text)
 --> s.yaml:4:28
  |
4 |   - linear: {out_features: "3"}
  |                            ^^^""",
    ),
    "number that is too small": (
        layers("flatten", "linear: {out_features: 0}"),
        """\
wrong-value: `layers[1].linear.out_features`: wanted a number above 0; found `0`
 --> s.yaml:4:28
  |
4 |   - linear: {out_features: 0}
  |                            ^""",
    ),
    "yes as true": (
        layers("flatten", "linear: {out_features: 10, bias: yes}"),
        """\
wrong-value: `layers[1].linear.bias`: wanted `true` or `false`; found "yes" (text)
 --> s.yaml:4:38
  |
4 |   - linear: {out_features: 10, bias: yes}
  |                                      ^^^""",
    ),
    "one as true": (
        layers("flatten", "linear: {out_features: 10, bias: 1}"),
        """\
wrong-value: `layers[1].linear.bias`: wanted `true` or `false`; found `1`
 --> s.yaml:4:38
  |
4 |   - linear: {out_features: 10, bias: 1}
  |                                      ^""",
    ),
    "wrong sizes": (
        layers("conv: {out_channels: 2, kernel_size: [3, 3, 3], stride: 0, dilation: 1.5}", *TAIL),
        """\
wrong-value: `layers[0].conv.kernel_size`: wanted a whole number of 1 or more, \
or [height, width]; found [3, 3, 3]
 --> s.yaml:3:42
  |
3 |   - conv: {out_channels: 2, kernel_size: [3, 3, 3], stride: 0, dilation: 1.5}
  |                                          ^

wrong-value: `layers[0].conv.stride`: wanted a whole number of 1 or more, \
or [height, width]; found `0`
 --> s.yaml:3:61
  |
3 |   - conv: {out_channels: 2, kernel_size: [3, 3, 3], stride: 0, dilation: 1.5}
  |                                                             ^

wrong-value: `layers[0].conv.dilation`: wanted a whole number of 1 or more, \
or [height, width]; found `1.5`
 --> s.yaml:3:74
  |
3 |   - conv: {out_channels: 2, kernel_size: [3, 3, 3], stride: 0, dilation: 1.5}
  |                                                                          ^^^""",
    ),
    "unknown padding": (
        layers("conv: {out_channels: 2, kernel_size: 3, padding: valid}", *TAIL),
        """\
wrong-value: `layers[0].conv.padding`: wanted a whole number of 0 or more, \
or [height, width], or `same`; found "valid" (text)
 --> s.yaml:3:54
  |
3 |   - conv: {out_channels: 2, kernel_size: 3, padding: valid}
  |                                                      ^^^^^""",
    ),
    "same as padding of a pool": (
        layers("pool: {kernel_size: 3, padding: same}", *TAIL),
        """\
wrong-value: `layers[0].pool.padding`: wanted a whole number of 0 or more, \
or [height, width]; found "same" (text)
 --> s.yaml:3:37
  |
3 |   - pool: {kernel_size: 3, padding: same}
  |                                     ^^^^""",
    ),
    "unknown kind of pool": (
        layers("pool: {kernel_size: 2, kind: average}", *TAIL),
        """\
wrong-value: `layers[0].pool.kind`: wanted 'max' or 'avg'; found "average" (text)
 --> s.yaml:3:34
  |
3 |   - pool: {kernel_size: 2, kind: average}
  |                                  ^^^^^^^""",
    ),
    "layer name with a point": (
        layers("relu: {name: a.b}", *TAIL),
        """\
wrong-value: `layers[0].relu.name`: wanted a name of letters, digits and `_`, \
not starting with a digit; found "a.b" (text)
 --> s.yaml:3:18
  |
3 |   - relu: {name: a.b}
  |                  ^^^""",
    ),
    # shapes
    "kernel larger than the input": (
        layers("conv: {out_channels: 2, kernel_size: 9}", *TAIL),
        """\
shape: conv1: the kernel's height (9) is larger than the padded input: \
(8 + 2*0 - 9)//1 + 1 = 0
 --> s.yaml:3:42
  |
3 |   - conv: {out_channels: 2, kernel_size: 9}
  |                                          ^
help: a kernel of at most 8 fits, or a padding of at least 1""",
    ),
    "kernel larger than the padded input": (
        layers("conv: {out_channels: 2, kernel_size: 13, padding: 1, stride: 3}", *TAIL),
        """\
shape: conv1: the kernel's height (13) is larger than the padded input: \
(8 + 2*1 - 13)//3 + 1 = 0
 --> s.yaml:3:42
  |
3 |   - conv: {out_channels: 2, kernel_size: 13, padding: 1, stride: 3}
  |                                          ^^
help: a kernel of at most 10 fits, or a padding of at least 3""",
    ),
    "dilated kernel wider than the input": (
        layers("conv: {out_channels: 2, kernel_size: [1, 5], dilation: 2}", *TAIL),
        """\
shape: conv1: the kernel's width (2*(5 - 1) + 1 = 9 cells) is larger than the padded input: \
(8 + 2*0 - 9)//1 + 1 = 0
 --> s.yaml:3:42
  |
3 |   - conv: {out_channels: 2, kernel_size: [1, 5], dilation: 2}
  |                                          ^
help: a kernel of at most 4 fits, or a padding of at least 1""",
    ),
    "window larger than the input": (
        layers("pool: {kernel_size: 4}", "pool: {kernel_size: 3, kind: avg}", *TAIL),
        """\
shape: pool2: the kernel's height (3) is larger than the padded input: \
(2 + 2*0 - 3)//3 + 1 = 0
 --> s.yaml:4:25
  |
4 |   - pool: {kernel_size: 3, kind: avg}
  |                         ^
help: a kernel of at most 2 fits, or a padding of at least 1""",
    ),
    "linear before flatten": (
        layers("linear: {out_features: 10}"),
        """\
shape: linear1: `linear` takes features, but receives images of 1 x 8 x 8
 --> s.yaml:3:5
  |
3 |   - linear: {out_features: 10}
  |     ^^^^^^
help: put `- flatten` before it""",
    ),
    "pool after flatten": (
        layers("flatten", "pool: {kernel_size: 2}", "linear: {out_features: 10}"),
        """\
shape: pool1: `pool` takes images (channels x height x width), but receives 64 features
 --> s.yaml:4:5
  |
4 |   - pool: {kernel_size: 2}
  |     ^^^^
help: move `pool` before `flatten`""",
    ),
    "groups that do not divide the input": (
        layers("conv: {out_channels: 2, kernel_size: 1, groups: 2}", *TAIL),
        """\
shape: conv1: `in_channels` (= 1) must be divisible by `groups` (= 2)
 --> s.yaml:3:53
  |
3 |   - conv: {out_channels: 2, kernel_size: 1, groups: 2}
  |                                                     ^
help: 1 would do""",
    ),
    "groups that do not divide the output": (
        layers(
            "conv: {out_channels: 12, kernel_size: 1}",
            "conv: {out_channels: 8, kernel_size: 1, groups: 3}",
            *TAIL,
        ),
        """\
shape: conv2: `out_channels` (= 8) must be divisible by `groups` (= 3)
 --> s.yaml:4:53
  |
4 |   - conv: {out_channels: 8, kernel_size: 1, groups: 3}
  |                                                     ^
help: 1, 2, 4 would do""",
    ),
    "wrong in_channels": (
        layers("conv: {in_channels: 3, out_channels: 2, kernel_size: 1}", *TAIL),
        """\
shape: conv1: `in_channels` is written as 3, but the layer receives 1
 --> s.yaml:3:25
  |
3 |   - conv: {in_channels: 3, out_channels: 2, kernel_size: 1}
  |                         ^
help: write 1, or leave `in_channels` out: it is inferred""",
    ),
    "wrong in_features": (
        layers("flatten", "linear: {in_features: 63, out_features: 10}"),
        """\
shape: linear1: `in_features` is written as 63, but the layer receives 64
 --> s.yaml:4:27
  |
4 |   - linear: {in_features: 63, out_features: 10}
  |                           ^^
help: write 64, or leave `in_features` out: it is inferred""",
    ),
    "padding same with a stride": (
        layers("conv: {out_channels: 2, kernel_size: 3, stride: 2, padding: same}", *TAIL),
        """\
shape: conv1: `padding: same` needs `stride: 1`, but the stride is 2
 --> s.yaml:3:65
  |
3 |   - conv: {out_channels: 2, kernel_size: 3, stride: 2, padding: same}
  |                                                                 ^^^^
help: write the padding as a number""",
    ),
    "padding over half of a window": (
        layers("pool: {kernel_size: [4, 3], padding: 2}", *TAIL),
        """\
shape: pool1: `padding` (= 2) is more than half of the kernel's width (= 3)
 --> s.yaml:3:42
  |
3 |   - pool: {kernel_size: [4, 3], padding: 2}
  |                                          ^
help: at most 1 is allowed: a window must not be all padding""",
    ),
    "names written twice": (
        layers("relu: {name: act}", "relu: {name: act}", *TAIL),
        """\
duplicate-name: two layers are named `act`: number 1 and 2
 --> s.yaml:4:18
  |
4 |   - relu: {name: act}
  |                  ^^^
help: rename one of them""",
    ),
    "written name of a later layer": (
        layers("relu: {name: relu2}", "relu", *TAIL),
        """\
duplicate-name: two layers are named `relu2`: number 1 and 2
 --> s.yaml:4:5
  |
4 |   - relu
  |     ^^^^
help: rename one of them""",
    ),
    "no logits": (
        layers("conv: {out_channels: 6, kernel_size: 3}", "relu"),
        """\
no-logits: relu1: the last layer gives images of 6 x 6 x 6, \
but logits are wanted: one number for each class
 --> s.yaml:4:5
  |
4 |   - relu
  |     ^^^^
help: end with `- flatten` and `- linear: {out_features: ...}`""",
    ),
    # training
    "unknown optimizer": (
        line_3("training: {optimizer: {rmsprop: {}}}"),
        """\
unknown-kind: unknown kind of optimizer: `rmsprop`
 --> s.yaml:3:24
  |
3 | training: {optimizer: {rmsprop: {}}}
  |                        ^^^^^^^
help: known are sgd, adam""",
    ),
    "nothing as optimizer": (
        line_3("training: {optimizer: }"),
        """\
no-kind: an optimizer is a word or a mapping with one key; found nothing
 --> s.yaml:3:22
  |
3 | training: {optimizer: }
  |                      ^""",
    ),
    "two optimizers": (
        line_3("training: {optimizer: {sgd: , adam: }}"),
        """\
no-kind: an optimizer is one key, its kind; found sgd, adam
 --> s.yaml:3:23
  |
3 | training: {optimizer: {sgd: , adam: }}
  |                       ^
help: indent the options under `sgd:`""",
    ),
    "nesterov without momentum": (
        line_3("training: {optimizer: {sgd: {nesterov: true}}}"),
        """\
conflict: `nesterov` needs a `momentum` above 0
 --> s.yaml:3:29
  |
3 | training: {optimizer: {sgd: {nesterov: true}}}
  |                             ^""",
    ),
    "option of the other optimizer": (
        line_3("training: {optimizer: {adam: {momentum: 0.9}}}"),
        """\
unknown-option: unknown option `momentum` of `adam`
 --> s.yaml:3:31
  |
3 | training: {optimizer: {adam: {momentum: 0.9}}}
  |                               ^^^^^^^^
help: known are learning_rate, betas, eps, weight_decay""",
    ),
    "rates that are no finite numbers": (
        line_3(
            "training: {optimizer: {sgd: "
            "{learning_rate: .nan, momentum: .inf, weight_decay: 1e999}}}"
        ),
        """\
wrong-value: `training.optimizer.sgd.learning_rate`: wanted a finite number; found `nan`
 --> s.yaml:3:45
  |
3 | training: {optimizer: {sgd: {learning_rate: .nan, momentum: .inf, weight_decay: 1e999}}}
  |                                             ^^^^

wrong-value: `training.optimizer.sgd.momentum`: wanted a finite number; found `inf`
 --> s.yaml:3:61
  |
3 | training: {optimizer: {sgd: {learning_rate: .nan, momentum: .inf, weight_decay: 1e999}}}
  |                                                             ^^^^

wrong-value: `training.optimizer.sgd.weight_decay`: wanted a finite number; found `inf`
 --> s.yaml:3:81
  |
3 | training: {optimizer: {sgd: {learning_rate: .nan, momentum: .inf, weight_decay: 1e999}}}
  |                                                                                 ^^^^^""",
    ),
    "text as rate": (
        line_3("training: {optimizer: {sgd: {learning_rate: fast}}}"),
        """\
wrong-value: `training.optimizer.sgd.learning_rate`: wanted a number; found "fast" (text)
 --> s.yaml:3:45
  |
3 | training: {optimizer: {sgd: {learning_rate: fast}}}
  |                                             ^^^^""",
    ),
    "wrong numbers of a training": (
        line_3("training: {epochs: 0, batch_size: 1.5, seed: -1, precision: float16}"),
        """\
wrong-value: `training.epochs`: wanted a number above 0; found `0`
 --> s.yaml:3:20
  |
3 | training: {epochs: 0, batch_size: 1.5, seed: -1, precision: float16}
  |                    ^

wrong-value: `training.batch_size`: wanted a whole number; found `1.5`
 --> s.yaml:3:35
  |
3 | training: {epochs: 0, batch_size: 1.5, seed: -1, precision: float16}
  |                                   ^^^

wrong-value: `training.seed`: wanted a number of 0 or more; found `-1`
 --> s.yaml:3:46
  |
3 | training: {epochs: 0, batch_size: 1.5, seed: -1, precision: float16}
  |                                              ^^

wrong-value: `training.precision`: wanted 'float32' or 'float64'; found "float16" (text)
 --> s.yaml:3:61
  |
3 | training: {epochs: 0, batch_size: 1.5, seed: -1, precision: float16}
  |                                                             ^^^^^^^""",
    ),
    "nothing as training": (
        line_3("training:"),
        """\
wrong-type: `training` takes a mapping of options; found nothing
 --> s.yaml:3:10
  |
3 | training:
  |          ^
help: write `training: {...}`, with the options epochs, batch_size, optimizer, precision, seed""",
    ),
    "unknown initialization": (
        line_3("initialization: {xavier: {}}"),
        """\
unknown-kind: unknown kind of initialization: `xavier`
 --> s.yaml:3:18
  |
3 | initialization: {xavier: {}}
  |                  ^^^^^^
help: known are torch_default, normal""",
    ),
    "normal without std": (
        line_3("initialization: normal"),
        """\
missing-option: `normal` lacks `std`
 --> s.yaml:3:1
  |
3 | initialization: normal
  | ^^^^^^^^^^^^^^
help: add `std: ...`""",
    ),
    # data
    "unknown data": (
        line_3("data: {imagenet: {}}"),
        """\
unknown-kind: unknown kind of data: `imagenet`
 --> s.yaml:3:8
  |
3 | data: {imagenet: {}}
  |        ^^^^^^^^
help: known are digits, mnist, fashion_mnist, npz""",
    ),
    "normalize with one number": (
        line_3("data: {digits: {normalize: {mean: 0.1, std: [0.3]}}}"),
        """\
wrong-value: `data.digits.normalize.mean`: wanted a list; found `0.1`
 --> s.yaml:3:35
  |
3 | data: {digits: {normalize: {mean: 0.1, std: [0.3]}}}
  |                                   ^^^""",
    ),
    "normalize with unequal lists": (
        line_3("data: {digits: {normalize: {mean: [0.1, 0.2], std: [0.3]}}}"),
        """\
conflict: `mean` has 2 numbers and `std` has 1: one per channel is wanted
 --> s.yaml:3:28
  |
3 | data: {digits: {normalize: {mean: [0.1, 0.2], std: [0.3]}}}
  |                            ^""",
    ),
    "normalize by zero": (
        line_3("data: {digits: {normalize: {mean: [0], std: [0]}}}"),
        """\
wrong-value: `data.digits.normalize.std`: wanted numbers above 0, one per channel; found [0]
 --> s.yaml:3:45
  |
3 | data: {digits: {normalize: {mean: [0], std: [0]}}}
  |                                             ^""",
    ),
    "normalize without std": (
        line_3("data: {digits: {normalize: {mean: [0.5]}}}"),
        """\
missing-option: `normalize` lacks `std`
 --> s.yaml:3:17
  |
3 | data: {digits: {normalize: {mean: [0.5]}}}
  |                 ^^^^^^^^^
help: add `std: ...`""",
    ),
    "no samples": (
        line_3("data: {mnist: {train_samples: 0, normalise: {}}}"),
        """\
wrong-value: `data.mnist.train_samples`: wanted a number above 0; found `0`
 --> s.yaml:3:31
  |
3 | data: {mnist: {train_samples: 0, normalise: {}}}
  |                               ^

unknown-option: unknown option `normalise` of `mnist`
 --> s.yaml:3:34
  |
3 | data: {mnist: {train_samples: 0, normalise: {}}}
  |                                  ^^^^^^^^^
help: did you mean `normalize`?""",
    ),
    "path as options": (
        line_3("data: {npz: mine.npz}"),
        """\
wrong-type: `npz` takes a mapping of options; found "mine.npz" (text)
 --> s.yaml:3:13
  |
3 | data: {npz: mine.npz}
  |             ^^^^^^^^
help: write `npz: {...}`, with the options normalize, train_samples, test_samples, path""",
    ),
}


@pytest.mark.parametrize(("text", "shown"), WHOLE.values(), ids=WHOLE)
def test_what_is_said(text: str, shown: str) -> None:
    assert str(refusal(text)) == shown


MANY = """\
name: my model
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 9}
  - conv: {out_channels: 4.0, kernel_size: 3}
  - relu: {name: act}
  - drop_out
  - relu: {name: act}
  - flatten
  - linear: {out_features: 32}
  - pool: {kernel_size: 2}
  - linear: {out_features: 10}
  - linear: {out_features: 10, in_features: 11}
training:
  epochs: 3
  epochs: 4
  optimizer: {sgd: {lr: 0.1}}
dta: digits
"""


def test_all_problems_of_a_file_come_at_once_in_its_order() -> None:
    found = refusal(MANY)
    assert [
        (problem.code, problem.location.line, problem.location.column, problem.message)
        for problem in found.diagnostics
        if problem.location
    ] == [
        (
            "wrong-value",
            1,
            7,
            "`name`: wanted letters, digits, `.`, `_` and `-`, starting with a letter or digit; "
            'found "my model" (text)',
        ),
        (
            "shape",
            4,
            42,
            "conv1: the kernel's height (9) is larger than the padded input: "
            "(8 + 2*0 - 9)//1 + 1 = 0",
        ),
        (
            "wrong-value",
            5,
            26,
            "`layers[1].conv.out_channels`: wanted a whole number; found `4.0`",
        ),
        ("unknown-kind", 7, 5, "unknown kind of layer: `drop_out`"),
        ("duplicate-name", 8, 18, "two layers are named `act`: number 3 and 5"),
        (
            "shape",
            11,
            5,
            "pool1: `pool` takes images (channels x height x width), but receives 32 features",
        ),
        (
            "shape",
            13,
            45,
            "linear3: `in_features` is written as 11, but the layer receives 10",
        ),
        ("duplicate-key", 16, 3, "`epochs` is written twice; the first is in line 15"),
        ("unknown-option", 17, 21, "unknown option `lr` of `sgd`"),
        ("unknown-option", 18, 1, "unknown option `dta`"),
    ]
    assert str(found) == "\n\n".join(problem.render() for problem in found.diagnostics)
    assert found.diagnostics[-1].help == "did you mean `data`?"
    assert found.diagnostics[-1].path == ("dta",)


def test_a_layer_whose_shape_is_wrong_hides_nothing_after_the_next_linear() -> None:
    text = layers(
        "conv: {out_channels: 2, kernel_size: 9}",
        "pool: {kernel_size: 99}",
        "linear: {out_features: 4, in_features: 99}",
        "linear: {out_features: 4, in_features: 5}",
    )
    messages = [found.message.split(":")[0] for found in refusal(text).diagnostics]
    assert messages == ["conv1", "linear2"]


def test_an_input_that_is_not_valid_hides_only_what_depends_on_it() -> None:
    text = "input: [1, 8]\nlayers:\n" + (
        "  - conv: {out_channels: 2, kernel_size: 99}\n"
        "  - flatten\n"
        "  - linear: {out_features: 4}\n"
        "  - pool: {kernel_size: 2}\n"
    )
    assert [found.location.line for found in refusal(text).diagnostics if found.location] == [1, 6]


# What is said here must be true; in which words is left open.


@pytest.mark.parametrize("written", ["[]", "[8]", "[8, 8]"])
def test_too_few_sizes_as_input(written: str) -> None:
    (found,) = refusal(f"input: {written}\nlayers: [flatten]\n").diagnostics
    assert found.code == "wrong-value"
    assert found.message.startswith("`input`: wanted ")
    assert found.message.endswith(f"found {written}")


def test_one_beta() -> None:
    text = line_3("training: {optimizer: {adam: {betas: [0.9]}}}")
    (found,) = refusal(text).diagnostics
    assert found.code == "wrong-value"
    assert found.message.startswith("`training.optimizer.adam.betas`: wanted ")
    assert found.message.endswith("found [0.9]")


def test_empty_lists() -> None:
    text = line_3("data: {digits: {normalize: {mean: [], std: []}}}")
    mean, std = refusal(text).diagnostics
    for found, option in ((mean, "mean"), (std, "std")):
        assert found.path == ("data", "digits", "normalize", option)
        assert found.message.startswith(f"`data.digits.normalize.{option}`: wanted ")
        assert found.message.endswith("found []")


def test_a_word_as_layers() -> None:
    (found,) = refusal("input: [1, 8, 8]\nlayers: relu\n").diagnostics
    assert found.message == '`layers`: wanted a list; found "relu" (text)'


@pytest.mark.parametrize("written", ["[a]", "[.inf]", "[true]"])
def test_a_wrong_number_in_a_list_is_one_problem(written: str) -> None:
    text = line_3(f"data: {{digits: {{normalize: {{mean: {written}, std: [1]}}}}}}")
    (found,) = refusal(text).diagnostics
    assert found.path == ("data", "digits", "normalize", "mean", 0)


def test_values_in_a_list_are_shown_as_they_are_written() -> None:
    text = layers("conv: {out_channels: 2, kernel_size: [true, ~]}", *TAIL)
    (found,) = refusal(text).diagnostics
    assert found.message.endswith("; found [true, nothing]")


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("data: imagenet", 7),
        ("initialization: xavier", 17),
        ("training: {optimizer: rmsprop}", 23),
    ],
)
def test_the_caret_of_an_unknown_kind_is_under_the_kind(line: str, column: int) -> None:
    (found,) = refusal(line_3(line)).diagnostics
    assert found.code == "unknown-kind"
    assert found.location is not None
    assert (found.location.line, found.location.column) == (3, column)


def test_the_caret_of_an_unknown_option_is_under_it_whatever_it_is_called() -> None:
    (found,) = refusal(GOOD + '"\\uD800": 3\n').diagnostics
    assert found.location is not None
    assert found.location.line == 6


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in str(refusal(GOOD.replace("name: model", 'name: "\\e[31mred"')))


COUNTLESS = """
from cnnspec import SpecError, parse_spec

try:
    parse_spec('''
input: [1000000000000, 8, 8]
layers:
  - conv: {out_channels: 1000000000000, kernel_size: 1, groups: 3}
  - flatten
  - linear: {out_features: 10}
''')
except SpecError as error:
    print(error.diagnostics[0].message)
"""


def test_wrong_groups_of_a_great_many_channels_are_refused_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNTLESS], capture_output=True, text=True, timeout=5, check=True
    )
    assert done.stdout == (
        "conv1: `in_channels` (= 1000000000000) must be divisible by `groups` (= 3)\n"
    )


# Files.


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(GOOD)
    assert load_spec(path) == load_spec(str(path)) == parse_spec(GOOD)
    assert isinstance(load_spec(path), ModelSpec)


def test_problems_name_the_file_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"layers: [flatten]\r\ninput: [1, 8, 0]\r\n")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert str(caught.value) == (
        "wrong-value: `input[2]`: wanted a number above 0; found `0`\n"
        f" --> {path}:2:15\n"
        "  |\n"
        "2 | input: [1, 8, 0]\n"
        "  |               ^"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert str(caught.value) == f"unreadable: cannot read {path}: No such file or directory"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path)
    assert str(caught.value) == f"unreadable: cannot read {tmp_path}: Is a directory"


def test_a_path_that_cannot_be() -> None:
    with pytest.raises(SpecError):
        load_spec("a\0b")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"name: \xe9\n")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (found,) = caught.value.diagnostics
    assert found.render().startswith("not-utf8: the file is not UTF-8 text: byte 6 is 0xe9\n")
    assert found.help == "save it as UTF-8"


# Diagnostics by themselves.


def test_a_problem_in_a_line_of_several_digits() -> None:
    at = Location("s.yaml", 120, 3, 6, "  abc: 1")
    assert Diagnostic("code", "message", ("abc",), at, "way out").render() == (
        "code: message\n   --> s.yaml:120:3\n    |\n120 |   abc: 1\n    |   ^^^\nhelp: way out"
    )


def test_a_problem_without_a_place_names_the_path() -> None:
    path = ("layers", 3, "conv", "kernel_size")
    assert show_path(path) == "layers[3].conv.kernel_size"
    assert Diagnostic("code", "message", path).render() == (
        "code: message\n --> layers[3].conv.kernel_size"
    )
    assert Diagnostic("code", "message").render() == "code: message"


def test_a_spec_error_is_a_cnnspec_error_with_its_problems() -> None:
    problems = [Diagnostic("a", "one"), Diagnostic("b", "two", help="three")]
    error = SpecError(iter(problems))
    assert isinstance(error, CnnspecError)
    assert error.diagnostics == tuple(problems)
    assert str(error) == "a: one\n\nb: two\nhelp: three"
