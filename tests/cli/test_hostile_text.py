"""Nothing that cnnspec quotes reaches a terminal as more than text, whoever wrote it."""

import ast
import json
import os
import pty
import re
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.text import Text

import cnnspec
from cnnspec.cli.console import Output
from cnnspec.printable import printable, printable_lines
from cnnspec.training import Run
from cnnspec.training.weights import save_weights

Call = Callable[..., Any]

EVIL = "a\x1b[31mb\x07c\x9b2Jd\x7fe\u202ef\u2028g\u200bh\x08i\rj\U000e0041k"
"""Colours, a bell, a cleared screen, a direction of reading, and what cannot be seen."""

IN_YAML = '"' + EVIL.encode("unicode_escape").decode().replace("\\x1b", "\\e") + '"'

MORE_THAN_TEXT = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
    "|[\U000e0000-\U000e007f]"
)


def check(done: Any) -> None:
    for stream in (done.out, done.err):
        found = MORE_THAN_TEXT.search(stream)
        assert found is None, repr(stream)


def test_what_is_printable() -> None:
    assert printable("caf\u00e9 \u732b \U0001f600") == "caf\u00e9 \u732b \U0001f600"
    assert printable("a\tb\nc\ud800") == "a b\ufffdc\ufffd"
    assert printable_lines("a\nb\x1b\n") == "a\nb\ufffd\n"
    assert not MORE_THAN_TEXT.search(printable(EVIL))
    every = "".join(map(chr, range(0x110000)))
    shown = printable(every)
    assert len(shown) == len(every)
    assert not MORE_THAN_TEXT.search(shown)


