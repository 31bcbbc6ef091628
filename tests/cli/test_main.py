"""The command line as a whole: help, usage errors, exit codes, and what is imported."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.cli.group import COMMANDS, run
from cnnspec.training import Run
from tests.cli.conftest import SMALL

Call = Callable[..., Any]

HELP = """\

 Usage: cnnspec [OPTIONS] COMMAND [ARGS]...

 One CNN spec; NumPy and torch implementations of it; and a referee.
 A spec is a YAML file that says layers, data and training.

╭─ Options ────────────────────────────────────────────────────────────────────╮
│ --version      Show the version and exit.                                    │
│ --help     -h  Show this message and exit.                                   │
╰──────────────────────────────────────────────────────────────────────────────╯
╭─ Commands ───────────────────────────────────────────────────────────────────╮
"""


PLAIN = {"init", "fmt", "schema", "completion"}
"""Commands whose output is a text already, and that have no --json."""


def stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands(call: Call, option: str) -> None:
    done = call(option)
    assert (done.code, done.err) == (0, "")
    text = stripped(done.out)
    assert text.startswith(HELP)
    words = [line[2:].split()[0] for line in text.splitlines() if line.startswith("│ ")]
    listed = [word for word in words if word in COMMANDS]
    expected = [
        "init",
        "validate",
        "build",
        "train",
        "evaluate",
        "compare",
        "check",
        "selftest",
        "bench",
        "diff",
        "fmt",
        "schema",
        "completion",
    ]
    assert listed == expected == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_first_sentence(call: Call, command: str) -> None:
    done = call(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: cnnspec {command} [OPTIONS]" in done.out
    assert ("--json" in done.out) == (command not in PLAIN)
    assert "Traceback" not in done.out


CLICK_ENDS = {
    "nothing": ([], 0),
    "--help": (["--help"], 0),
    "--version": (["--version"], 0),
    "help of a command": (["compare", "--help"], 0),
    "an argument is missing": (["compare"], 2),
    "no such command": (["nosuch"], 2),
    "no such option": (["--nosuch"], 2),
    "no such option of a command": (["build", "--nosuch"], 2),
}


@pytest.mark.parametrize(("arguments", "code"), CLICK_ENDS.values(), ids=CLICK_ENDS)
def test_an_exit_of_click_s_is_not_laid_to_a_backend(
    call: Call, arguments: list[str], code: int
) -> None:
    done = call(*arguments)
    assert done.code == code
    assert (done.err == "") == (code == 0)
    assert "backend" not in done.err
    assert "sys.exit" not in done.out + done.err


def test_an_end_of_file_is_no_interruption(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_: object, **__: object) -> None:
        raise EOFError("in the middle of an array")

    monkeypatch.setattr("cnnspec.plan.resolve", ends)
    done = call("build", "small.yaml")
    assert done.code == 70
    assert "EOFError: in the middle of an array" in done.err


def test_version(program: Call) -> None:
    assert program("--version") == (0, "cnnspec 0.1.0\n", "")


def test_python_m(folder: Path, clean: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", "--version"], capture_output=True, text=True, env=clean
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "cnnspec 0.1.0\n", "")


USAGE = {
    "no such command": (["valdate"], "No such command 'valdate'."),
    "no spec": (["build"], "Missing argument 'SPEC'."),
    "no run": (["evaluate"], "Missing argument 'RUN'."),
    "two specs": (
        ["build", "small.yaml", "small.yaml"],
        "Got unexpected extra argument (small.yaml)",
    ),
    "no such option": (["build", "small.yaml", "--jsn"], "No such option '--jsn'."),
    "no value": (["build", "small.yaml", "--set"], "Option '--set' requires an argument."),
    "a folder as spec": (
        ["build", "."],
        "Invalid value for 'SPEC': . is a folder, and a spec is wanted, such as small.yaml",
    ),
    "a file as run": (
        ["evaluate", "small.yaml"],
        "Invalid value for 'RUN': small.yaml is a file, and a run folder is wanted, which "
        "`cnnspec train small.yaml` makes",
    ),
    "a file as folder of the runs": (
        ["train", "small.yaml", "--runs", "small.yaml"],
        "Invalid value for '--runs': Directory 'small.yaml' is a file.",
    ),
    "a file as folder of the data": (
        ["train", "small.yaml", "--data-dir", "small.yaml"],
        "Invalid value for '--data-dir': Directory 'small.yaml' is a file.",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), USAGE.values(), ids=USAGE)
def test_usage_errors(call: Call, folder: Path, arguments: list[str], message: str) -> None:
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert f"Error: {message}" in done.err
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_without_a_command_the_help_is_shown(call: Call) -> None:
    done = call()
    assert (done.code, done.err) == (0, "")
    assert stripped(done.out).startswith(HELP)


ERRORS = {
    "no file": (
        ["build", "missing.yaml"],
        "unreadable: cannot read missing.yaml: No such file or directory\n",
    ),
    "unknown backend": (
        ["build", "small.yaml", "--backend", "jax"],
        "cnnspec: unknown backend `jax`; known are numpy, torch, loops, and "
        "path/to/file.py:Name for one of your own\n",
    ),
    "a device for numpy": (
        ["train", "small.yaml", "--device", "cuda"],
        "cnnspec: numpy runs on the cpu, not on `cuda`; `--device` is for the torch backend\n",
    ),
    "a device for loops": (
        ["train", "small.yaml", "--backend", "loops", "--device", "cuda"],
        "cnnspec: loops runs on the cpu, not on `cuda`; `--device` is for the torch backend\n",
    ),
    "no data": (
        ["train", "small.yaml", "--set", "data=null"],
        "cnnspec: small.yaml has no `data` section to train on; add one, such as `data: digits`\n",
    ),
    "other data": (
        ["train", "small.yaml", "--set", "input=[1, 9, 9]"],
        "input-mismatch: the data `digits` has images of 1 x 8 x 8, but `input` is 1 x 9 x 9\n"
        " --> --set:1:7\n"
        "  |\n"
        "1 | input=[1, 9, 9]\n"
        "  |       ^^^^^^^^^\n"
        "help: write `input: [1, 8, 8]`, or take other data\n",
    ),
    "too few logits": (
        ["train", "small.yaml", "--set", "layers.linear1.out_features=9"],
        "too-few-logits: the data `digits` has 10 classes, but the network gives 9 logits\n"
        " --> --set:1:29\n"
        "  |\n"
        "1 | layers.linear1.out_features=9\n"
        "  |                             ^\n"
        "help: end with `- linear: {out_features: 10}`\n",
    ),
    "no data file": (
        ["train", "small.yaml", "--set", "data.npz.path=missing.npz"],
        "cnnspec: there is no file {folder}/missing.npz, which `data.npz.path` names; "
        "write its path from the working directory\n",
    ),
    "no run folder": (
        ["evaluate", "missing"],
        "cnnspec: missing is not a run folder: cannot read its run.json "
        "(No such file or directory); "
        "`cnnspec train` makes one, such as runs/digits-1\n",
    ),
    "a folder of another kind": (
        ["evaluate", "."],
        "cnnspec: . is not a run folder: cannot read its run.json "
        "(No such file or directory); "
        "`cnnspec train` makes one, such as runs/digits-1\n",
    ),
    "an override without a value": (
        ["build", "small.yaml", "--set", "training.epochs"],
        "override: wanted `option=value`, as in training.epochs=3\n"
        " --> --set:1:1\n"
        "  |\n"
        "1 | training.epochs\n"
        "  | ^^^^^^^^^^^^^^^\n",
    ),
    "two overrides with problems": (
        [
            *("build", "small.yaml"),
            *("--set", "training.epochs=0"),
            *("--set", "layers.linear1.out_features=0"),
        ],
        "out-of-range: `epochs` of `training`: wanted a number above 0; found `0`\n"
        " --> --set:1:17\n"
        "  |\n"
        "1 | training.epochs=0\n"
        "  |                 ^\n"
        "\n"
        "out-of-range: `out_features` of `linear1`: wanted a number above 0; found `0`\n"
        " --> --set:2:29\n"
        "  |\n"
        "2 | layers.linear1.out_features=0\n"
        "  |                             ^\n",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_errors(
    call: Call, folder: Path, arguments: list[str], message: str, more: list[str]
) -> None:
    done = call(*arguments, *more)
    assert done == (2, "", message.replace("{folder}", str(folder)))
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_an_error_of_the_program_is_no_traceback(program: Call) -> None:
    done = program("build", "missing.yaml")
    assert done == (
        2,
        "",
        "unreadable: cannot read missing.yaml: No such file or directory\n",
    )


IMPORTED = """
import sys

