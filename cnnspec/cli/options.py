"""Arguments and options that several commands share."""

from __future__ import annotations

import rich_click as click

spec_argument = click.argument("spec", type=click.Path(dir_okay=False))

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Change one value of the spec, as in training.epochs=3 or layers.conv1.out_channels=8. "
    "May be given several times.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else."
)

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder of the data sets.  [default: $CNNSPEC_DATA, or data]",
)

device_option = click.option(
    "--device", default="cpu", show_default=True, help="Device of the torch backend."
)
