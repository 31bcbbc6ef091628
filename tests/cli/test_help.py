"""The help of every command: examples that work, and words that say what is wanted."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rich_click as click

from cnnspec.cli.command import Command
from cnnspec.cli.group import COMMANDS, cli, run
from tests.cli.conftest import SMALL

Call = Callable[..., Any]

GROUP = click.RichContext(cli, info_name="cnnspec")


def command_of(name: str) -> Command:
    found = cli.get_command(GROUP, name)
    assert isinstance(found, Command)
    return found


EXAMPLES = [(name, example) for name in COMMANDS for example in command_of(name).examples]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_two_or_three_examples(call: Call, name: str) -> None:
    examples = command_of(name).examples
    assert 2 <= len(examples) <= 3
    _, usage, _, *lines = (line.rstrip() for line in call(name, "--help").out.splitlines())
    assert usage.startswith(f" Usage: cnnspec {name}")
    sentence = lines.index("")
    assert sentence <= 2, "what it does is said in a sentence"
    block = lines[sentence + 1 : sentence + 1 + len(examples)]
    assert block == [f"   {example}" for example in examples]


@pytest.mark.parametrize("name", [None, *COMMANDS], ids=str)
def test_help_fits_on_80_columns_and_ends_no_line_with_a_hyphen(
    call: Call, name: str | None
) -> None:
    text = call(*([name] if name else []), "--help").out
    assert all(len(line) <= 80 for line in text.splitlines())
    for number, line in enumerate(text.splitlines()):
        assert "…" not in line, f"line {number} is cut"


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_an_example_is_taken(name: str, example: str, folder: Path) -> None:
    words = shlex.split(re.sub(r'^eval "\$\((.*)\)".*', r"\1", example), comments=True)
    words = words[: next((at for at, word in enumerate(words) if word in "<>"), None)]
    assert words[:2] == ["cnnspec", name]
    command_of(name).make_context(name, words[2:], parent=GROUP)


TOO_LONG = ("selftest", "bench", "compare digits", "train lenet5", "--backend torch")
"""What these examples do is tested elsewhere, in smaller."""
LONG = ("train digits",)
"""These are tried in `make test-slow`."""

LINEAR = """
class NAME:
    def __init__(self, in_features, out_features):
        self.WEIGHT = np.random.default_rng(0).normal(size=(out_features, in_features))
        self.bias = np.zeros(out_features)
    def forward(self, x):
        self.x = x
        return x @ self.WEIGHT.T + self.bias
    def backward(self, grad):
        self.grad_weight, self.grad_bias = grad.T @ self.x, grad.sum(0)
        return grad @ self.WEIGHT
"""
MINE = f"""
import numpy as np
from cnnspec import plain_network

