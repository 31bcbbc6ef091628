"""Two run folders: the same training, but for rounding, or not, and why."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import build, load_data, parse_spec, resolve, train
from cnnspec.cli import main
from cnnspec.compare.runs import compare_runs
from cnnspec.errors import RunError
from cnnspec.training import Run
from cnnspec.training.weights import save_weights

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


def test_two_backends_end_within_the_envelope(trained: Any) -> None:
    found = compare_runs(trained("numpy"), trained("torch"))
    assert found.verdict == "same"
    assert found.reason == "their weights are within the rounding envelope of 6 twins"
    assert found.parts is not None
    assert found.parts.findings == ()
    envelope = found.envelope
    assert envelope is not None
    assert envelope.inside
    assert (envelope.twins, len(envelope.twin_accuracy)) == (3, 3)
    assert 0 < max(found.distances.values()) < 1e-3
    assert found.different_predictions == 0
    assert found.accuracy[0] == found.histories[0][-1].test_accuracy


def test_the_same_run_twice_is_equal_to_the_bit(trained: Any) -> None:
    found = compare_runs(trained(), trained())
    assert (found.verdict, found.reason) == ("same", "their weights are equal to the last bit")
    assert found.envelope is None
    assert not any(found.distances.values())


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
    assert found.reason == reason


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
    assert found.reason.startswith("their weights are outside the rounding envelope of 6 twins")
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
    found = compare_runs(trained(), trained(f"{file}:Network"))
    assert found.verdict == "different"
    assert found.reason == "the backends are not the same function: linear1 differs"


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
    assert (found.verdict, found.reason) == (
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


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cnnspec", "compare", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_the_command(trained: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    runs = [str(trained(backend).path) for backend in ("numpy", "torch")]
    monkeypatch.setenv("COLUMNS", "200")
    assert command(monkeypatch, *runs) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"SAME: {runs[0]} (numpy) and {runs[1]} (torch): their weights are ")
    assert "train loss, epoch 2" in text
    assert command(monkeypatch, *runs, "--twins", "0", "--json") == 1
    assert '"verdict": "cannot tell"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}"], "wanted one spec, or two run folders"),
        (["{run}", "spec.yaml"], "wanted one spec, or two run folders"),
        (["spec.yaml", "spec.yaml"], "wanted one spec, or two run folders"),
        (["{run}", "{run}", "--backends", "a,b"], "--backends: for specs, not for run folders"),
        (["{run}", "{run}", "--steps", "1", "--set", "a=1"], "--steps, --set: for specs"),
    ],
)
def test_bad_usage(
    arguments: list[str], message: str, trained: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = str(trained().path)
    monkeypatch.setenv("COLUMNS", "200")
    assert command(monkeypatch, *(argument.format(run=run) for argument in arguments)) == 2
    assert message in capsys.readouterr().err
