"""The import table: what each part of the package may import of the rest."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "cnnspec"

RECORDS = {
    *("address", "plan", "alignment", "difference", "starter", "initial", "noise"),
    *("randomness", "trace", "environment", "documents"),
}
BASE = {"errors", "files", "printable"}
MAY_IMPORT = {
    "errors": set(),
    "files": set(),
    "printable": set(),
    "shipped": set(),
    "spec": BASE,
    "plan": {"errors", "spec"},
    "alignment": {"spec", "plan"},
    "difference": {"errors", "spec", "plan", "alignment"},
    "starter": {"spec", "plan"},
    "randomness": set(),
    "trace": set(),
    "address": set(),
    "environment": set(),
    "documents": set(),
    "initial": {"plan", "spec", "randomness", "trace"},
    "noise": {"plan", "randomness"},
    "numerics": {"trace"},
    "backends": BASE | {"spec"} | RECORDS,
    "data": BASE | {"spec", "randomness"},
    "training": BASE | {"spec", "backends", "data"} | RECORDS,
    "compare": BASE | {"spec", "numerics", "backends", "data", "training"} | RECORDS,
    "bench": {"errors", "spec", "backends", "compare"} | RECORDS,
    "report": BASE | {"spec", "backends", "data", "training", "compare", "bench"} | RECORDS,
    "cli": BASE
    | {"spec", "backends", "data", "training", "compare", "bench", "report"}
    | {"shipped"}
    | RECORDS,
    "__main__": {"cli"},
    "__init__": set(),
}
MODULES = sorted(PACKAGE.rglob("*.py"))


@cache  # each file is parsed once for all tests
def imports_of(path: Path) -> tuple[str, ...]:
    """Return every module that a file imports when it runs, inside functions too."""
    return tuple(_imports(ast.parse(path.read_text()), path))


def _imports(tree: ast.Module, path: Path) -> Iterator[str]:
    nodes = [*ast.walk(tree)]
    only_for_types = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in node.body
        for inner in ast.walk(part)
    }
    for node in nodes:
        if id(node) in only_for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the place of each file, and of each module that it imports."""
    for path in MODULES:
        place = path.relative_to(PACKAGE).with_suffix("").parts
        yield from ((place, tuple(module.split("."))) for module in imports_of(path))


def test_every_part_of_the_package_is_in_the_table() -> None:
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert found == set(MAY_IMPORT)


def test_imports_run_one_way() -> None:
    wrong = [
        f"{'/'.join(place)}: {place[0]} may not import {'.'.join(module)}"
        for place, module in imports()
        if module[0] == "cnnspec"
        and module[1] != place[0]
        and module[1] not in MAY_IMPORT[place[0]]
    ]
    assert not wrong, "\n".join(wrong)


def test_backends_do_not_import_each_other() -> None:
    backends = {"numpy", "torch", "loops", "plain"}
    wrong = [
        f"{'/'.join(place)} imports {'.'.join(module)}"
        for place, module in imports()
        if place[0] == "backends"
        and place[1] in backends
        and module[:2] == ("cnnspec", "backends")
        and module[2] in backends - {place[1]}
    ]
    assert not wrong, "\n".join(wrong)


def test_planted_faults_are_written_independently_of_what_names_them() -> None:
    naming = ("compare", "kinds"), ("compare", "causes")
    wrong = [
        f"{'/'.join(place)} imports {'.'.join(module)}"
        for place, module in imports()
        if (place[:2] == ("compare", "planted") and module[1:3] in naming)
        or (place[:2] in naming and module[1:3] == ("compare", "planted"))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_two_places_import_torch_and_torchvision() -> None:
    roots = {(place, module[0]) for place, module in imports()}
    assert {place[:2] for place, root in roots if root == "torch"} == {("backends", "torch")}
    assert {place for place, root in roots if root == "torchvision"} == {("data", "vision")}


WITHOUT_TORCH = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())

import cnnspec

spec = cnnspec.load_spec(sys.argv[1], overrides=["training.epochs=8"])
network = cnnspec.build(cnnspec.resolve(spec), spec.training, "numpy")
history = cnnspec.train(network, cnnspec.load_data(spec.data), spec.training)
assert "torch" not in sys.modules
print(history[-1].test_accuracy)

try:
    cnnspec.build(cnnspec.resolve(spec), spec.training, "torch")
except cnnspec.BackendError as error:
    print(error)
"""


def test_numpy_path_runs_without_torch() -> None:
    digits = PACKAGE.parent / "specs" / "digits.yaml"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(digits)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    accuracy, refusal = done.stdout.splitlines()
    assert float(accuracy) > 0.9
    assert refusal == (
        "the torch backend needs the package `torch`, which is not installed; "
        "install it with: pip install 'cnnspec[torch]'"
    )
