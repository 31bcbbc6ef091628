"""Tables of options: what each takes, as the JSON schema has it, and what its docstring says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.spec.schema_words import Schema, flow, in_words, option_docstrings
from cnnspec.spec.section import Section
from tests.docs.elsewhere import listed, option_names
from tests.docs.examples import option_schemas
from tests.docs.pages import cell


def table(section: type[Section], options: Sequence[str], links: Mapping[str, str]) -> str:
    """Write a table. `links` has what is said of what stands elsewhere, by its name in the schema.

    Only options are told of that are given.
    """
    said, schemas, others = (
        option_docstrings(section),
        option_schemas(section),
        option_names(section),
    )
    rows = [["option", "takes", "default", "what it is"], ["---"] * 4]
    for option in options:
        about = said.get(option, "")
        if option in others:
            about += f" Elsewhere: {listed(others[option])}."
        values = takes(schemas[option], links)
        rows.append([f"`{option}`", values, _default(section, option, schemas[option]), about])
    return "\n".join(f"| {' | '.join(map(cell, row))} |" for row in rows)


def _default(section: type[Section], option: str, written: Schema) -> str:
    if section.model_fields[option].is_required():
        return "must be written"
    default = written.get("default")
    return "" if default is None else f"`{flow(default)}`"


def takes(written: Schema, links: Mapping[str, str]) -> str:
    """Say what an option takes."""
    for several in ("anyOf", "oneOf"):
        if several in written:
            said = [takes(each, links) for each in written[several]]
            return ", or ".join(filter(None, said))
    if "enum" in written:
        return " or ".join(f"`{flow(value)}`" for value in written["enum"] if value is not None)
    if "allOf" in written:
        (inner,) = written["allOf"]
        return links[inner["$ref"].rpartition("/")[2]] if "$ref" in inner else takes(inner, links)
    if written.get("type") == "array" and not in_words(written["items"]):
        return f"a list of {takes(written['items'], links).replace('a list', 'lists')}"
    return in_words(written)