{LINEAR.replace("NAME", "Linear").replace("WEIGHT", "weight")}
{LINEAR.replace("NAME", "Dense").replace("WEIGHT", "theta")}
class MaxPool:
    def __init__(self, kernel_size):
        self.k = kernel_size
    def windows(self, x):
        n, c, h, w = x.shape
        x = x[:, :, : h // self.k * self.k, : w // self.k * self.k]
        return x.reshape(n, c, h // self.k, self.k, w // self.k, self.k)
    def forward(self, x):
        self.x = x
        parts = self.windows(x).transpose(0, 1, 2, 4, 3, 5)
        self.parts = parts.reshape(*parts.shape[:4], -1)
        return self.parts.max(-1)
    def backward(self, grad):
        first = self.parts.argmax(-1)
        spread = np.zeros_like(self.parts)
        np.put_along_axis(spread, first[..., None], grad[..., None], -1)
        n, c, h, w = grad.shape
        spread = spread.reshape(n, c, h, w, self.k, self.k).transpose(0, 1, 2, 4, 3, 5)
        out = np.zeros_like(self.x)
        out[:, :, : h * self.k, : w * self.k] = spread.reshape(n, c, h * self.k, w * self.k)
        return out

class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)
    def backward(self, grad):
        return grad.reshape(self.shape)

def Network(plan, training, **options):
    layers = dict(flatten=Flatten, linear=Linear)
    return plain_network(plan, training, layers=layers, **options)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make everything that the examples name."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("small", "net", "before", "after"):
        (folder / f"{name}.yaml").write_text(SMALL)
    (folder / "mine.py").write_text(MINE)
    images = np.ones((10, 8, 8))
    np.savez(folder / "own.npz", images=images, labels=np.arange(10) % 2)
    (folder / "submissions").mkdir()
    (folder / "submissions" / "ada.py").write_text(MINE)
    (folder / "assignment.yaml").write_text("layers: [flatten]")
    (folder / "specs").mkdir()
    train = ["train", "digits", "--set", "training.epochs=1"]
    train += ["--set", "data.digits.train_samples=64"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in (["init", "specs/own.yaml"], ["fmt", "specs"], train, train):
            assert run(arguments) == 0
    return folder


@pytest.fixture
def prepared(made: Path, folder: Path) -> Path:
    """Have everything that the examples name."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return folder


TRIED = [example for _, example in EXAMPLES if not any(part in example for part in TOO_LONG)]
FOR_A_SHELL = [example for example in TRIED if set(example) & set("$|<>")]
FOR_CNNSPEC = [example for example in TRIED if example not in FOR_A_SHELL]


def hold(example: str, code: int, said: str) -> None:
    different = example.startswith(("cnnspec diff digits", "cnnspec compare runs/"))
    assert code in ((0, 1) if different else (0,)), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, marks=[pytest.mark.slow] * example.endswith(LONG))
        for example in FOR_CNNSPEC
    ],
)
def test_an_example_works(example: str, prepared: Path, call: Call) -> None:
    if example.startswith("cnnspec init"):
        (prepared / "net.yaml").unlink()
        (prepared / "assignment.yaml").unlink()
    done = call(*shlex.split(example, comments=True)[1:])
    hold(example, done.code, done.err + done.out)


@pytest.mark.parametrize("example", FOR_A_SHELL)
def test_an_example_works_in_a_shell(
    example: str, prepared: Path, script: Path, clean: dict[str, str]
) -> None:
    if "completion zsh" in example:
        return  # bash does not understand it; tests/cli/test_completion.py asks zsh
    (prepared / ".config" / "fish" / "completions").mkdir(parents=True)
    done = subprocess.run(
        ["bash", "-c", example],
        capture_output=True,
        text=True,
        cwd=prepared,
        env=clean | {"PATH": f"{script.parent}:{clean['PATH']}", "HOME": str(prepared)},
    )
    hold(example, done.returncode, done.stderr + done.stdout)


def values() -> Iterator[tuple[str, click.Parameter, click.Context]]:
    """Yield whatever takes a value on the command line."""
    for name in COMMANDS:
        command = command_of(name)
        context = click.RichContext(command, info_name=name, parent=GROUP)
        for parameter in command.get_params(context):
            if isinstance(parameter, click.Argument) or not getattr(parameter, "is_flag", False):
                yield name, parameter, context


def test_every_value_is_called_what_it_is() -> None:
    seen = 0
    for name, parameter, context in values():
        seen += 1
        shown = parameter.make_metavar(context)
        words = set(re.findall(r"[A-Za-z_]+", shown))
        bare = {"TEXT", "INTEGER", "FLOAT", "RANGE", "PATH", "DIRECTORY", "VALUE", "FILENAME"}
        assert words, f"{name} {parameter.name}: says nothing"
        if shown != "OPTION=VALUE" and shown != "NAME=VALUE":
            assert not words & bare, f"{name} {parameter.name}: {shown}"
    assert seen > 40


def test_what_may_be_chosen_is_said() -> None:
    for name, parameter, context in values():
        if isinstance(parameter.type, click.Choice):
            said = f"{parameter.make_metavar(context)} {getattr(parameter, 'help', '')}"
            missing = [word for word in parameter.type.choices if word not in said]
            assert not missing, f"{name} {parameter.name}"


def test_every_option_has_help() -> None:
    for name in COMMANDS:
        for parameter in command_of(name).params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"


def test_options_of_compare_are_in_groups(call: Call) -> None:
    text = call("compare", "--help").out
    groups = re.findall(r"╭─ (.*?) ─", text)
    assert groups == ["What is compared", "Training", "Report"], "each option is in one of them"
