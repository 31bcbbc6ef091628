"""cnnspec bench: what it measures, prints and refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import parse_spec
from cnnspec.bench import BACKENDS, BATCHES, bench, loops, measure
from cnnspec.bench.bench import SECONDS
from cnnspec.cli.bench import command
from tests.report.explained import hold, paths

Call = Callable[..., Any]

QUICK = ("--seconds", "0.001", "--batch", "1,3", "--threads", "1")

OWN = """\
from cnnspec import backends


class Network:
    # The engine behind the protocol alone: no layer_times.
    def __init__(self, plan, training, *, device):
        self.plan, self.backend = plan, "own"
        self._inner = backends.builder_of("numpy")(plan, training, device=device)

    def __getattr__(self, name):
        if name == "layer_times":
            raise AttributeError(name)
        return getattr(self._inner, name)
"""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, hasty: None) -> None:
    monkeypatch.setattr(measure, "SETTLE", 0.0)
    monkeypatch.setattr(measure, "BLOCK", 0.0)


@pytest.mark.torch
def test_document(call: Call) -> None:
    done = call("bench", "small.yaml", *QUICK, "--no-memory", "--json")
    document = json.loads(done.out)
    assert done.code == 0
    assert [document[key] for key in ("schema", "spec", "precision", "optimizer", "threads")] == [
        *("cnnspec/bench", "small", "float32", "sgd", 1)
    ]
    assert [(row["mode"], row["batch_size"], row["backend"]) for row in document["rows"]] == [
        (mode, batch, backend)
        for mode in ("train", "predict")
        for batch in (1, 3)
        for backend in ("numpy", "torch", "loops")
    ]
    for row in document["rows"]:
        assert row["ms_min"] <= row["ms_low"] <= row["ms"] <= row["ms_high"] <= row["ms_max"]
        assert row["ratio_low"] <= row["ratio_to_torch"] <= row["ratio_high"]
        # (64 inputs + 0) * 10 logits; a step has a product more, of the weights' gradient
        flops = 2 * 640 * row["batch_size"] * (2 if row["mode"] == "train" else 1)
        assert row["gflops"] == pytest.approx(flops / row["ms"] / 1e6)
        assert row["of_gemm"] == pytest.approx(row["gflops"] / document["machine"]["gemm_gflops"])
        assert row["of_roofline"] > 0
        assert row["peak_memory_mib"] is None
        assert (row["scaled_from"] is not None) == (row["backend"] == "loops")
    torch = [row for row in document["rows"] if row["backend"] == "torch"]
    assert {row["ratio_to_torch"] for row in torch} == {1.0}
    one, three = (row for row in document["rows"][:6] if row["backend"] == "loops")
    assert one["scaled_from"] == {"images": 1, "input": [1, 8, 8], "factor": 1.0}
    assert three["scaled_from"]["factor"] == 3.0
    assert three["ms"] == pytest.approx(3 * one["ms"])
    assert [(mean["mode"], mean["backend"], mean["over"]) for mean in document["means"]] == [
        *(("train", "numpy", "torch"), ("train", "loops", "numpy")),
        *(("predict", "numpy", "torch"), ("predict", "loops", "numpy")),
    ]
    ratios = [row["ratio_to_torch"] for row in document["rows"][:6] if row["backend"] == "numpy"]
    assert document["means"][0]["geometric_mean"] == pytest.approx(np.prod(ratios) ** 0.5)
    assert document["layers"]["batch_size"] == 3  # nearest to 32
    assert [(row["layer"], row["backend"]) for row in document["layers"]["rows"]] == [
        (layer, backend) for backend in ("numpy", "torch") for layer in ("flatten1", "linear1")
    ]
    assert document["left_out"] == []


@pytest.mark.parametrize(
    "backends",
    [
        ("numpy",),
        pytest.param(("numpy", "torch"), marks=pytest.mark.slow),  # imports it in each process
    ],
    ids="-".join,
)
def test_every_key_is_explained_and_memory_is_measured(
    call: Call, backends: tuple[str, ...]
) -> None:
    Path("own.py").write_text(OWN)
    done = call(
        *("bench", "small.yaml", "--backends", ",".join([*backends, "loops", "own.py:Network"])),
        *("--seconds", "0.001", "--batch", "2", "--json"),
    )
    document = json.loads(done.out)
    measured = [*backends, "own.py:Network", "loops"]
    assert [row["backend"] for row in document["rows"][: len(measured)]] == measured
    assert all(
        (row["peak_memory_mib"] is None) == (row["backend"] == "loops") for row in document["rows"]
    )
    assert all(0 <= row["peak_memory_mib"] < 100 for row in document["rows"][: len(measured) - 1])
    assert [out["what"] for out in document["left_out"]] == ["layers of own.py:Network"]
    hold(set(paths(document)), "bench.md")


@pytest.mark.torch
def test_table(call: Call) -> None:
    done = call("bench", "small.yaml", *QUICK, "--no-memory")
    lines = [line.rstrip() for line in done.out.splitlines()]
    assert done.code == 0
    assert max(map(len, lines)) <= 80
    assert re.match(r"small, float32, 1 thread; this machine: \d+ GFLOP/s in a", lines[0])
    assert "training step, sgd" in lines
    assert "prediction" in lines
    assert "layers, in training steps of 3 images" in lines
    numbers = r"[\d.,]+"
    assert re.search(
        rf"^ +1 +numpy +{numbers} +\[{numbers} {numbers}\] +{numbers} +{numbers} +\d+ %( +!)?$",
        done.out,
        re.MULTILINE,
    )
    assert re.search(
        rf"^numpy / torch: {numbers} in the mean, {numbers} to {numbers}$", done.out, re.M
    )
    assert re.search(
        rf"^loops / numpy: {numbers} in the mean, {numbers} to {numbers}$", done.out, re.M
    )
    assert "* scaled up by the multiply-accumulates of 1 image of 1 x 8 x 8" in lines


def test_defaults_are_those_of_python() -> None:
    defaults = {option.name: option.default for option in command.params}
    assert defaults["backends"].split(",") == list(BACKENDS)
    assert [int(batch) for batch in defaults["batches"].split(",")] == list(BATCHES)
    assert defaults["seconds"] == SECONDS


@pytest.mark.torch
def test_without_products_the_loops_are_left_out(call: Call) -> None:
    Path("norm.yaml").write_text("input: [1, 2, 2]\nlayers: [flatten, batch_norm]\n")
    done = call(
        *(
            "bench",
            "norm.yaml",
            "--batch",
            "2",
            "--no-memory",
            "--seconds",
            "0.001",
            "--threads",
            "1",
        )
    )
    assert done.code == 0
    assert "not measured: loops: no multiply-accumulates to scale" in done.out


def test_a_backend_may_print(call: Call) -> None:
    Path("own.py").write_text(
        OWN.replace("        self.plan", "        print('hello')\n        self.plan")
    )
    done = call(
        *("bench", "small.yaml", "--backends", "own.py:Network", "--batch", "1"),
        *("--seconds", "0.001", "--json"),
    )
    assert json.loads(done.out)["rows"][0]["peak_memory_mib"] is not None


def test_layers_of_a_chain_of_ones_own_are_timed(call: Call) -> None:
    Path("own.py").write_text("from cnnspec.backends.loops import build as Network\n")
    done = call(
        *("bench", "small.yaml", "--backends", "own.py:Network", "--batch", "1", "--no-memory"),
        *("--seconds", "0.001", "--threads", "1", "--json"),
    )
    document = json.loads(done.out)
    assert document["left_out"] == []
    assert [row["layer"] for row in document["layers"]["rows"]] == ["flatten1", "linear1"]
    assert document["layers"]["rows"][1]["backward_ms"] > 0


def test_without_torch_there_is_no_ratio(call: Call) -> None:
    done = call("bench", "small.yaml", *QUICK, "--no-memory", "--backends", "numpy", "--json")
    document = json.loads(done.out)
    assert {row["ratio_to_torch"] for row in document["rows"]} == {None}
    assert document["means"] == []


@pytest.mark.slow
def test_compile_is_one_backend_more(program: Call) -> None:
    done = program(
        *("bench", "small.yaml", "--batch", "2", "--seconds", "0.001", "--no-memory"),
        *("--backends", "torch", "--compile", "--json"),
    )
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert [row["backend"] for row in document["rows"][:2]] == ["torch", "torch@compile"]


def test_loops_take_a_slice_of_large_images(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "MOST_MACS", 1_000_000)
    Path("large.yaml").write_text("""\