COMMANDS = (
    ("validate", "{}"),
    ("build", "{}"),
    ("train", "{}"),
    ("compare", "{}"),
    ("bench", "{}", "--batch", "1", "--seconds", "0.01", "--no-memory"),
    ("diff", "{}", "small.yaml"),
    ("diff", "small.yaml", "{}"),
    ("fmt", "{}"),
    ("fmt", "--check", "{}"),
    ("evaluate", "{}"),
    ("compare", "{}", "{}"),
    ("init", "{}"),
    ("init", "--data", "{}"),
    ("init", "new.yaml", "--template", "{}"),
    ("build", "small.yaml", "--backend", "{}"),
    ("build", "small.yaml", "--backend", "{}.py:Network"),
    ("build", "small.yaml", "--graph", "{}.svg"),
    ("build", "small.yaml", "--graph", "{}/x.svg"),
    ("build", "small.yaml", "--set", "{}"),
    ("build", "small.yaml", "--set", "{}=3"),
    ("build", "small.yaml", "--set", "name={}"),
    ("build", "small.yaml", "--set", "layers.{}.bias=3"),
    ("train", "small.yaml", "--backend", "{}"),
    ("train", "small.yaml", "--device", "{}"),
    ("train", "small.yaml", "--runs", "{}"),
    ("train", "small.yaml", "--data-dir", "{}", "--set", "data=mnist"),
    ("train", "small.yaml", "--set", "data.npz.path={}"),
    ("compare", "small.yaml", "--backends", "{}"),
    ("compare", "small.yaml", "--backends", "numpy,{}"),
    ("compare", "small.yaml", "--mode", "{}"),
    ("compare", "small.yaml", "--allow", "{}", "--backends", "numpy,loops", "--mode", "replay"),
    ("bench", "small.yaml", "--backends", "{}"),
    ("bench", "small.yaml", "--batch", "{}"),
    ("check", "{}", "--as", "conv"),
    ("check", "{}.py:Conv", "--as", "conv"),
    ("check", "own.py:{}", "--as", "conv"),
    ("check", "own.py:Conv", "--as", "{}"),
    ("check", "own.py:Conv", "--as", "conv", "--like", "{}"),
    ("check", "own.py:Conv", "--as", "conv", "--map", "{}"),
    ("check", "own.py:Conv", "--as", "conv", "--map", "weight={}"),
    ("check", "own.py:Conv", "--as", "conv", "--arg", "{}"),
    ("check", "own.py:Conv", "--as", "conv", "--arg", "a={}"),
    ("completion", "{}"),
    ("{}",),
    ("build", "--{}"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_stands_on_the_command_line(
    command: tuple[str, ...], call: Call, folder: Path
) -> None:
    (folder / "own.py").write_text("class Conv: pass\n")
    check(call(*(part.format(EVIL) for part in command)))


OF_FILES = [
    command for command in COMMANDS if command[1:2] == ("{}",) and "evaluate" not in command
]


@pytest.mark.parametrize("command", [*OF_FILES, ("train", "{}", "--json")], ids=" ".join)
def test_the_name_of_a_spec(command: tuple[str, ...], call: Call, folder: Path) -> None:
    text = (folder / "small.yaml").read_text()
    name = EVIL.replace("/", "")
    (folder / name).write_text(text.replace("epochs: 2", "epochs: 1") + "# not laid out\n")
    check(call(*(part.format(name) for part in command)))


SPECS = {
    "a key": f"{IN_YAML}: 3\n",
    "a name": f"name: {IN_YAML}\n",
    "a kind of layer": f"input: [1, 8, 8]\nlayers: [{IN_YAML}, {{{IN_YAML}: {{}}}}]\n",
    "a name of a layer": f"input: [1, 8, 8]\nlayers: [flatten: {{name: {IN_YAML}}}]\n",
    "an option": f"input: [1, 8, 8]\nlayers: [conv: {{{IN_YAML}: 3, out_channels: {IN_YAML}}}]\n",
    "data": f"input: [1, 8, 8]\nlayers: [flatten]\ndata: {{npz: {{path: {IN_YAML}}}}}\n",
    "a path": f"input: [1, 8, 8]\nlayers: [flatten]\ndata: {{npz: {{path: {IN_YAML}, x: 1}}}}\n",
    "an optimizer": f"training: {{optimizer: {{{IN_YAML}: {{}}}}, precision: {IN_YAML}}}\n",
    "a comment": "# \u202e\u2066\u200b\n: x\n",
    "a bidi key": "\u202ekey: [\n",
    "as it is": EVIL,
    "an anchor": "a: &\u202e\u200b x\n",
    "a tag": "a: !\u202e x\n",
    "a duplicate": f"{IN_YAML}: 3\n{IN_YAML}: 3\n",
}
READERS = [
    ("validate", "evil.yaml"),
    ("validate", "evil.yaml", "--json"),
    ("build", "evil.yaml"),
    ("train", "evil.yaml"),
    ("diff", "evil.yaml", "small.yaml"),
    ("fmt", "--check", "evil.yaml"),
]


@pytest.mark.parametrize("command", READERS, ids=" ".join)
@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_the_text_of_a_spec(text: str, command: tuple[str, ...], call: Call, folder: Path) -> None:
    (folder / "evil.yaml").write_bytes(text.encode())
    done = call(*command)
    check(done)
    if command[-1] == "--json":
        assert json.loads(done.out)["files"]


def run_json(run: Run) -> None:
    (run.path / "run.json").write_text(json.dumps({"backend": EVIL}))


def run_json_of_code(run: Run) -> None:
    (run.path / "run.json").write_text(json.dumps({"backend": f"{EVIL}.py:Network"}))


def run_json_key(run: Run) -> None:
    (run.path / "run.json").write_text(json.dumps({"backend": "numpy", EVIL: 1}))


def metrics(run: Run) -> None:
    (run.path / "metrics.jsonl").write_text(json.dumps({EVIL: 1}) + "\n")


def metrics_value(run: Run) -> None:
    (path,) = run.path.glob("metrics.jsonl")
    path.write_text(path.read_text().replace('"epoch": 1', f'"epoch": "{EVIL}"'))


def metrics_value_in_json(run: Run) -> None:
    (path,) = run.path.glob("metrics.jsonl")
    path.write_text(path.read_text().replace('"epoch": 1', f'"epoch": {json.dumps(EVIL)}'))


def weights(run: Run) -> None:
    save_weights(run.path / "weights.safetensors", {EVIL: np.zeros(3, np.float32)})


def weights_of_another_kind(run: Run) -> None:
    save_weights(run.path / "weights.safetensors", {EVIL: np.zeros(3, np.int8)})


def weights_header(run: Run) -> None:
    header = json.dumps({EVIL: EVIL}).encode()
    (run.path / "weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


def resolved(run: Run) -> None:
    (run.path / "resolved.yaml").write_text(f"name: {IN_YAML}\n")


def member(run: Run) -> None:
    np.savez(run.path / "a.npz", **{f"{EVIL}.x".replace("/", ""): np.zeros(3)})
    path = run.path / "resolved.yaml"
    path.write_text(re.sub("digits: .*", f"npz: {{path: {run.path}/a.npz}}", path.read_text()))


def moved(run: Run) -> None:
    run.path.rename(run.path.parent / EVIL)


FOLDERS = [
    *(run_json, run_json_of_code, run_json_key, metrics, metrics_value, metrics_value_in_json),
    *(weights, weights_of_another_kind, weights_header, resolved, member, moved),
]


@pytest.mark.parametrize("change", FOLDERS)
def test_what_stands_in_a_run_folder(
    change: Callable[[Run], None], call: Call, folder: Path
) -> None:
    assert call("train", "small.yaml").code == 0
    assert call("train", "small.yaml").code == 0
    change(Run.open(folder / "runs" / "small-2"))
    path = f"runs/{EVIL if change is moved else 'small-2'}"
    done = [
        call("evaluate", path),
        call("evaluate", path, "--json"),
        call("compare", "runs/small-1", path),
        call("compare", path, "runs/small-1", "--json"),
        call("compare", "runs/small-1", path, "--backends", "numpy,numpy"),
    ]
    for each in done:
        check(each)
    unread = "metrics" in change.__name__  # by `evaluate`, without --json
    wanted = 0 if change is moved else 2
    assert [each.code for each in done[unread:4]] == [wanted] * (4 - unread)


OWN = f"""
import warnings

EVIL = {EVIL!r}

class {{name}}:
    def __init__(self, *given, **options):
        {{body}}
"""
BODIES = {
    "an error": "raise ValueError(EVIL)",
    "an exit": "raise SystemExit(EVIL)",
    "an error of an own kind": "raise type(EVIL, (Exception,), {})(EVIL)",
    "an assertion": "assert False, EVIL",
    "a name": "self.plan = self.backend = EVIL",
    "a value": "setattr(type(self), EVIL, 3)",
}


RUNS_ON = {"a value"}
"""What raises nothing, and is compared to its end."""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(body, id=name, marks=[pytest.mark.slow] * (name in RUNS_ON))
        for name, body in BODIES.items()
    ],
)
def test_what_somebodys_code_raises(body: str, call: Call, folder: Path) -> None:
    (folder / "own.py").write_text(OWN.format(name="Network", body=body))
    (folder / "conv.py").write_text(OWN.format(name="Conv", body=body))
    for command in (
        ("build", "small.yaml", "--backend", "own.py:Network"),
        ("train", "small.yaml", "--backend", "own.py:Network"),
        ("compare", "small.yaml", "--backends", "numpy,own.py:Network", "--mode", "replay"),
        ("check", "conv.py:Conv", "--as", "conv"),
        ("check", "conv.py:Conv", "--as", "conv", "--json"),
    ):
        done = call(*command)
        check(done)
        assert done.code in (1, 2)


def test_an_error_of_our_own(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> bytes:
        raise RuntimeError(EVIL)

    monkeypatch.setattr("cnnspec.cli.specs.text_of", fail)
    done = call("build", "small.yaml")
    check(done)
    assert done.code == 70


def test_markup_and_emoji_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output().print("[bold]a[/bold] :smile: [link=https://example.org]b[/link]", Text("[red]c"))
    assert capsys.readouterr().out == (
        "[bold]a[/bold] :smile: [link=https://example.org]b[/link] [red]c\n"
    )


def test_on_a_terminal_the_colours_are_ours_alone(folder: Path, script: Path, clean: Any) -> None:
    (folder / "evil.yaml").write_text(f"name: {IN_YAML}\ninput: 3\nlayers: [flatten, {IN_YAML}]\n")
    text = on_a_terminal([str(script), "validate", "evil.yaml", f"no{EVIL}.yaml"], folder, clean)
    assert "\x1b[" in text  # there are colours
    rest = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")
    assert not MORE_THAN_TEXT.search(rest), repr(rest)
    assert "a\ufffd[31mb" in rest


def on_a_terminal(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        command, stdout=theirs, stderr=theirs, cwd=folder, env={**environ, "TERM": "xterm"}
    )
    os.close(theirs)
    found = b""
    while select.select([ours], [], [], 60)[0]:
        part = b""
        with suppress(OSError):  # so Linux ends it
            part = os.read(ours, 1 << 16)
        if not part:
            break
        found += part
    os.close(ours)
    assert done.wait(60) == 2
    return found.decode()


# That nothing goes around the barrier.

SOURCES = sorted((Path(cnnspec.__file__).parent / "cli").glob("*.py"))
BARRIER = {"output.py", "console.py"}
BEFORE_IMPORTS = {"interrupt.py", "streams.py"}
"""Said when nothing else may be imported any more; what they quote, they make printable."""


def ways_out(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("print", "click.echo", "click.secho", "Console", "traceback.print_exc"):
                yield name
            if re.fullmatch(r"(sys\.(stdout|stderr)(\.buffer)?|.*_stream)\.write", name):
                yield name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_all_that_is_said_goes_through_the_barrier(path: Path) -> None:
    if path.name in BARRIER | BEFORE_IMPORTS:
        return
    allowed = ["self._stream.write"] if path.name == "heartbeat.py" else []  # of printable()
    assert list(ways_out(path)) == allowed
