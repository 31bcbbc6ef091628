"""Run folders: what a training leaves on disk, to the letter."""

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cnnspec import (
    Dataset,
    Digits,
    Network,
    SpecError,
    build,
    load_data,
    resolve,
    train,
)
from cnnspec.backends import BACKENDS
from cnnspec.environment import environment
from cnnspec.errors import RunError
from cnnspec.plan import write_out
from cnnspec.spec import parse_spec, read_text
from cnnspec.spec.kept import with_note, without_note
from cnnspec.spec.source import MAX_BYTES
from cnnspec.training import EpochMetrics, Run, evaluate

TEXT = """\
name: small  # a comment
input: [1, 8, 8]
layers: [flatten, linear: {out_features: 10}]
data: {digits: {train_samples: 200, test_samples: 100}}
training: {epochs: 2, optimizer: {sgd: {learning_rate: 0.5}}}
"""
SPEC = parse_spec(TEXT)
RESOLVED = """\
name: small
input: [1, 8, 8]
layers:
  - flatten: {name: flatten1}
  - linear: {name: linear1, out_features: 10, bias: true, in_features: 64}
initialization: torch_default
data:
  digits: {train_samples: 200, test_samples: 100}
training:
  epochs: 2
  batch_size: 32
  optimizer:
    sgd: {learning_rate: 0.5, momentum: 0.0, nesterov: false, weight_decay: 0.0}
  precision: float32
  seed: 0
limits:
  parameters: 1000000000
  activations: 10000000000
  layers: 10000
  images: 1000000000
"""
FILES = ["metrics.jsonl", "resolved.yaml", "run.json", "spec.yaml", "weights.safetensors"]
METRICS = [
    EpochMetrics(1, 2.5, 0.25, 1.5, 0.5, 0.125),
    EpochMetrics(2, 1.25, 0.75, 0.1, 0.9375, 3e-05),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "some" / "runs"


@pytest.fixture(scope="module")
def data() -> Dataset:
    assert isinstance(SPEC.data, Digits)
    return load_data(SPEC.data)


def network() -> Network:
    return build(resolve(SPEC), SPEC.training)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_known_before_the_training(root: Path) -> None:
    overrides = ["training.epochs=2", "name=small"]
    run = Run.create(root, SPEC, TEXT, backend="numpy", overrides=overrides)
    assert run == Run(root / "small-1", "numpy")
    assert names(root) == ["small-1"]
    assert names(run.path) == ["resolved.yaml", "run.json", "spec.yaml"]
    assert (run.path / "spec.yaml").read_bytes() == with_note(TEXT.encode())
    assert (run.path / "resolved.yaml").read_text() == RESOLVED
    assert json.loads((run.path / "run.json").read_text()) == {
        "backend": "numpy",
        "overrides": overrides,
        "spec_sha256": hashlib.sha256(with_note(TEXT.encode())).hexdigest(),
        "environment": environment(),
    }


def test_the_environment_names_versions_and_machine() -> None:
    found = environment()
    assert list(found)[:5] == ["python", "machine", "cpus", "cnnspec", "numpy"]
    assert found["numpy"] == np.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["cpus"] == os.cpu_count()


KEPT = {
    "nothing": b"",
    "line feeds": b"name: x\n",
    "no line end": b"name: x",
    "carriage returns": b"name: x\r\ninput: 3\r\n",
    "of an old Macintosh": b"name: x\rinput: 3\r",
    "a byte order mark": b"\xef\xbb\xbfname: x\r\n",
    "text": "name: \u00e9\n",
    "no UTF-8": b"\xff",
    "a document mark": b"---\nname: x\n...\n",
    "a schema": b"# yaml-language-server: $schema=cnnspec.schema.json\nname: x\n",
    "JSON": b'{\n  "name": "x"}',
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_the_spec_is_kept_byte_by_byte_below_a_note(root: Path, text: str | bytes) -> None:
    run = Run.create(root, SPEC, text, backend="numpy")
    kept = (run.path / "spec.yaml").read_bytes()
    given = text.encode() if isinstance(text, str) else text
    assert without_note(kept) == given
    first, *rest = kept.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert first.startswith(b"# As it was given to `cnnspec train`. This run goes by resolved.yaml")
    assert first.endswith(b"\r") == (b"\r\n" in given)
    assert b"\n".join(rest) == given.removeprefix(b"\xef\xbb\xbf")
    assert kept.startswith(b"\xef\xbb\xbf") == given.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        f"---\n{TEXT}...\n",
        f"\ufeff{TEXT}",
        TEXT.ljust(MAX_BYTES, "#"),
    ],
    ids=["as people write it", "carriage returns", "marks", "byte order mark", "as long as can be"],
)
def test_the_spec_of_a_run_can_be_trained_again_and_again(root: Path, text: str) -> None:
    spec = parse_spec(text)
    for _ in range(3):
        run = Run.create(root, spec, text, backend="numpy")
        text = read_text(run.path / "spec.yaml").decode()
        assert parse_spec(text) == spec
        assert text.count("# As it was given") == 1


