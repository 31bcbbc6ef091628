"""cnnspec diff: what it prints, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.report.explained import hold, paths

Call = Callable[..., Any]

SPECS = Path(__file__).parents[2] / "specs"

CHANGED = """\
name: small
input: [1, 8, 8]
layers:
  - flatten
  - linear: {out_features: 20}
data: {digits: {train_samples: 200, test_samples: 100, normalize: null}}
training: {epochs: 2, batch_size: 32, optimizer: {sgd: {learning_rate: 0.25}}}
"""

CHANGED_SHOWN = """\
small.yaml -> changed.yaml
layers: 1 changed (~), 1 unchanged

    layer                  before -> after
 ─────────────────────────────────────────────────────
    ...                    flatten1 unchanged
 ~  linear1  out_features  10 -> 20
             output        10 -> 20
             parameters    650 -> 1,300 (+650)

    total    parameters    650 -> 1,300 (+650, x 2.00)
             MACs          640 -> 1,280 (+640, x 2.00)


 option                            before -> after
 ─────────────────────────────────────────────────
 training.optimizer.learning_rate  0.5 -> 0.25

weights of small.yaml do not load into changed.yaml: 2 of 2 parameters differ
  linear1.weight: 10 x 64 -> 20 x 64
  linear1.bias: 10 -> 20
"""


DATA = {
    *("layers[].options[].before", "layers[].options[].after"),
    *("options[].before", "options[].after"),
    *("layers[].before.layer", "layers[].after.layer", "weights.renamed"),
}
"""Paths whose keys are those of specs."""


def stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_different(call: Call, folder: Path) -> None:
    (folder / "changed.yaml").write_text(CHANGED)
    done = call("diff", "small.yaml", "changed.yaml")
    assert (done.code, done.err) == (1, "")
    assert stripped(done.out) == CHANGED_SHOWN


def test_the_same(call: Call, folder: Path) -> None:
    """Compared is what specs say, not how."""
    same = CHANGED.replace("20}", "10, in_features: 64}").replace("0.25", "5e-1")
    (folder / "same.yaml").write_text(f"# a comment\n{same}")
    for files in (("small.yaml", "same.yaml"), ("small.yaml", "small.yaml")):
        done = call("diff", *files)
        sentence = f"SAME: {files[0]} and {files[1]} are the same spec (2 layers, 650 parameters)\n"
        assert done == (0, sentence, "")


def test_documents(call: Call, folder: Path) -> None:
    (folder / "changed.yaml").write_text(CHANGED)
    done = call("diff", "small.yaml", "changed.yaml", "--json")
    assert (done.code, done.err) == (1, "")
    document = json.loads(done.out)
    assert list(document) == [
        "schema",
        "version",
        "files",
        "verdict",
        "layers",
        "options",
        "parameters",
        "macs",
        "weights",
    ]
    assert (document["files"], document["verdict"]) == (["small.yaml", "changed.yaml"], "different")
    assert document["layers"][1]["after"]["inputs"] == ["flatten1"]
    hold(set(paths(document, DATA)), "diff.md")
    done = call("diff", "small.yaml", "small.yaml", "--json")
    assert (done.code, json.loads(done.out)["verdict"]) == (0, "same")


def test_the_program(program: Call) -> None:
    lenet5, other = SPECS / "lenet5.yaml", SPECS / "notebook-torch.yaml"
    done = program("diff", lenet5, other)
    assert (done.code, done.err) == (1, "")
    assert "206,922" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert program("diff", lenet5, lenet5).code == 0


def test_problems_of_both_files(call: Call, folder: Path) -> None:
    (folder / "one.yaml").write_text("input: [1, 8, 8]\nlayers: [flaten]\n")
    (folder / "two.yaml").write_text("input: [1, 8, 8]\nlayers: [rellu]\n")
    done = call("diff", "one.yaml", "two.yaml")
    assert (done.code, done.out) == (2, "")
    assert " --> one.yaml:2:10\n" in done.err
    assert " --> two.yaml:2:10\n" in done.err
    both_times = call("diff", "one.yaml", "one.yaml").err
    assert both_times.count("one.yaml:2:10") == 1
    valid_first = call("diff", "small.yaml", "two.yaml", "--json")
    assert (valid_first.code, valid_first.out) == (2, "")


def test_a_file_that_is_missing(call: Call) -> None:
    done = call("diff", "small.yaml", "missing.yaml")
    assert (done.code, done.out) == (2, "")
    assert "missing.yaml: No such file" in done.err
    assert call("diff", "small.yaml").code == 2
