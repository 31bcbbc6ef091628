"""Two run folders: the same training, but for rounding, or not, and why."""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from cnnspec import build, load_data, parse_spec, resolve, train
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.cli import group
from cnnspec.compare import parse_backend, runs
from cnnspec.compare.runs import compare_runs
from cnnspec.documents import to_json
from cnnspec.errors import RunError
from cnnspec.report.runs import reason as reason_of
from cnnspec.report.runs import render_runs, runs_document
from cnnspec.training import Run
from cnnspec.training.weights import save_weights
from tests.faulty import faulty
from tests.report.explained import hold, paths

REPEATED = [
    f"parts.{key}"
    for key in (
        "findings",
        "follows",
        "quantities",
        "coverage",
        "not_compared",
        "few_images",
        "silent",
        "kinks",
    )
]
"""What docs/reference/verdict.md explains."""

TEXT = """
name: tiny
input: [1, 8, 8]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - relu
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 96, test_samples: 40}}
training: {epochs: 2, batch_size: 32, optimizer: adam}
"""


@pytest.fixture
def trained(tmp_path: Path) -> Any:
    def run(backend: str = "numpy", text: str = TEXT, *overrides: str) -> Run:
        spec = parse_spec(text, overrides=overrides)
        made = Run.create(tmp_path, spec, text, backend=backend, overrides=overrides)
        network = build(resolve(spec), spec.training, backend)
        train(
            network,
            load_data(spec.data),
            spec.training,
            on_epoch=lambda metrics: made.record(metrics, network),
        )
        return made

    return run


@pytest.mark.torch
def test_two_backends_end_within_the_envelope(trained: Any) -> None:
    found = compare_runs(trained("numpy"), trained("torch"))
    assert found.verdict == "same"
    assert reason_of(found) == "their weights are within the rounding envelope of 6 twins"
    assert found.parts is not None
    assert found.parts.findings == ()
    envelope = found.envelope
    assert envelope is not None
    assert envelope.inside
    assert (envelope.twins, len(envelope.twin_accuracy)) == (6, 6)
    assert 0 < max(found.distances.values()) < 1e-3
    assert found.different_predictions == 0
    assert found.accuracy[0] == found.histories[0][-1].test_accuracy


def test_the_same_run_twice_is_equal_to_the_bit(trained: Any) -> None:
    found = compare_runs(trained(), trained())
    assert (found.verdict, reason_of(found)) == ("same", "their weights are equal to the last bit")
    assert found.envelope is None
    assert not any(found.distances.values())


@pytest.mark.torch
def test_without_twins_nobody_can_tell(trained: Any) -> None:
    found = compare_runs(trained("numpy"), trained("torch"), twins=0)
    assert found.verdict == "cannot tell"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("training.seed=1", "their specs differ: training.seed: 0 -> 1"),
        (
            "training.optimizer.adam.learning_rate=0.01",
            "their specs differ: training.optimizer.learning_rate: 0.001 -> 0.01",
        ),
        ("layers.conv1.out_channels=4", "their layers are not the same"),
    ],
)
def test_another_spec_is_another_training(override: str, reason: str, trained: Any) -> None:
    found = compare_runs(trained(), trained("numpy", TEXT, override))
    assert found.verdict == "different"
    assert reason_of(found) == reason


def test_the_name_and_the_limits_change_no_training(trained: Any) -> None:
    renamed = TEXT.replace("name: tiny", "name: other") + "limits: {parameters: 1000000}\n"
    assert compare_runs(trained(), trained("numpy", renamed)).verdict == "same"


def test_tampered_weights_are_outside(trained: Any) -> None:
    first, second = trained(), trained()
    weights = second.weights()
    weights["conv1.weight"].flat[0] += 1e-2
    save_weights(second.path / "weights.safetensors", weights)
    found = compare_runs(first, second)
    assert found.verdict == "different"
    assert reason_of(found).startswith("their weights are outside the rounding envelope of 3 twins")
    assert found.envelope is not None
    assert (found.envelope.inside, found.envelope.parameter) == (False, "conv1.weight")


