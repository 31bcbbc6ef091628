"""cnnspec schema: the JSON Schema of specs, for editors."""

from __future__ import annotations

from cnnspec.cli.command import with_examples


@with_examples(
    "schema",
    "cnnspec schema",
    "cnnspec schema > cnnspec.schema.json",
)
def command() -> None:
    """Print the JSON Schema of specs, for editors.

    An editor completes and checks a spec by it if the first line of the spec names it:

    # yaml-language-server: $schema=cnnspec.schema.json
    """
    from cnnspec.cli.output import print_raw
    from cnnspec.spec.schema import schema_text

    print_raw(schema_text())