name: large
input: [1, 200, 200]
layers:
  - conv: {out_channels: 8, kernel_size: 3, stride: 2}
  - batch_norm
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 100}
""")
    options = ("--batch", "4", "--seconds", "0.001", "--no-memory", "--backends", "loops")
    done = call("bench", "large.yaml", *options)
    assert "* scaled up by the multiply-accumulates of 1 image of 1 x 100 x 100" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--batch", "0"), "wanted whole numbers from 1, as in 1,32; found `0`"),
        (("--batch", "1,x"), "found `1,x`"),
        (("--batch", ""), "found ``"),
        (("--threads", "0"), "0 is not in the range 1<=x<=256"),
        (("--seconds", "0"), "0.0 is not in the range x>0"),
        (("--backends", "numpy,"), "wants names, as in numpy,torch; found `numpy,`"),
        (("--backends", "nympy"), "unknown backend `nympy`"),
        (("--backends", "numpy@threads=2"), "`numpy@threads=2`: all backends are timed in"),
        (("--backends", "torch@bfloat16"), "the only setting here is `compile`"),
        (("--backends", "loops@float64"), "`--set training.precision=float64`"),
    ],
)
def test_bad_options_are_refused(call: Call, options: tuple[str, ...], said: str) -> None:
    done = call("bench", "small.yaml", *options)
    assert (done.code, done.out) == (2, "")
    assert said in re.sub(r"[\s│]+", " ", done.err)


@pytest.mark.torch
def test_a_batch_that_is_too_small_is_refused(call: Call) -> None:
    Path("norm.yaml").write_text("input: [1, 2, 2]\nlayers: [flatten, batch_norm]\n")
    done = call("bench", "norm.yaml", "--batch", "1", "--no-memory", "--seconds", "0.001")
    assert (done.code, done.out) == (2, "")
    assert "a batch of at least 2 images; found 1" in done.err


@pytest.mark.parametrize(
    "options",
    [{"batches": ()}, {"batches": (0,)}, {"threads": 0}, {"threads": 257}, {"seconds": 0}],
)
def test_numbers_out_of_range_are_refused_in_python(options: dict[str, Any]) -> None:
    spec = parse_spec("input: [1, 2, 2]\nlayers: [flatten, linear: {out_features: 2}]\n")
    with pytest.raises(ValueError, match="wanted batch sizes from 1, 1 to 256 threads"):
        bench(spec, ("numpy",), **options)
