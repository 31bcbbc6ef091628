"""What docs/reference/python.md says of each public name: its signature and its docstring.

The page is written by hand but for that: `make golden` renews what stands between the marks. Of
layers, all is made from the code: a kind's example is the first of its cases.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import cnnspec
from cnnspec.spec.layers import KINDS
from cnnspec.spec.section import Section
from tests.cases import Case
from tests.docs.pages import ROOT
from tests.rooms import LAYERS

PAGE = ROOT / "docs" / "reference" / "python.md"

LONGEST = 88
"""Characters of a line within a block."""

MARKED = re.compile(r"<!-- (\w+), from the code -->\n.*?<!-- end -->\n", re.DOTALL)


def page() -> str:
    """Return the page with what is made from the code made anew."""
    return MARKED.sub(lambda found: marked(found[1]), PAGE.read_text())


def names() -> list[str]:
    """Return the names that the page tells of, in its order."""
    return re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)


def marked(name: str) -> str:
    """Return what the code says of a name, or of all layers, between marks."""
    parts = _of_layers() if name == "layers" else _said(name, getattr(cnnspec, name))
    said = "\n\n".join(part.strip("\n") for part in parts)
    return f"<!-- {name}, from the code -->\n\n{said}\n\n<!-- end -->\n"


def _of_layers() -> Iterator[str]:
    """Yield a section about each kind of layer."""
    for word, kind in KINDS.items():
        yield f"### {kind.__name__}"
        yield from _said(kind.__name__, kind)
        yield _example(next(iter(LAYERS[word].cases.values())))


def _example(case: Case) -> str:
    """Show a layer in a setting, and what it makes of shapes."""
    kind, options = type(case.layer).__name__, case.layer.model_dump(exclude_defaults=True)
    given = ", ".join(f"{option}={_default(value)}" for option, value in options.items())
    asked = f">>> {kind}({given}).output_shape({case.input})"
    answer = case.layer.output_shape(case.input)
    return f"```python\n>>> from cnnspec import {kind}\n{asked}\n{answer}\n```"


def _said(name: str, value: Any) -> Iterator[str]:
    """Yield paragraphs about a function or class."""
    if not inspect.isclass(value):
        yield _code(_signature(name, value))
        yield _prose(inspect.getdoc(value) or "")
        return
    if issubclass(value, BaseException):
        bases = [base.__name__ for base in value.__bases__]
        yield _code(f"class {name}({', '.join(bases)})")
        yield _prose(inspect.getdoc(value) or "")
        return
    yield _code(f"class {name}")
    yield _prose(inspect.getdoc(value) or "")
    fields = list(_fields(value))
    if fields:
        yield "\n".join(fields)
    if issubclass(value, Section):  # what else it has is for cnnspec itself
        return
    for method, function in vars(value).items():
        if not method.startswith("_") and inspect.isfunction(function) and function.__doc__:
            yield _code(_signature(method, function))
            yield _prose(inspect.getdoc(function) or "")
        elif isinstance(function, property):
            yield f"`{method}`: {_line(inspect.getdoc(function) or '')}"


def _code(text: str) -> str:
    return f"```py\n{text}\n```"


def _signature(name: str, function: Any) -> str:
    """Write a signature as the code has it, in one line where that is not too long."""
    given = inspect.signature(function)
    parts = list(_parameters(given))
    back = "" if given.return_annotation is given.empty else f" -> {given.return_annotation}"
    text = f"{name}({', '.join(parts)}){back}"
    if len(text) <= LONGEST:
        return text
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){back}"])


def _parameters(given: inspect.Signature) -> Iterator[str]:
    keyword_only = False
    for parameter in given.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            yield "*"
        annotation = str(parameter.annotation).replace("'", '"')
        default = parameter.default
        known = "" if default is parameter.empty else f" = {_default(default)}"
        yield f"{parameter.name}: {annotation.strip(chr(34))}{known}"


def _default(value: Any) -> str:
    """Write a default value as somebody would type it."""
    if isinstance(value, Section) and value == type(value)():
        return f"{type(value).__name__}()"
    if inspect.isfunction(value):
        return value.__name__
    return repr(value).replace("'", '"')


def _fields(value: type) -> Iterator[str]:
    """Yield a line for each option of a spec, or field of a record."""
    said = _attribute_docstrings(value)
    if issubclass(value, Section):
        for option, field in value.model_fields.items():
            default = "" if field.is_required() else f" (default: `{_default(field.default)}`)"
            yield f"- `{option}`{default}: {_line(said.get(option, field.description or ''))}"
    elif dataclasses.is_dataclass(value) or hasattr(value, "__annotations__"):
        for name in getattr(value, "__annotations__", {}):
            if not name.startswith("_"):
                yield f"- `{name}`" + (f": {_line(said[name])}" if name in said else "")


def _attribute_docstrings(value: type) -> dict[str, str]:
    """Return the strings that stand below attributes, of a class and what it is derived from."""
    found: dict[str, str] = {}
    for cls in reversed(value.__mro__):
        if not cls.__module__.startswith("cnnspec."):
            continue
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(node, ast.ClassDef)
        for above, below in zip(node.body, node.body[1:]):
            if isinstance(above, ast.AnnAssign) and isinstance(below, ast.Expr):
                found[ast.unparse(above.target)] = inspect.cleandoc(ast.literal_eval(below.value))
    return found


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _prose(docstring: str) -> str:
    """Turn a docstring into Markdown: `Raises:` becomes a list, `Shapes:` a line."""
    parts = []
    for paragraph in docstring.split("\n\n"):
        head, _, rest = paragraph.partition("\n")
        if head in ("Raises:", "Warns:"):
            items = re.split(r"\n(?=\w)", textwrap.dedent(rest))
            raised = [re.sub(r"^(\w+):", r"`\1`:", _line(item)) for item in items]
            parts.append(f"{head}\n\n" + "\n".join(f"- {item}" for item in raised))
        elif head == "Shapes:":
            parts.append(f"Shapes: {_line(rest)}")
        else:
            parts.append(paragraph)
    return "\n\n".join(parts)
