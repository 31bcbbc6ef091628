"""What PyYAML says of a text that is not YAML, in words that help."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class SyntaxProblem:
    """A problem, and where: `line` and `column` count from 0."""

    message: str
    line: int
    column: int
    help: str = ""
    note: str = ""
    code: str = "syntax"


_OPENED = {
    "while parsing a flow sequence": ("[", "]"),
    "while parsing a flow mapping": ("{", "}"),
}
_COLON_HELP = (
    "look for a missing space after `:` or `-`, a missing `:` before, or a line that is indented "
    "too far; a text that holds `: ` wants quotes"
)
_INDENT_HELP = "indent it like its neighbours; what belongs to a key stands deeper than the key"


def explain(error: yaml.MarkedYAMLError) -> SyntaxProblem:
    """Say what is wrong, where, and what to do."""
    problem, context = error.problem or "", error.context or ""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if context in _OPENED and error.context_mark is not None:
        return _unclosed(context, problem, error.context_mark, line, column)
    if "unexpected end of stream" in problem and error.context_mark is not None:
        mark = error.context_mark
        message = "the quote is never closed"
        return SyntaxProblem(message, mark.line, mark.column, "add the same quote at its end")
    if "cannot start any token" in problem:
        return _bad_start(problem, line, column)
    if "mapping values are not allowed" in problem:
        return SyntaxProblem("a `:` cannot stand here", line, column, _COLON_HELP)
    if "could not find expected ':'" in problem:
        mark = error.context_mark or mark
        line, column = (mark.line, mark.column) if mark else (line, column)
        return SyntaxProblem("a key without its `:`", line, column, "write `key: value`")
    if "incompatible YAML document" in problem:
        message = "directives (lines that start with `%`) are not supported"
        return SyntaxProblem(message, line, column, "remove it", code="directive")
    if problem.endswith("but found ':'"):
        return SyntaxProblem("a key is missing before this `:`", line, column)
    if "<block end>" in problem:
        if problem.endswith(("'<scalar>'", "','", "']'", "'}'")):
            return SyntaxProblem("text after the end of a value", line, column, "remove it")
        return SyntaxProblem(
            "this is not indented like what it follows", line, column, _INDENT_HELP
        )
    if "<document start>" in problem:
        return SyntaxProblem("the file goes on after its end", line, column, _INDENT_HELP)
    if "expected the node content" in problem:
        found = problem.rpartition("but found ")[2].strip("'")
        if found == "<stream end>":
            return SyntaxProblem("the file ends where a value is wanted", line, column)
        return SyntaxProblem(f"a value is missing before `{found}`", line, column)
    if "unknown escape character" in problem:
        escape = problem.rpartition("character ")[2].strip("'")
        way_out = "in single quotes, a backslash is a backslash"
        return SyntaxProblem(f"`\\{escape}` is no escape of YAML", line, column, way_out)
    return SyntaxProblem(problem or context or "this is not YAML", line, column)


def _unclosed(
    context: str, problem: str, opened: yaml.Mark, line: int, column: int
) -> SyntaxProblem:
    opener, closer = _OPENED[context]
    if "<stream end>" in problem:
        message = f"the `{opener}` is never closed"
        return SyntaxProblem(message, opened.line, opened.column, f"add `{closer}`")
    found = re.sub("<[a-z ]+>", "more text", problem.rpartition("but got ")[2].strip("'"))
    shown = found if found == "more text" else f"`{found}`"
    return SyntaxProblem(
        f"wanted `,` or `{closer}`; found {shown}",
        line,
        column,
        help="put a `,` between two entries",
        note=f"the `{opener}` stands in line {opened.line + 1}, column {opened.column + 1}",
    )


def _bad_start(problem: str, line: int, column: int) -> SyntaxProblem:
    if "'\\t'" in problem:
        message = "a tab cannot indent a line, nor stand before a value"
        return SyntaxProblem(message, line, column, "write spaces", code="tab")
    sign = problem.partition("character ")[2].partition(" that")[0].strip("'\"")
    shown = "a backtick" if sign == "`" else f"`{sign}`"
    return SyntaxProblem(
        f"a value cannot start with {shown}", line, column, "put the value in quotes"
    )