sys.argv = ["cnnspec", *sys.argv[1:]]
from cnnspec.cli import main

try:
    main()
except SystemExit as exit:
    assert not exit.code
heavy = {"torch", "torchvision", "numpy", "pydantic", "sklearn", "safetensors", "matplotlib"}
print("imported:", *sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--version"], "imported:"),
        (["build", "small.yaml", "--json"], "imported: numpy pydantic"),
        (["train", "small.yaml"], "imported: numpy pydantic safetensors"),
        (["evaluate", "runs/small-1"], "imported: numpy pydantic safetensors"),
    ],
    ids=lambda found: " ".join(found) if isinstance(found, list) else "",
)
def test_what_is_imported(
    call: Call, folder: Path, clean: dict[str, str], arguments: list[str], imported: str
) -> None:
    if arguments[0] == "evaluate":
        call("train", "small.yaml")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == imported


LOADED = """
import sys

sys.argv = ["cnnspec", *sys.argv[1:]]
from cnnspec.cli import main

try:
    main()
except SystemExit as exit:
    assert not exit.code
print("loaded:", *sorted(sys.modules), file=sys.stderr)
"""

NOT_FOR_BUILD = [
    *("torch", "torchvision", "sklearn", "matplotlib"),
    *("cnnspec.compare", "cnnspec.bench", "cnnspec.training", "cnnspec.data.load"),
    *("cnnspec.backends.torch", "cnnspec.backends.loops", "cnnspec.report.verdict"),
    *("cnnspec.report.check", "cnnspec.report.graph", "cnnspec.cli.progress"),
    *("rich.progress", "rich.live", "rich.markdown"),
    *("rich._emoji_codes", "safetensors", "asyncio", "multiprocessing"),
]
NOT_FOR_VALIDATE = [*NOT_FOR_BUILD, "numpy", "cnnspec.backends", "rich.table"]
NOT_FOR_HELP = [
    # but what rich-click takes, and the modules of the commands, whose help is listed
    *(set(NOT_FOR_VALIDATE) - {"rich.table", "rich._emoji_codes"}),
    *("pydantic", "yaml", "cnnspec.spec", "cnnspec.report"),
]


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        pytest.param([], NOT_FOR_HELP, marks=pytest.mark.slow, id="-"),
        (["--help"], NOT_FOR_HELP),
        (["build", "--help"], NOT_FOR_HELP),
        (["validate", "small.yaml"], NOT_FOR_VALIDATE),
        (["build", "small.yaml"], NOT_FOR_BUILD),
        (["build", "digits"], NOT_FOR_BUILD),
    ],
    ids=lambda found: " ".join(found) if len(found) < 3 else "",
)
def test_what_a_short_command_does_not_load(
    folder: Path, clean: dict[str, str], arguments: list[str], unwanted: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.splitlines()[-1].split()
    assert loaded[0] == "loaded:"
    assert sorted(set(unwanted) & set(loaded)) == []


def test_importing_the_package_imports_none_of_its_dependencies() -> None:
    code = (
        "import sys, cnnspec; "
        "print(sorted({'numpy', 'torch', 'pydantic', 'yaml', 'click', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert set(dir(cnnspec)) >= {"build", "train", "load_spec"}


QUICK = [
    ["--help"],
    ["build", "small.yaml", "--json"],
    *(
        pytest.param(arguments, marks=pytest.mark.slow)
        for arguments in (["--version"], ["build", "small.yaml"])
    ),
]
FULL = "the output cannot be written (No space left on device)"
ALL = {
    "init": ["-"],
    "validate": ["small.yaml"],
    "build": ["small.yaml"],
    "train": ["small.yaml"],
    "evaluate": ["runs/small-1"],
    "compare": ["small.yaml", "--backends", "numpy,loops", "--steps", "2"],
    "check": ["own.py:ReLU", "--as", "relu"],
    "selftest": ["--help"],
    "bench": ["small.yaml", "--backends", "numpy", "--seconds", "0.01", "--batch", "1"],
    "diff": ["small.yaml", "small.yaml"],
    "fmt": ["small.yaml"],
    "schema": [],
    "completion": ["bash"],
}
"""Arguments with which each command prints something; `selftest` takes too long."""
FULL_ALWAYS = {"evaluate", "check", "schema"}
"""Three stand for all in `make test`: the streams are one for all commands."""
OWN_RELU = """
class ReLU:
    def forward(self, x):
        self.on = x > 0
        return x * self.on
    def backward(self, grad):
        return grad * self.on
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train once."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["train", "small.yaml", "--set", "training.epochs=1"]) == 0
    return folder / "runs"


@pytest.fixture
def ready(folder: Path, trained: Path) -> Path:
    """Have what ALL needs."""
    (folder / "own.py").write_text(OWN_RELU)
    shutil.copytree(trained, folder / "runs")
    return folder


def test_all_commands_are_tried() -> None:
    assert list(ALL) == list(COMMANDS)


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_a_full_disk_is_told(program: Call, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        assert program(*arguments, stdout=full) == (2, None, f"cnnspec: {FULL}\n")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.slow] * (command not in FULL_ALWAYS))
        for command in ALL
    ],
)
def test_a_full_disk_stops_no_command(program: Call, ready: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = program(command, *ALL[command], stdout=full)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith(f"cnnspec: {FULL}")
    assert "Traceback" not in done.err


def test_a_full_disk_stops_no_training(program: Call, folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = program("train", "small.yaml", stdout=full)
    kept = "runs/small-1 keeps the metrics of epochs 1 to 2 and the weights of epoch 2"
    assert done == (2, None, f"cnnspec: {FULL}; {kept}\n")
    assert len(Run.open(folder / "runs" / "small-1").history()) == 2
    assert Run.open(folder / "runs" / "small-1").weights()


NOBODY_READS = {
    "stdout is closed": ">&-",
    "stderr is closed": "2>&-",
    "both are closed": ">&- 2>&-",
    "all are closed": "<&- >&- 2>&-",
    "stderr is full": "2>/dev/full",
}


@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        *((command, "all are closed") for command in ("train", "build", "check")),
        ("compare", "stderr is full"),
        *(
            pytest.param("train", redirection, marks=pytest.mark.slow)
            for redirection in NOBODY_READS
            if redirection != "all are closed"
        ),
        *(
            pytest.param(command, "all are closed", marks=pytest.mark.slow)
            for command in ("compare", "evaluate")
        ),
        pytest.param("bench", "stderr is full", marks=pytest.mark.slow),
    ],
)
def test_streams_that_nobody_reads_stop_nothing(
    script: Path, ready: Path, clean: dict[str, str], command: str, redirection: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" "$@" {NOBODY_READS[redirection]}', script, command, *ALL[command]],
        capture_output=True,
        text=True,
        cwd=ready,
        env=clean,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for folder in (ready / "runs").iterdir():
        assert Run.open(folder).weights()


def test_an_error_that_nobody_reads_is_not_written_elsewhere(
    script: Path, folder: Path, clean: dict[str, str]
) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" build missing.yaml --json 2>&-', str(script)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
    )
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [*QUICK, ["train", "small.yaml"]], ids=" ".join)
def test_a_closed_output_is_no_error(
    script: Path, folder: Path, clean: dict[str, str], arguments: list[str]
) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" "$@" >&-', str(script), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_a_reader_that_has_gone_is_no_error(
    script: Path, folder: Path, clean: dict[str, str], arguments: list[str]
) -> None:
    with subprocess.Popen(
        [str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=clean,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 0


@pytest.mark.parametrize("redirection", ["2>&-", "2>&1 | true; exit ${PIPESTATUS[0]}"])
def test_errors_that_nobody_reads_have_their_exit_code(
    script: Path, folder: Path, clean: dict[str, str], redirection: str
) -> None:
    command = f'"$0" build missing.yaml {redirection}'
    done = subprocess.run(["bash", "-c", command, str(script)], cwd=folder, env=clean)
    assert done.returncode == 2


OWN = """
import sys
from cnnspec.backends import numpy as engine

class Own(engine.NumPyNetwork):
    def train_step(self, batch, learning_rate, step):
        {line}

def Network(plan, training, *, device):
    return Own(plan, training, backend="own", layers=engine.LAYERS, loss=engine.cross_entropy,
               optimizers=engine.OPTIMIZERS)
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "raise RuntimeError('I died')",
            "cnnspec: RuntimeError: I died, raised by the backend `own.py:Network` in train_step "
            "({folder}/own.py, line 7: raise RuntimeError('I died'))\n",
        ),
        (
            "sys.exit(0)",
            "cnnspec: `own.py:Network` calls sys.exit(0) in train_step ({folder}/own.py, line 7: "
            "sys.exit(0))\n",
        ),
    ],
)
def test_a_backend_of_one_s_own_that_fails(
    call: Call, folder: Path, line: str, message: str
) -> None:
    (folder / "own.py").write_text(OWN.format(line=line))
    done = call("train", "small.yaml", "--backend", "own.py:Network")
    assert done == (2, "", message.format(folder=folder))


@pytest.mark.parametrize("value", [0, 1, "done"])
def test_an_exit_from_anywhere_is_no_verdict(
    call: Call, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise SystemExit(value)

    monkeypatch.setattr("cnnspec.plan.resolve", stop)
    done = call("build", "small.yaml")
    assert done == (2, "", f"cnnspec: a backend's code calls sys.exit({value!r})\n")


def test_an_error_of_cnnspec_s_own_says_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("of cnnspec")

    monkeypatch.setattr("cnnspec.plan.resolve", broken)
    done = call("build", "small.yaml")
    assert done.code == 70
    assert done.err.startswith("Traceback")
    assert "cnnspec: this is an error of cnnspec's own" in done.err


@pytest.mark.parametrize(
    "change",
    ["layers.linear1.out_features=1000000000000000", f"layers.linear1.out_features={10**30}"],
    ids=["more than a memory holds", "more than can be counted"],
)
def test_a_network_that_is_too_large_is_no_traceback(call: Call, change: str) -> None:
    done = call("build", "small.yaml", "--set", change)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