def test_a_backend_that_errs_is_named(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.py"
    file.write_text("""
from cnnspec.backends import numpy as engine

class Halved(engine.LAYERS["linear"]):
    def parameter_gradients(self, grad_output):
        found = super().parameter_gradients(grad_output)
        return found | {"bias": found["bias"] / 2}

def Network(plan, training, *, device):
    return engine.NumPyNetwork(plan, training, backend="own", loss=engine.cross_entropy,
                               layers=engine.LAYERS | {"linear": Halved},
                               optimizers=engine.OPTIMIZERS)
""")
    runs = trained(), trained(f"{file}:Network")
    found = compare_runs(*runs, backends=("numpy", f"{file}:Network"))
    assert found.verdict == "different"
    assert reason_of(found) == "the backends are not the same function: linear1 differs"
    with pytest.raises(RunError, match="A run folder is data, and what it names is not run"):
        compare_runs(*runs)


@pytest.mark.torch
def test_a_backend_may_be_named_for_each_run(trained: Any) -> None:
    found = compare_runs(trained(), trained(), backends=("torch", "loops"))
    assert found.backends == ("torch", "loops")
    assert found.parts is not None
    assert found.verdict == "same"


@pytest.mark.torch
def test_weights_that_are_not_finite_are_different_and_named(trained: Any) -> None:
    first, second = trained("numpy"), trained("torch")
    for run in (first, second):
        weights = run.weights()
        weights["linear1.bias"][3:5] = np.nan, np.inf
        save_weights(run.path / "weights.safetensors", weights)
    found = compare_runs(first, second)
    assert found.verdict == "different"
    assert reason_of(found).startswith(
        f"the weights of {first.path} are not finite: linear1.bias (2 of 10 numbers)"
    )
    assert [(item.run, item.parameter) for item in found.not_finite] == [
        (str(first.path), "linear1.bias"),
        (str(second.path), "linear1.bias"),
    ]
    assert (found.parts, found.envelope, found.distances) == (None, None, {})


def test_weights_beyond_the_precision_are_said(trained: Any) -> None:
    first, second = trained(), trained()
    weights = {name: array.astype(np.float64) for name, array in second.weights().items()}
    save_weights(second.path / "weights.safetensors", weights)
    assert compare_runs(first, second).warnings == ()  # float32 holds them all
    weights["conv1.weight"].flat[1] += 1e-12
    save_weights(second.path / "weights.safetensors", weights)
    (warning,) = compare_runs(first, second).warnings
    assert warning == (
        f"the weights of {second.path} are float64 numbers, which float32, the precision of its "
        "training, rounds: conv1.weight"
    )
    weights["conv1.weight"].flat[1] = 1e300  # float32 has nothing that large
    save_weights(second.path / "weights.safetensors", weights)
    found = compare_runs(first, second)
    assert reason_of(found).startswith(
        f"the weights of {second.path} are not finite: conv1.weight (1"
    )


class NoGradient(ConvNumPy):
    def input_gradient(self, grad_output: Any) -> Any:
        raise ValueError("no gradient")


@pytest.mark.torch
def test_parts_that_cannot_be_compared_are_different(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = trained("numpy"), trained("torch")
    choices = {"numpy": faulty("numpy", conv=NoGradient), "torch": parse_backend("torch")}
    monkeypatch.setattr(runs, "parse_backend", lambda name, device: choices[name])
    found = compare_runs(first, second)
    assert found.verdict == "different"
    assert reason_of(found) == (
        "parts of the backends could not be compared: conv1: numpy: ValueError: no gradient"
    )
    text = " ".join(str(part) for part in render_runs(found))
    assert ": 3 of 4 outputs, 3 of 4 input gradients, " in text
    assert "message='conv1 (output, input gradient, weight gradient, bias gradient); " in text
    assert "help='mend it'" in text  # two runs take no --allow


@pytest.mark.torch
def test_a_backend_that_loses_precision_is_named(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = {"numpy": parse_backend("numpy"), "torch": parse_backend("torch@bfloat16")}
    first, second = trained("numpy"), trained("torch")
    monkeypatch.setattr(runs, "parse_backend", lambda name, device: choices[name])
    found = compare_runs(first, second)
    assert found.verdict == "different"
    assert reason_of(found) == (
        "one of the backends loses precision that rounding does not explain: torch@bfloat16 in "
        "conv1"
    )


def test_weights_of_another_network_name_the_run(trained: Any) -> None:
    first, second = trained(), trained()
    weights = second.weights()
    weights["conv1.weight"] = np.zeros((5, 1, 3, 3), np.float32)
    save_weights(second.path / "weights.safetensors", weights)
    with pytest.raises(RunError, match=r"are not those of its spec: .*conv1\.weight") as caught:
        compare_runs(first, second)
    assert str(second.path) in str(caught.value)


@pytest.mark.parametrize("about", ["{}", "[]", '{"backend": 3}'])
def test_a_run_that_does_not_say_its_backend(about: str, trained: Any) -> None:
    run = trained()
    (run.path / "run.json").write_text(about)
    with pytest.raises(RunError, match=r'its run\.json .it has no `"backend": NAME`'):
        Run.open(run.path)


def rendered(found: Any, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(*render_runs(found), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_layers_that_differ_are_shown(trained: Any) -> None:
    first, second = trained(), trained("numpy", TEXT, "layers.conv1.out_channels=4")
    text = rendered(compare_runs(first, second), width=1000)  # as long as folders may be
    assert re.search(r"conv1 +out_channels +3 -> 4", text)
    assert f"`cnnspec diff {first.path}/resolved.yaml {second.path}/resolved.yaml`" in text


def test_a_change_is_said_once(trained: Any) -> None:
    text = rendered(compare_runs(trained(), trained("numpy", TEXT, "training.seed=1")))
    assert text.count("training.seed") == 1
    assert "before -> after" not in text


@pytest.mark.torch
def test_every_key_of_the_document_is_explained(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = trained("numpy"), trained("torch")
    broken, changed = trained(), trained("numpy", TEXT, "training.seed=1")
    broken_weights = broken.weights()
    broken_weights["conv1.weight"][0] = np.nan
    save_weights(broken.path / "weights.safetensors", broken_weights)
    documents = [compare_runs(*pair) for pair in ((first, second), (first, broken))]
    documents.append(compare_runs(first, changed))
    choices = {"numpy": faulty("numpy", conv=NoGradient), "torch": parse_backend("torch@bfloat16")}
    monkeypatch.setattr(runs, "parse_backend", lambda name, device: choices[name])
    documents.append(compare_runs(first, second))
    found = {
        path
        for each in documents
        for path in paths(json.loads(to_json(runs_document(each))), REPEATED)
    }
    hold(found, "runs.md")


def test_unequal_epochs(trained: Any) -> None:
    first, second = trained(), trained()
    metrics = second.path / "metrics.jsonl"
    metrics.write_text(metrics.read_text().splitlines()[0] + "\n")
    weights = second.weights()
    save_weights(
        second.path / "weights.safetensors",
        {name: np.nextafter(array, np.float32(1)) for name, array in weights.items()},
    )
    found = compare_runs(first, second)
    assert (found.verdict, reason_of(found)) == (
        "different",
        "one has 2 finished epochs, the other 1",
    )


def test_damaged_folders_are_refused(trained: Any) -> None:
    first, second = trained(), trained()
    save_weights(second.path / "weights.safetensors", {"other": np.zeros(1, np.float32)})
    with pytest.raises(RunError, match="are not those of its spec"):
        compare_runs(first, second)
    (second.path / "weights.safetensors").unlink()
    with pytest.raises(RunError, match="cannot read the weights"):
        compare_runs(first, second)


def command(*arguments: str) -> int:
    return group.run(["compare", *arguments])


@pytest.mark.torch
def test_the_command(trained: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folders = [str(trained(backend).path) for backend in ("numpy", "torch")]
    monkeypatch.setenv("COLUMNS", "200")
    assert command(*folders) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        f"SAME: {folders[0]} (numpy) and {folders[1]} (torch): their weights are "
    )
    assert "train loss, epoch 2" in text
    assert command(*folders, "--twins", "0", "--json") == 1
    assert '"verdict": "cannot tell"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}"], "wanted one spec, or two run folders"),
        (["{run}", "spec.yaml"], "(a run folder), spec.yaml (which does not exist)"),
        (["{run}", "{run}/.."], "(a run folder), {run}/.. (a folder without a run.json)"),
        (["{run}", "{run}/spec.yaml"], "(a run folder), {run}/spec.yaml (a file)"),
        (["{run}", "{run}", "--twins", "1"], "--twins: two run folders need 2 or more, or 0 to"),
        (["spec.yaml", "spec.yaml"], "wanted one spec, or two run folders"),
        (["{run}", "{run}", "--backends", "a"], "--backends wants two names, as in numpy,torch"),
        (["{run}", "{run}", "--backends", "a,b"], "unknown backend `a`; known are numpy"),
        (["{run}", "{run}", "--steps", "1", "--set", "a=1"], "--steps, --set: for specs"),
    ],
)
def test_bad_usage(
    arguments: list[str], message: str, trained: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = str(trained().path)
    monkeypatch.setenv("COLUMNS", "200")
    assert command(*(argument.format(run=run) for argument in arguments)) == 2
    assert message.format(run=run) in " ".join(capsys.readouterr().err.split())
