"""cnnspec schema: the JSON Schema of specs, for editors."""

from __future__ import annotations

import rich_click as click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of specs, for editors.

    They complete and check specs by it. Name it in the first line of a spec:
    # yaml-language-server: $schema=cnnspec.schema.json
    """
    from cnnspec.cli.output import print_raw
    from cnnspec.spec.schema import schema_text

    print_raw(schema_text())
