"""Networks with branches: each is one way in which outputs have several readers."""

from __future__ import annotations

from cnnspec.plan import Plan, resolve
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec

_TEXTS = {
    "identity": """
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3, padding: 1}
  - residual: {body: [conv: {out_channels: 3, kernel_size: 3, padding: 1}, relu]}
  - relu
  - flatten
  - linear: {out_features: 4}
""",
    "shortcut": """
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3, bias: false}
  - batch_norm
  - relu
  - residual:
      body:
        - conv: {out_channels: 4, kernel_size: 3, stride: 2, padding: 1, bias: false}
        - batch_norm
        - relu
        - conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}
        - batch_norm
      shortcut:
        - conv: {out_channels: 4, kernel_size: 1, stride: 2, bias: false}
        - batch_norm
  - relu
  - flatten
  - linear: {out_features: 4}
""",
    # An output that is read by a relu, which the engine would take in place, and by others: the
    # relu first, and last.
    "before-activation": """
input: [2, 4, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 1}
  - residual: {body: [relu, conv: {out_channels: 3, kernel_size: 3, padding: 1}]}
  - parallel: {paths: [[conv: {out_channels: 2, kernel_size: 1}], [], [relu]]}
  - flatten
  - linear: {out_features: 4}
""",
    "paths": """
input: [2, 6, 5]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - parallel:
      paths:
        - - conv: {out_channels: 2, kernel_size: 1}
        - - conv: {out_channels: 2, kernel_size: 1}
          - relu
          - conv: {out_channels: 3, kernel_size: 3, padding: 1}
        - - pool: {kernel_size: 3, stride: 1, padding: 1}
          - conv: {out_channels: 1, kernel_size: 1}
        - []
  - pool: {kind: avg, kernel_size: 2}
  - flatten
  - linear: {out_features: 4}
""",
    "dense": """
input: [2, 5, 4]
layers:
  - conv: {out_channels: 2, kernel_size: 3, padding: 1}
  - repeat:
      times: 3
      layers:
        - parallel:
            paths:
              - []
              - [batch_norm, relu, conv: {out_channels: 2, kernel_size: 3, padding: 1}]
  - flatten
  - linear: {out_features: 4}
""",
    "nested": """
input: [2, 5, 4]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - residual:
      body:
        - relu
        - parallel:
            paths:
              - - residual: {body: [conv: {out_channels: 4, kernel_size: 1}, relu]}
              - - parallel: {merge: add, paths: [[], [conv: {out_channels: 4, kernel_size: 1}], []]}
                - conv: {out_channels: 1, kernel_size: 1}
        - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - flatten
  - linear: {out_features: 4}
""",
    # Images that several layers read, and branches that learn beside some that do not.
    "at-the-start": """
input: [2, 4, 3]
layers:
  - parallel: {paths: [[relu], [], [conv: {out_channels: 2, kernel_size: 1}]]}
  - residual: {body: [batch_norm]}
  - flatten
  - linear: {out_features: 4}
""",
    "at-the-end": """
input: [2, 4, 3]
layers:
  - conv: {out_channels: 2, kernel_size: 2}
  - flatten
  - linear: {out_features: 5}
  - residual: {body: [relu, linear: {out_features: 5}]}
  - parallel: {paths: [[relu], [], [linear: {out_features: 2}]]}
""",
    # The engine's flatten gives the same memory by another name, which a relu would write over.
    "flattened": """
input: [2, 4, 3]
layers:
  - conv: {out_channels: 2, kernel_size: 2}
  - parallel:
      paths:
        - [flatten, relu, linear: {out_features: 3}]
        - [flatten]
        - [relu, flatten]
  - parallel: {merge: add, paths: [[relu], [], [linear: {out_features: 27}]]}
  - linear: {out_features: 4}
""",
    # One output several times, in one join.
    "twice": """
input: [2, 4, 3]
layers:
  - conv: {out_channels: 2, kernel_size: 2}
  - parallel: {paths: [[], []]}
  - parallel: {merge: add, paths: [[], [relu], []]}
  - flatten
  - linear: {out_features: 4}
""",
}

SPECS: dict[str, ModelSpec] = {name: parse_spec(text) for name, text in _TEXTS.items()}
PLANS: dict[str, Plan] = {name: resolve(spec) for name, spec in SPECS.items()}
