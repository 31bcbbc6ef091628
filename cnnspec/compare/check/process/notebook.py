"""The code cells of a notebook, and of them what a class needs."""

from __future__ import annotations

import ast
import json
import linecache
import re
import symtable
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnspec.backends.plain import PlainClassError
from cnnspec.backends.raised import in_words
from cnnspec.compare.check.process.module import MODULE, add_to_path, is_not_there
from cnnspec.files import read_regular

SUFFIX = ".ipynb"

MOST = 256 * 2**20
"""Bytes of a notebook: its pictures lie in it."""

COMMAND = re.compile(r"^(\s*)(?:[%!?]|[\w.]+\s*=\s*[%!]|[\w.]+\?+\s*$).*", flags=re.MULTILINE)
"""A line for Jupyter, which is no Python: `%matplotlib inline`, `!pip install`, `files = !ls`."""

PYTHON = re.compile(r"%%(time|timeit|capture|prun)\b.*")
"""What may stand over a cell of Python; over others, it is in another language."""


@dataclass(frozen=True)
class Cell:
    """A cell of code."""

    name: str
    """The file and the number of the cell, as tracebacks have it in place of a file."""
    source: str


@dataclass(frozen=True)
class Statement:
    """A statement outside all functions."""

    cell: Cell
    node: ast.stmt
    binds: frozenset[str]
    uses: frozenset[str]

    @property
    def changes(self) -> frozenset[str]:
        """Return the names of what it changes: `Conv` of `Conv.backward = backward`."""
        match self.node:
            case ast.Assign(targets=targets):
                return frozenset(name for target in targets if (name := _root(target)))
            case ast.AugAssign(target=target):
                return frozenset({_root(target)})
            case ast.Expr(ast.Call(ast.Name("setattr"), [first, *_])):
                return frozenset({_root(first)})
            case ast.FunctionDef(decorator_list=decorators):
                return frozenset(
                    node.id
                    for each in decorators
                    for node in ast.walk(each)
                    if isinstance(node, ast.Name)
                )
        return frozenset()

    @property
    def always_runs(self) -> bool:
        """Tell whether it says what every other may find."""
        match self.node:
            case ast.ImportFrom(names=[ast.alias("*")]):
                return True
            case ast.Expr(ast.Call(function)):
                return ast.unparse(function).startswith("sys.path.")
        return False


def notebook_of(path: Path, wanted: str) -> ModuleType:
    """Run of a notebook what something in it needs, and return the module.

    What defines a name that is used on the way runs, in order. All else does not, such as a
    training.

    Raises:
        PlainClassError: the file is no notebook, or has no such name.
        SyntaxError: it has none, and a cell that is no Python.
    """
    statements, broken = _read(path)
    if not any(wanted in statement.binds for statement in statements):
        raise broken[0] if broken else is_not_there(wanted, _defined(statements))
    add_to_path(path)
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    for error in broken:
        print(f"{in_words(error)}: the cell is left out", file=sys.stderr)
    for statement in needed(statements, wanted):
        module.__file__ = statement.cell.name  # where `inspect` looks for the source of a class
        tree = ast.Module([statement.node], [])
        code = compile(tree, statement.cell.name, "exec", dont_inherit=True)
        try:
            exec(code, vars(module))
        except Exception as error:
            if not statement.always_runs:
                raise
            print(f"{statement.cell.name}: {in_words(error)}: it is left out", file=sys.stderr)
    return module


def needed(statements: Sequence[Statement], wanted: str) -> list[Statement]:
    """Return those that a name needs, in their order; a function is one of several."""
    functions = _defined(statements, ast.FunctionDef)
    names = {wanted, *(functions if wanted in functions else ())}
    chosen, before = set[int](), -1
    while len(chosen) != before:
        before = len(chosen)
        for number, statement in enumerate(statements):
            if names & (statement.binds | statement.changes) or statement.always_runs:
                chosen.add(number)
                names |= statement.uses | statement.binds
    return [statements[number] for number in sorted(chosen)]


def _defined(
    statements: Sequence[Statement], *kinds: type[ast.FunctionDef | ast.ClassDef]
) -> list[str]:
    found = (statement.node for statement in statements)
    wanted = kinds or (ast.FunctionDef, ast.ClassDef)
    return [node.name for node in found if isinstance(node, wanted)]


def cells_of(path: Path) -> list[Cell]:
    """Return the cells of code of a notebook, whose lines are then known to tracebacks.

    Raises:
        PlainClassError: the file is no notebook.
    """
    try:
        found = list(_sources(json.loads(read_regular(path, most=MOST))))
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise PlainClassError(
            f"it is no notebook that can be read ({why}); wanted JSON with `cells`, as Jupyter "
            "saves it"
        ) from None
    if not found:
        raise PlainClassError("the notebook has no cell of code")
    cells = [Cell(f"{path}, cell {number}", text) for number, text in enumerate(found, 1)]
    for cell in cells:
        lines = cell.source.splitlines(keepends=True)
        linecache.cache[cell.name] = (len(cell.source), None, lines, cell.name)
    return cells


def _sources(notebook: dict[str, Any]) -> Iterator[str]:
    """Yield the text of each cell of code: of version 4, and of 3, which has worksheets."""
    if "worksheets" in notebook:
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    else:
        cells = notebook["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            yield "".join(cell["source" if "source" in cell else "input"])


def _read(path: Path) -> tuple[list[Statement], list[SyntaxError]]:
    """Return the statements of a notebook, and what is wrong with cells that are no Python."""
    statements: list[Statement] = []
    broken = []
    for cell in cells_of(path):
        try:
            statements += _statements(cell)
        except SyntaxError as error:
            broken.append(error)
    return statements, broken


def _statements(cell: Cell) -> Iterator[Statement]:
    """Yield the statements of a cell.

    Raises:
        SyntaxError: it is no Python.
    """
    for node in _tree(cell).body:
        table = symtable.symtable(ast.unparse(node), cell.name, "exec")
        symbols = table.get_symbols()
        binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
        uses = {s.get_name() for s in symbols if s.is_referenced()} | set(_globals_in(table))
        yield Statement(cell, node, frozenset(binds), frozenset(uses))


def _tree(cell: Cell) -> ast.Module:
    source = cell.source
    head = source.lstrip().partition("\n")[0]
    if head.startswith("%%"):
        if not PYTHON.match(head):
            return ast.Module([], [])
        source = source.replace(head, "", 1)
    try:
        return ast.parse(source, cell.name)
    except SyntaxError:
        # Not before: within a longer expression, a line may begin with %.
        return ast.parse(COMMAND.sub(r"\1pass", source), cell.name)


def _globals_in(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that functions and classes look up outside themselves."""
    for inner in table.get_children():
        yield from (s.get_name() for s in inner.get_symbols() if s.is_global())
        yield from _globals_in(inner)


def _root(target: ast.expr) -> str:
    """Return the name before the first dot or bracket."""
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""
