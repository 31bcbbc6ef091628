"""A failure shrinks to the least that shows it, and the program that is written does show it."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from cnnspec import SGD, ModelSpec, parse_spec
from cnnspec.address import LOSS, OPTIMIZER
from cnnspec.compare import parse_backend
from cnnspec.compare.explaining.failing_case import layer_case
from cnnspec.compare.explaining.shrink import Shrunk, shrink
from cnnspec.report.failing_case import failing_program, size_line
from cnnspec.spec.layers import Conv, Linear, Pool
from tests.faulty import faulty

SPEC = parse_spec("""
input: [2, 9, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1, in_channels: 2}
  - relu
  - conv: {out_channels: 6, kernel_size: [3, 2], stride: 2, groups: 2, name: strided}
  - pool: {kernel_size: 3, stride: 1}
  - flatten
  - linear: {out_features: 5, in_features: 24}
training: {batch_size: 10, optimizer: {sgd: {momentum: 0.9, weight_decay: 0.1}}}
""")

STRIDED = parse_spec("""
input: [2, 5, 4]
layers:
  - conv: {out_channels: 4, kernel_size: [3, 2], stride: 2, groups: 2, name: strided}
  - relu
  - flatten
training: {batch_size: 10, optimizer: {sgd: {}}}
""")
ENDS = parse_spec("""
input: [2, 4, 3]
layers: [relu, flatten, linear: {out_features: 5, in_features: 24}]
training: {batch_size: 10, optimizer: {sgd: {momentum: 0.9, weight_decay: 0.1}}}
""")
LESS = {"conv": STRIDED, "linear": ENDS, "loss": ENDS, "optimizer": ENDS}
"""What shrinks sooner than SPEC does, and shows the fault, too."""

FAULTS = """
import numpy as np
from cnnspec.backends import numpy as engine
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.backends.numpy.sgd import SGDNumPy
from cnnspec.backends.numpy.pool import PoolNumPy

MENDED = False

def builder(loss=engine.cross_entropy, optimizers=engine.OPTIMIZERS, **layers):
    def build(plan, training, *, device):
        return engine.NumPyNetwork(
            plan, training, backend="faulty", layers=engine.LAYERS | ({} if MENDED else layers),
            loss=engine.cross_entropy if MENDED else loss,
            optimizers=engine.OPTIMIZERS if MENDED else optimizers,
        )
    return build

class Strided(ConvNumPy):
    def __init__(self, layer, *given):
        super().__init__(layer, *given)
        self.strided = layer.stride != 1
    def forward(self, x):
        y = super().forward(x)
        return y * 2 if self.strided else y

class Overlap(PoolNumPy):
    def __init__(self, layer, *given):
        super().__init__(layer, *given)
        self.overlaps = layer.strides() < (layer.kernel_size,) * 2
    def input_gradient(self, grad_output):
        grad = super().input_gradient(grad_output)
        return -grad if self.overlaps else grad

class Weight(LinearNumPy):
    def parameter_gradients(self, grad_output):
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / grad_output.shape[-1]}

class Add(engine.LAYERS["add"]):
    def forward(self, *inputs):
        return super().forward(inputs[0])

class Concat(engine.LAYERS["concat"]):
    def forward(self, *inputs):
        y = super().forward(*inputs)
        return y[::-1]

class Raises(LinearNumPy):
    def input_gradient(self, grad_output):
        raise ValueError("out of ideas")

class Decay(SGDNumPy):
    def step(self, parameters, gradients, learning_rate, step):
        negated = {name: gradient - 2 * self._options.weight_decay * parameters[name]
                   for name, gradient in gradients.items()}
        super().step(parameters, negated, learning_rate, step)

def summed(logits, labels):
    loss, grad = engine.cross_entropy(logits, labels)
    return loss * len(labels), grad

