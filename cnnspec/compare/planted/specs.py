"""The small specs on which faults are planted: between them, they have every setting."""

from __future__ import annotations

from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec

_TEXTS = [
    """
name: overlaps
input: [2, 7, 6]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - pool: {kernel_size: 3, stride: 2, padding: 1}
  - conv: {out_channels: 4, kernel_size: 3, stride: 2, padding: 1, groups: 2}
  - pool: {kind: avg, kernel_size: 2, stride: 1, padding: 1}
  - flatten
  - linear: {out_features: 5}
  - relu
  - linear: {out_features: 5}
  - linear: {out_features: 4}
training:
  batch_size: 6
  optimizer: {sgd: {learning_rate: 0.05, momentum: 0.9, weight_decay: 0.01}}
""",
    """
name: even-kernels
input: [3, 6, 5]
layers:
  - conv: {out_channels: 4, kernel_size: 2, padding: same}
  - pool: {kind: avg, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}
  - relu
  - conv: {out_channels: 2, kernel_size: 2, padding: 1, bias: false}
  - pool: {kernel_size: 2, stride: 1}
  - flatten
  - linear: {out_features: 6}
  - batch_norm: {momentum: 0.3, eps: 1e-3}
  - relu
  - linear: {out_features: 6}
  - linear: {out_features: 3, bias: false}
training:
  batch_size: 5
  optimizer: {adam: {learning_rate: 0.002, weight_decay: 0.05}}
""",
    """
name: dilated
input: [4, 9, 8]
layers:
  - conv: {out_channels: 4, kernel_size: [3, 2], dilation: 2, padding: [2, 1], groups: 2}
  - relu
  - conv: {out_channels: 6, kernel_size: 3, stride: [2, 1], bias: false}
  - batch_norm: {affine: false}
  - pool: {kernel_size: [2, 3], stride: 2, ceil_mode: true}
  - flatten
  - linear: {out_features: 5}
training:
  batch_size: 7
  optimizer: {sgd: {learning_rate: 0.1, momentum: 0.8, nesterov: true, weight_decay: 0.1}}
""",
    """
name: plain
input: [1, 8, 7]
layers:
  - conv: {out_channels: 3, kernel_size: 3, padding: same}
  - batch_norm
  - relu
  - pool: {kernel_size: 2}
  - conv: {out_channels: 4, kernel_size: [2, 3], stride: [2, 1], padding: 1, dilation: [2, 1]}
  - pool: {kind: avg, kernel_size: 2, ceil_mode: true}
  - flatten
  - linear: {out_features: 10}
training:
  batch_size: 4
  optimizer: adam
""",
    """
name: residual
input: [3, 8, 7]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}
  - batch_norm
  - residual: {body: [relu, conv: {out_channels: 4, kernel_size: 3, padding: 1}]}
  - residual:
      body:
        - conv: {out_channels: 6, kernel_size: 3, stride: 2, padding: 1}
        - batch_norm: {momentum: 0.2}
        - relu
        - conv: {out_channels: 6, kernel_size: [3, 2], padding: same}
      shortcut: [conv: {out_channels: 6, kernel_size: 1, stride: 2, bias: false}, batch_norm]
  - relu
  - pool: {kind: avg, kernel_size: 2}
  - flatten
  - residual: {body: [linear: {out_features: 24}, relu]}
  - linear: {out_features: 5}
training:
  batch_size: 6
  optimizer: {sgd: {learning_rate: 0.05, momentum: 0.9, weight_decay: 0.001}}
""",
    """
name: paths
input: [2, 7, 6]
layers:
  - parallel:
      paths:
        - [conv: {out_channels: 3, kernel_size: 3, padding: 1}, relu]
        - []
        - [pool: {kernel_size: 3, stride: 1, padding: 1}, conv: {out_channels: 4, kernel_size: 1}]
  - repeat:
      times: 2
      layers:
        - parallel:
            paths: [[], [batch_norm, relu, conv: {out_channels: 2, kernel_size: 3, padding: 1}]]
  - parallel:
      paths: [[conv: {out_channels: 4, kernel_size: 2}], [conv: {out_channels: 4, kernel_size: 2}]]
  - parallel:
      merge: add
      paths:
        - [pool: {kernel_size: 2}, flatten]
        - [pool: {kind: avg, kernel_size: 2}, flatten]
        - [conv: {out_channels: 8, kernel_size: 2, stride: 2, groups: 2}, flatten]
  - linear: {out_features: 4}
training:
  batch_size: 5
  optimizer: {adam: {learning_rate: 0.002}}
""",
]

SPECS: list[ModelSpec] = [parse_spec(text) for text in _TEXTS]