def test_a_change_of_the_spec_that_has_no_effect_is_said(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    assert run.changed_copy() == ""
    path = run.path / "spec.yaml"
    path.write_text(path.read_text().replace("epochs: 2", "epochs: 3"))
    assert run.changed_copy() == (
        f"{path} was changed after the training, which has no effect: the run goes by "
        "resolved.yaml; `cnnspec train` trains what was changed"
    )
    about = json.loads((run.path / "run.json").read_text())
    del about["spec_sha256"]  # as run folders were before
    (run.path / "run.json").write_text(json.dumps(about))
    assert run.changed_copy() == ""
    path.unlink()
    os.mkfifo(path)
    assert run.changed_copy() == ""


def test_the_resolved_spec_is_read_back(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    assert run.spec() == write_out(SPEC)
    assert run.spec(["training.seed=3"]).training == SPEC.training.model_copy(update={"seed": 3})


def test_names_count_up(root: Path) -> None:
    def create(name: str) -> str:
        spec = SPEC.model_copy(update={"name": name})
        return Run.create(root, spec, TEXT, backend="numpy").path.name

    assert [create("a"), create("a"), create("b"), create("a")] == ["a-1", "a-2", "b-1", "a-3"]
    (root / "a-4").touch()
    (root / "a-6").mkdir()
    assert [create("a"), create("a")] == ["a-5", "a-7"]


def test_no_two_runs_share_a_folder(root: Path) -> None:
    def create(_: int) -> Path:
        return Run.create(root, SPEC, TEXT, backend="numpy").path

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(create, range(24)))
    assert {path.name for path in paths} == {f"small-{number}" for number in range(1, 25)}


def test_metrics_are_one_line_an_epoch(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    for metrics in METRICS:
        run.record(metrics, network())
    assert names(run.path) == FILES
    assert (run.path / "metrics.jsonl").read_text() == (
        '{"epoch": 1, "train_loss": 2.5, "train_accuracy": 0.25, "test_loss": 1.5, '
        '"test_accuracy": 0.5, "seconds": 0.125}\n'
        '{"epoch": 2, "train_loss": 1.25, "train_accuracy": 0.75, "test_loss": 0.1, '
        '"test_accuracy": 0.9375, "seconds": 3e-05}\n'
    )
    assert run.history() == tuple(METRICS)


def test_weights_are_those_after_the_last_epoch(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    one = network()
    for metrics in METRICS:
        one.load_state({name: array + 1 for name, array in one.state().items()})
        run.record(metrics, one)
    found = run.weights()
    assert found.keys() == one.state().keys()
    assert all(np.array_equal(found[name], array) for name, array in one.state().items())


def test_evaluating_a_run_gives_what_was_recorded(root: Path, data: Dataset) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    one = network()
    history = train(one, data, SPEC.training, on_epoch=lambda metrics: run.record(metrics, one))
    opened = Run.open(run.path)
    assert opened == run
    assert opened.history() == history
    spec = opened.spec()
    again = build(resolve(spec), spec.training.model_copy(update={"seed": 99}), opened.backend)
    again.load_state(opened.weights())
    found = evaluate(again, data.test)
    assert found.accuracy == history[-1].test_accuracy
    assert found.loss == history[-1].test_loss


def test_runs_are_opened_by_name(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="loops")
    assert Run.open(str(run.path)).backend == "loops"


def test_a_file_is_in_the_way(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    file.touch()
    for root in (file, file / "inner"):
        with pytest.raises(RunError) as caught:
            Run.create(root, SPEC, TEXT, backend="numpy")
        assert str(caught.value).startswith(f"cannot write a run folder in {root}: ")


def test_a_folder_that_was_taken_away(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    for path in run.path.iterdir():
        path.unlink()
    run.path.rmdir()
    with pytest.raises(RunError) as caught:
        run.record(METRICS[0], network())
    assert str(caught.value).startswith(f"cannot write {run.path}")


IN_ASCII = """
import sys
from cnnspec import NPZ, Flatten, ModelSpec
from cnnspec.training import Run

spec = ModelSpec(input=(1, 8, 8), layers=[Flatten()], data=NPZ(path="\\u00e9.npz"))
run = Run.create(sys.argv[1], spec, "# \\u00e9\\n", backend="numpy", overrides=["name=\\u00e9"])
assert Run.open(run.path).spec().data == spec.data
"""


def test_files_are_utf8_whatever_the_locale(root: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", IN_ASCII, str(root)],
        env={**os.environ, **ascii_only},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert 'path: "é.npz"' in (root / "model-1" / "resolved.yaml").read_bytes().decode()


def test_a_path_that_is_no_text_is_no_crash(root: Path) -> None:
    spec = SPEC.model_copy(
        update={"data": parse_spec(TEXT, overrides=['data={npz: {path: "\\uDCFF.npz"}}']).data}
    )
    run = Run.create(root, spec, TEXT, backend="numpy")
    assert run.spec().data == spec.data


RUN_JSON = {
    "missing": None,
    "empty": b"",
    "cut": b'{"backend": "num',
    "nothing": b"null",
    "a list": b"[]",
    "a word": b'"numpy"',
    "a number": b"3",
    "without a backend": b"{}",
    "no text": b"\xff\xfe\x00",
    "nested too deep": b"[" * 100_000,
    "a number of many digits": b'{"backend": "numpy", "environment": {"cpus": '
    + b"9" * 5000
    + b"}}",
    "twice": b'{"backend": "numpy", "backend": "torch"}',
    "more": b'{"backend": "numpy", "run": "this.py"}',
    "overrides of another kind": b'{"backend": "numpy", "overrides": "a=1"}',
    "an environment of another kind": b'{"backend": "numpy", "environment": []}',
    "longer than it may be": b'{"backend": "numpy"}'.ljust((1 << 20) + 1),
}


@pytest.mark.parametrize("content", RUN_JSON.values(), ids=RUN_JSON)
def test_a_folder_without_its_run_json(root: Path, content: bytes | None) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    path = run.path / "run.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        Run.open(run.path)
    message = str(caught.value)
    assert message.startswith(f"{run.path} is not a run folder: cannot read its run.json (")
    assert message.endswith("); `cnnspec train` makes one, such as runs/digits-1")


@pytest.mark.parametrize("name", ["run.json", "resolved.yaml"])
def test_a_pipe_or_a_device_in_place_of_a_file(root: Path, name: str) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    path = run.path / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises((RunError, SpecError), match="it is a pipe, not a regular file"):
        Run.open(run.path).spec()
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises((RunError, SpecError), match="it is a device, not a regular file"):
        Run.open(run.path).spec()


@pytest.mark.parametrize("name", ["own.py:Network", "/tmp/o w n.py:Network", "a.py:b@float64"])
def test_a_file_that_trained_is_not_run_unasked(root: Path, name: str) -> None:
    run = Run.create(root, SPEC, TEXT, backend=name)
    with pytest.raises(RunError) as caught:
        run.installed_backend()
    message = str(caught.value)
    assert message.startswith(f"{run.path} was trained by {name}, a file of code. A run folder is")
    assert message.endswith(f"(of compare: --backends): {shlex.quote(name)}")


@pytest.mark.parametrize("name", ["gone", "", "numpy@threads=1000", "os", "cnnspec.backends.numpy"])
def test_a_backend_that_is_not_installed(root: Path, name: str) -> None:
    run = Run.create(root, SPEC, TEXT, backend=name)
    with pytest.raises(RunError, match=r"which is not installed\. Name another one"):
        run.installed_backend()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_that_is_installed(root: Path, name: str) -> None:
    assert Run.create(root, SPEC, TEXT, backend=name).installed_backend() == name


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run folder: cannot read its run\.json"):
        Run.open(tmp_path / "missing")
    with pytest.raises(RunError, match=r"is not a run folder: cannot read its run\.json"):
        Run.open(tmp_path)


LINES = {
    "missing": None,
    "an empty line": b"\n",
    "cut": b'{"epoch": 1, "train_lo',
    "nothing": b"null\n",
    "a list": b"[1, 2, 3, 4, 5, 6]\n",
    "too few": b'{"epoch": 1}\n',
    "too many": b'{"epoch": 1, "train_loss": 1, "train_accuracy": 1, "test_loss": 1, '
    b'"test_accuracy": 1, "seconds": 1, "more": 1}\n',
    "no text": b"\xff\xfe\n",
}


@pytest.mark.parametrize("content", LINES.values(), ids=LINES)
def test_damaged_metrics(root: Path, content: bytes | None) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    run.record(METRICS[0], network())
    path = run.path / "metrics.jsonl"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + content)
    with pytest.raises(RunError) as caught:
        run.history()
    assert str(caught.value).startswith(f"cannot read {path}: ")


def test_a_run_without_weights(root: Path) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    with pytest.raises(RunError) as caught:
        run.weights()
    assert str(caught.value).startswith(f"cannot read the weights {run.path}/weights.safetensors: ")


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"\xff"], ids=["missing", "empty", "cut", "no text"]
)
def test_a_damaged_spec(root: Path, content: bytes | None) -> None:
    run = Run.create(root, SPEC, TEXT, backend="numpy")
    (run.path / "resolved.yaml").unlink()
    if content is not None:
        (run.path / "resolved.yaml").write_bytes(content)
    with pytest.raises(SpecError):
        run.spec()


def test_every_line_of_metrics_is_json_for_every_reader(root: Path) -> None:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    run = Run.create(root, SPEC, TEXT, backend="numpy")
    run.record(EpochMetrics(1, 2.5, 0.25, float("nan"), 0.5, 0.125), network())
    for line in (run.path / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    (found,) = run.history()
    assert found.epoch == 1