conv, pool, linear = builder(conv=Strided), builder(pool=Overlap), builder(linear=Weight)
add, concat = builder(add=Add), builder(concat=Concat)
raises, loss = builder(linear=Raises), builder(loss=summed)
optimizer = builder(optimizers=engine.OPTIMIZERS | {"sgd": Decay})
"""


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shrink") / "faults.py"
    path.write_text(FAULTS)
    return path


@cache  # to shrink is a hundred comparisons, and always the same
def shrunk(faults: Path, name: str) -> Shrunk:
    sides = parse_backend("numpy"), parse_backend(f"{faults}:{name}")
    found = shrink(LESS.get(name, SPEC), sides)
    assert found is not None
    assert found.failure.wrong_side == name
    assert found.runs <= 200
    return found


def program(found: Shrunk, faults: Path, name: str, path: Path) -> Path:
    choices = parse_backend("numpy"), parse_backend(f"{faults}:{name}")
    findings = found.verdict.findings
    case = layer_case(found.spec, choices, findings[0]) if findings else None
    path.write_text(failing_program(found, ("numpy", f"{faults}:{name}"), case))
    return path


@pytest.mark.slow
def test_conv_that_is_wrong_where_it_strides(faults: Path) -> None:
    found = shrunk(faults, "conv")
    conv = found.spec.layers[0]
    assert isinstance(conv, Conv)
    assert (conv.out_channels, conv.kernel_size, conv.groups, conv.bias) == (1, 1, 1, False)
    assert conv.stride != 1
    assert [layer.keyword for layer in found.spec.layers] == ["conv", "flatten"]
    assert found.spec.input == (1, 1, 1)
    assert size_line(found).startswith("2 layers over images of 1 x 1 x 1, in ")


@pytest.mark.slow
def test_pool_that_is_wrong_where_windows_overlap(faults: Path) -> None:
    found = shrunk(faults, "pool")
    pool = found.spec.layers[0]
    assert isinstance(pool, Pool)
    assert pool.strides() < (pool.kernel_size,) * 2
    assert found.spec.input[0] == 1
    assert (found.failure.part, found.failure.quantity) == ("pool", "grad_input")


@pytest.mark.slow
def test_the_cause_stays_the_same(faults: Path) -> None:
    found = shrunk(faults, "linear")
    assert found.failure.cause == "scale"
    linear = found.spec.layers[-1]
    assert isinstance(linear, Linear)
    assert (linear.out_features, linear.bias) == (1, False)


@pytest.mark.slow
def test_loss_and_optimizer(faults: Path) -> None:
    loss = shrunk(faults, "loss")
    assert (loss.failure.part, loss.failure.quantity) == (LOSS, "loss")
    assert len(loss.spec.layers) <= 2
    optimizer = shrunk(faults, "optimizer")
    assert (optimizer.failure.part, optimizer.failure.quantity) == (
        OPTIMIZER,
        "momentum_buffer",
    )
    options = optimizer.spec.training.optimizer
    assert options == SGD(momentum=0.9, weight_decay=0.1), "it needs both"


def test_a_layer_that_raises(faults: Path) -> None:
    found = shrunk(faults, "raises")
    assert (found.failure.part, found.failure.quantity) == ("linear", None)
    assert len(found.spec.layers) == 2


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert shrink(SPEC, (parse_backend("numpy"), faulty())) is None


def test_runs_are_bounded(faults: Path) -> None:
    choices = parse_backend("numpy"), parse_backend(f"{faults}:conv")
    found = shrink(SPEC, choices, runs=3)
    assert found is not None
    assert found.runs == 3


@pytest.mark.parametrize(
    "name",
    [
        *("conv", "linear", "raises", "loss", "optimizer"),
        pytest.param("pool", marks=pytest.mark.slow),
    ],
)
def test_the_program_shows_it_until_it_is_mended(
    name: str, faults: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "faults.py"
    own.write_text(FAULTS)
    path = program(shrunk(faults, name), own, name, tmp_path / "case.py")
    assert len(path.read_text().splitlines()) < 60
    assert exit_code(path) == 1
    shown = capsys.readouterr()
    assert "apart" in shown.out or "out of ideas" in shown.out
    assert shown.err == ""
    own.write_text(FAULTS.replace("MENDED = False", "MENDED = True"))
    assert exit_code(path) == 0, capsys.readouterr()


def exit_code(program: Path) -> Any:
    """Run a program in this process: one by itself is run by the test of the command."""
    with pytest.raises(SystemExit) as stop:
        run_path(str(program), run_name="__main__")
    return stop.value.code


SMALL = """
input: [1, 4, 4]
layers: [relu, flatten, linear: {out_features: 3}]
training: {batch_size: 4}
"""


@pytest.mark.torch
def test_the_command(
    faults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from cnnspec.cli.group import run

    monkeypatch.chdir(faults.parent)
    Path("small.yaml").write_text(SMALL)
    given = ["compare", "small.yaml", "--mode", "replay", "--shrink"]
    assert run([*given, "case.py", "--backends", "numpy,faults.py:linear"]) == 1
    assert "shrunk to 2 layers over images of" in capsys.readouterr().err
    written = Path("case.py").read_text()
    assert "BACKENDS = ('numpy', f\"{HERE}/faults.py:linear\")" in written
    assert str(faults.parent) not in written, "it can be handed on"
    assert written.startswith('"""linear1, weight gradient: linear is wrong.')
    assert "-0.0" not in written
    Path("elsewhere").mkdir()
    done = subprocess.run([sys.executable, "../case.py"], cwd="elsewhere", capture_output=True)
    assert done.returncode == 1
    assert b"; linear is wrong" in done.stdout.splitlines()[-1]
    assert done.stderr == b""

    assert run([*given, "other.py", "--backends", "numpy,torch"]) == 0
    assert "nothing to shrink: the two do not differ" in capsys.readouterr().err
    assert not Path("other.py").exists()


BRANCHES = parse_spec("""
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3, padding: 1}
  - repeat:
      times: 2
      layers:
        - residual:
            body:
              - conv: {out_channels: 3, kernel_size: 3, padding: 1}
              - batch_norm: {num_features: 3}
        - relu
  - parallel:
      paths: [[conv: {out_channels: 2, kernel_size: 1}], [], [relu, relu]]
  - flatten
  - linear: {out_features: 4}
training: {batch_size: 5}
""")


PATHS = parse_spec("""
input: [2, 4, 3]
layers:
  - parallel:
      paths: [[conv: {out_channels: 2, kernel_size: 1}], [], [relu]]
  - flatten
training: {batch_size: 5}
""")


@pytest.mark.parametrize(
    ("spec", "name", "kind"),
    [
        (PATHS, "concat", "parallel"),
        pytest.param(BRANCHES, "concat", "parallel", marks=pytest.mark.slow),
        pytest.param(BRANCHES, "add", "residual", marks=pytest.mark.slow),
    ],
)
def test_what_stands_in_blocks_shrinks_too(
    faults: Path, spec: ModelSpec, name: str, kind: str
) -> None:
    found = shrink(spec, (parse_backend("numpy"), parse_backend(f"{faults}:{name}")))
    assert found is not None
    block, last = found.spec.layers
    assert (block.keyword, last.keyword) == (kind, "flatten")
    inner = dict(block)["body"] if kind == "residual" else sum(dict(block)["paths"], ())
    assert len(inner) <= 1
    # Of one channel, both orders of two empty paths are one.
    assert found.spec.input == (1 if kind == "residual" else 2, 1, 1)
    assert found.failure.cause is not None
