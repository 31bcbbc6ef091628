"""Files as they lie in projects and notebooks: what they import, what cannot be loaded and why."""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from cnnspec.backends.plain import PlainClassError
from cnnspec.compare.check import Checked, check_class
from cnnspec.compare.check.process.notebook import notebook_of
from cnnspec.errors import BackendError
from tests.compare.check.test_process import relu

HELPERS = "import numpy as np\ndef positive(x): return np.maximum(x, 0)\n"
LAYER = """
{top}
class ReLU:
    def forward(self, x):
        self.x = x
        return positive(x)
    def backward(self, d):
        return d * (self.x > 0)
"""


def lay(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("//init//", "/__init__")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(text)


def check(path: Path, **options: Any) -> Checked:
    return check_class(f"{path}:ReLU", "relu", **options)


def test_the_working_folder_is_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, common__helpers=HELPERS)
    top = "from common.helpers import positive"
    lay(tmp_path, layers__activations=LAYER.format(top=top))
    path = tmp_path / "layers/activations.py"
    checked = check(path)
    assert not checked.loaded
    assert checked.error.startswith("ModuleNotFoundError: No module named 'common'")
    words = f"`common` lies in {tmp_path}: run this from there, or set PYTHONPATH={tmp_path}"
    assert words in checked.error
    monkeypatch.chdir(tmp_path)
    assert check(path).ok


PACKAGES = {
    "from the root of its package": ("from project.common.helpers import positive", True),
    "with two dots": ("from ..common.helpers import positive", True),
    "with two dots, without __init__.py": ("from ..common.helpers import positive", False),
    "with one dot": ("from .beside import positive", False),
    "the folder itself": ("from . import beside\npositive = beside.positive", True),
}


@pytest.mark.parametrize("what", PACKAGES)
def test_imports_within_a_package(what: str, tmp_path: Path) -> None:
    top, inits = PACKAGES[what]
    lay(tmp_path, project__common__helpers=HELPERS, project__layers__beside=HELPERS)
    lay(tmp_path, project__layers__activations=LAYER.format(top=top))
    if inits:
        for folder in ("project", "project/common", "project/layers"):
            (tmp_path / folder / "__init__.py").write_text("")
    assert check(tmp_path / "project/layers/activations.py").ok


def test_a_package_that_is_not_needed_is_not_loaded(tmp_path: Path) -> None:
    lay(tmp_path, project__layers=relu())
    (tmp_path / "project/__init__.py").write_text("import no_such_module")
    assert check(tmp_path / "project/layers.py").ok


def test_what_a_package_cannot_load_is_left_out(tmp_path: Path) -> None:
    top = "from .beside import positive"
    lay(tmp_path, project__beside=HELPERS, project__layers=LAYER.format(top=top))
    (tmp_path / "project/__init__.py").write_text("import no_such_module")
    checked = check(tmp_path / "project/layers.py")
    assert checked.ok
    assert "__init__.py: ModuleNotFoundError: No module named 'no_such" in checked.output


