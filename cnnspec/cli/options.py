"""Arguments and options that several commands share, and how a shell completes them."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import rich_click as click
from click.core import ParameterSource
from click.shell_completion import CompletionItem, split_arg_string

from cnnspec.cli.targets import SUFFIXES, Spec
from cnnspec.printable import printable
from cnnspec.shipped import shipped_specs


def complete_specs(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the specs and folders that a path may go on to, and the specs that have a name."""
    names = [name for name in shipped_specs() if name.startswith(incomplete)]
    if isinstance(parameter.type, Spec) and not parameter.type.names:
        names = []
    found = _specs_from(incomplete)
    while len(found) == 1 and not names and found[0].endswith(os.sep):  # a shell would end here
        found = _specs_from(found[0]) or [found[0] + "."]
    return [CompletionItem(word) for word in (*found, *names)]


def _specs_from(incomplete: str) -> list[str]:
    folder, name = os.path.split(incomplete)
    try:
        found = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    return [
        incomplete[: len(incomplete) - len(name)] + path.name + (os.sep if path.is_dir() else "")
        for path in found
        if path.name.startswith(name)
        and printable(path.name) == path.name
        and (not path.name.startswith(".") or name.startswith("."))
        and (path.is_dir() or path.suffix in SUFFIXES)
    ]


def complete_overrides(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the options of the spec that is named before, as in `training.epochs=`."""
    from cnnspec.cli.complete import settable

    if "=" in incomplete:
        return []
    words = split_arg_string(os.environ.get("COMP_WORDS", ""))  # click parses no half command
    named = (word for word in words if word.endswith(SUFFIXES) or word in shipped_specs())
    offered = settable(next(named, None))
    return [CompletionItem(option) for option in offered if option.startswith(incomplete)]


def complete_backends(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the backends that are installed; of a list, the next one."""
    from cnnspec.backends import backend_names

    before, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(before + comma + name) for name in backend_names() if name.startswith(last)
    ]


spec_argument = click.argument("spec", metavar="SPEC", type=Spec(), shell_complete=complete_specs)

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="OPTION=VALUE",
    shell_complete=complete_overrides,
    help="Change one value of the spec, as in training.epochs=3 or layers.conv1.out_channels=8. "
    "May be given several times.",
)

epochs_option = click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Short for --set training.epochs=N.",
)


def with_epochs(overrides: tuple[str, ...], epochs: int | None) -> tuple[str, ...]:
    """Return what --set says, with what --epochs is short for."""
    return overrides if epochs is None else (*overrides, f"training.epochs={epochs}")


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else."
)

data_dir_option = click.option(
    "--data-dir",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Folder of the data sets, or of MNIST's four files.  [default: $CNNSPEC_DATA, or data]",
)

device_option = click.option(
    "--device",
    metavar="DEVICE",
    default="cpu",
    show_default=True,
    help="Device of the torch backend, such as cpu or cuda.",
)


def given(context: click.Context) -> set[str]:
    """Return the names of the parameters that stand on the command line."""
    names = (parameter.name for parameter in context.command.params if parameter.name)
    on_line = ParameterSource.COMMANDLINE
    return {name for name in names if context.get_parameter_source(name) is on_line}


def refuse_options(context: click.Context, parameters: Collection[str], why: str) -> None:
    """Refuse what says nothing about what is asked of a command."""
    for parameter in context.command.params:
        if parameter.name in parameters and parameter.name in given(context):
            name = parameter.make_metavar(context)
            if isinstance(parameter, click.Option):
                name = parameter.opts[0]
            raise click.UsageError(f"{name} {why}")
