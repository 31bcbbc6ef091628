"""What the JSON Schema says in words: docstrings of options, and which values are allowed."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from typing import Any

from cnnspec.spec.section import Section

Schema = dict[str, Any]

_MOST = sys.float_info.max


def flow(value: Any) -> str:
    """Show a default in one line, as YAML has it."""
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "string": "text",
}


def in_words(written: Schema) -> str:
    """Say which values are allowed; nothing where an editor lists them."""
    if "anyOf" in written:
        return ", or ".join(filter(None, map(in_words, written["anyOf"])))
    if "title" in written:
        return str(written["title"])
    types = written.get("type", "")
    name = types if isinstance(types, str) else types[0]
    if name == "array":
        count = f" of {written['maxItems']}" if "maxItems" in written else ""
        entry = in_words(written["items"])
        return f"a list{count}, each {entry}" if entry else ""
    if name not in _TYPES or {"enum", "allOf", "oneOf"} & set(written):
        return ""
    bounds = {at: f"{written[at]:,}" for at in _BOUNDS if abs(written.get(at, _MOST)) < _MOST}
    if {"minimum", "maximum"} <= set(bounds):
        return f"{_TYPES[name]} from {bounds['minimum']} to {bounds['maximum']}"
    return _TYPES[name] + "".join(_BOUNDS[at].format(told) for at, told in bounds.items())


_BOUNDS = {
    "minimum": " of {} or more",
    "exclusiveMinimum": " above {}",
    "maximum": ", {} or less",
    "exclusiveMaximum": ", below {}",
}


def sentence(words: str) -> str:
    """Write words as a sentence; nothing where there are none."""
    return f"{words[0].upper()}{words[1:]}." if words else ""


def paragraphs(docstring: str | None) -> str:
    """Join the lines of each paragraph of a docstring."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def option_docstrings(section: type[Section]) -> dict[str, str]:
    """Read what stands below each option in the source, inherited ones included.

    pydantic could keep it (`use_attribute_docstrings`), but would read the source whenever
    a command starts.
    """
    found = {}
    for base in reversed(section.__mro__):
        if not issubclass(base, Section):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for pair in zip(tree.body, tree.body[1:]):
            match pair:
                case (
                    ast.AnnAssign(target=ast.Name(id=option)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[option] = paragraphs(text)
    return found