CANNOT = {
    "not installed": (
        "import no_such_module",
        "No module named 'no_such_module'; no `no_such_module` is installed here, nor lies in a "
        "folder above the file",
    ),
    "a question": ("input('size? ')", "EOF when reading a line; nobody is there to answer"),
    "no Python": ("def f(:", "SyntaxError: invalid syntax"),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_cannot_be_loaded_is_not_graded(what: str, tmp_path: Path) -> None:
    top, words = CANNOT[what]
    lay(tmp_path, layers=relu(top=top))
    checked = check(tmp_path / "layers.py")
    assert (checked.loaded, checked.grade) == (False, None)
    assert words in checked.error


def test_a_file_that_trains_when_it_is_loaded_has_a_limit_of_its_own(tmp_path: Path) -> None:
    lay(tmp_path, layers=relu(top="import time\nwhile True: time.sleep(0.01)"))
    checked = check(tmp_path / "layers.py", import_limit=0.3)
    assert (checked.loaded, checked.grade) == (False, None)
    assert checked.error.startswith(
        'does not end within 0.3 s: put what is run under `if __name__ == "__main__":` (line 4: '
    )
    lay(tmp_path, layers=relu(top="import time; time.sleep(0.5)"))
    assert check(tmp_path / "layers.py", time_limit=0.4).ok


def test_a_module_that_is_missing_in_a_pass_is_no_fault_of_the_layer(tmp_path: Path) -> None:
    lay(tmp_path, layers=relu(forward="import no_such_module"))
    try:
        checked = check(tmp_path / "layers.py")
    except BackendError as error:  # more must be there, before it can be tried
        checked = error.checked  # type: ignore[attr-defined]
    assert checked.grade is None
    assert "no `no_such_module` is installed here" in checked.error


def notebook(path: Path, *cells: str, **more: Any) -> Path:
    listed = [{"cell_type": "code", "source": textwrap.dedent(cell)} for cell in cells]
    path.write_text(json.dumps({"cells": listed, "nbformat": 4, **more}))
    return path


CLASS = """
class ReLU(Base):
    def forward(self, x):
        self.x = x
        return positive(x)
"""


def test_of_a_notebook_what_the_class_needs_is_run(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "layers.ipynb",
        "%matplotlib inline\nimport numpy as np, os\n!pip install numpy\nimport no_such_module",
        "class Base: pass\ndef positive(x):\n    return np.maximum(x, zero)",
        "while True: pass",
        "%%bash\nrm -rf nothing",
        "%%time\nzero = 0",
        CLASS,
        "def backward(self, d): return d * (self.x > zero)\nReLU.backward = backward",
        "history = train(ReLU())\nfor _ in history: print(1 / 0)",
        "def broken(:",
    )
    path_of_old = tmp_path / "old.ipynb"
    cells = [
        {"cell_type": "code", "input": cell["source"].splitlines(keepends=True)}
        for cell in json.loads(path.read_text())["cells"]
    ]
    path_of_old.write_text(json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}))
    for each in (path, path_of_old):
        checked = check(each)
        assert checked.ok, checked
        assert "SyntaxError" in checked.output


UNREADABLE = {
    "no JSON": ("not a notebook", "it is no notebook that can be read (JSONDecodeError: "),
    "no cells": ("{}", "it is no notebook that can be read (KeyError: 'cells'); wanted JSON with"),
    "a list": ("[1]", "it is no notebook that can be read (TypeError: "),
    "a cell that is none": ('{"cells": [3]}', "it is no notebook that can be read (TypeError: "),
    "no code": ('{"cells": []}', "the notebook has no cell of code"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_notebook_is_said(what: str, tmp_path: Path) -> None:
    text, words = UNREADABLE[what]
    path = tmp_path / "layers.ipynb"
    path.write_text(text)
    with pytest.raises(PlainClassError, match=re.escape(words)):
        notebook_of(path, "ReLU")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["class Tanh: pass", "def f(): pass"], "there is no `ReLU` in it; it has Tanh, f"),
        (["x = 1", "1 +\n\nclass ReLU: pass"], "SyntaxError: invalid syntax (layers.ipynb, cell 2"),
        (
            ["x = 1", "\nimport no_such_module as a", "class ReLU(a.B): pass"],
            "decide (cell 2, line 2: import no_such_module as a)",
        ),
    ],
)
def test_why_a_notebook_cannot_be_loaded_is_said(
    cells: list[str], words: str, tmp_path: Path
) -> None:
    checked = check(notebook(tmp_path / "layers.ipynb", *cells))
    assert (checked.loaded, checked.grade) == (False, None)
    assert words in checked.error


@pytest.mark.parametrize(("code", "words"), [("1 / 0", "ZeroDi"), ("while True: pass", "does not")])
def test_the_cell_and_the_line_of_an_error_are_said(code: str, words: str, tmp_path: Path) -> None:
    path = notebook(tmp_path / "layers.ipynb", "x = 1", relu(forward=code))
    message = check(path, time_limit=0.3).findings[0].message
    assert words in message
    assert f"(cell 2, line 7: {code})" in message
