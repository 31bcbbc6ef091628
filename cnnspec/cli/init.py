"""cnnspec init: a spec to start from."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click
from click.shell_completion import CompletionItem

from cnnspec.cli.command import with_examples
from cnnspec.cli.handed_out import write_assignment, write_new, write_skeleton
from cnnspec.cli.options import refuse_options

if TYPE_CHECKING:
    from cnnspec.spec.data import AnyData
    from cnnspec.spec.sizes import Shape

TEMPLATES = ("small", "lenet5", "vgg", "resnet", "mlp")
DATA = ("digits", "mnist", "fashion_mnist")
SCHEMA = "cnnspec.schema.json"


def _complete_data(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    files = sorted(path.name for path in Path().glob("*.npz"))
    return [CompletionItem(name) for name in (*DATA, *files) if name.startswith(incomplete)]


@with_examples(
    "init",
    "cnnspec init net.yaml --data mnist --template lenet5",
    "cnnspec init --assignment assignment.yaml",
    "cnnspec init --skeleton layers.py --kinds conv,relu",
)
@click.argument(
    "file", metavar="[FILE]", default="net.yaml", type=click.Path(dir_okay=False, allow_dash=True)
)
@click.option(
    "--data",
    metavar="NAME|FILE.npz",
    default="digits",
    show_default=True,
    shell_complete=_complete_data,
    help=f"What to train on: {', '.join(DATA)}, or an .npz file of your own.",
)
@click.option(
    "--template",
    metavar="NAME",
    type=click.Choice(TEMPLATES),
    default="small",
    show_default=True,
    help=f"Which network to start from: {', '.join(TEMPLATES[:-1])} or {TEMPLATES[-1]}.",
)
@click.option(
    "--assignment",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write no spec, but an assignment, by which `cnnspec check` grades a class of students.",
)
@click.option(
    "--skeleton",
    metavar="FILE.py",
    type=click.Path(dir_okay=False),
    help="Write no spec, but the classes that students fill in.",
)
@click.option(
    "--kinds",
    metavar="KINDS",
    help="What the assignment, or the skeleton, has, as in conv,relu.",
)
@click.option(
    "--from",
    "asked",
    metavar="ASSIGNMENT",
    type=click.Path(dir_okay=False),
    help="Write the skeleton of what this assignment asks for.",
)
@click.pass_context
def command(
    context: click.Context,
    file: str,
    data: str,
    template: str,
    assignment: str | None,
    skeleton: str | None,
    kinds: str | None,
    asked: str | None,
) -> None:
    """Write a commented spec to start from.

    FILE is net.yaml by default, or - for stdout. The template is fitted to the size and the
    classes of the data. A file that exists is left as it is.
    """
    if assignment is not None or skeleton is not None:
        refuse_options(context, ("file", "data", "template"), "is for a spec")
    if skeleton is None:
        refuse_options(context, ("asked",), "is for --skeleton")
    if assignment is not None:
        refuse_options(context, ("skeleton",), "is for a call of its own, without --assignment")
        write_assignment(assignment, kinds)
        return
    if skeleton is not None:
        write_skeleton(skeleton, kinds, asked)
        return
    refuse_options(context, ("kinds",), "is for --assignment or --skeleton")
    from cnnspec.cli.output import print_line, print_raw
    from cnnspec.printable import printable
    from cnnspec.starter import starter

    source, shape, classes = _source(data)
    if printable(file) != file or printable(data) != data:
        raise click.UsageError("a file's name has a character that cannot be printed")
    name = f"{template}-{Path(data).stem if data.endswith('.npz') else data}"
    shown = "FILE" if file == "-" else file
    header = [
        f"Written by `cnnspec init`: the template {template} for {data}.",
        "",
        f"  cnnspec validate {shown}    every mistake, with its place and the way out",
        f"  cnnspec build {shown}       layers, shapes and counts; --graph net.svg draws them",
        f"  cnnspec train {shown}       train it, on NumPy; --backend torch: on torch",
        f"  cnnspec compare {shown}     hold the two against each other",
    ]
    text = starter(
        template,
        source,
        shape,
        classes,
        name=re.sub("[^A-Za-z0-9._-]", "-", name)[:100],
        header=[*_modeline(file), *header],
    )
    if file == "-":
        print_raw(text)
        return
    write_new(file, text, "cnnspec init new.yaml")
    print_line(f"wrote {file}; next: cnnspec build {file}")


def _modeline(file: str) -> list[str]:
    """Name the JSON Schema for editors, where one lies beside the file or further up."""
    folder = Path() if file == "-" else Path(file).parent
    for above in (folder, *(folder / Path(*[".."] * level) for level in (1, 2, 3))):
        if (above / SCHEMA).is_file():
            found = Path(os.path.relpath(above / SCHEMA, folder)).as_posix()
            return [f"yaml-language-server: $schema={found}"]
    return []


def _source(data: str) -> tuple[AnyData, Shape, int]:
    """Return the data section, the shape of an image and the number of classes."""
    from cnnspec.starter import DATA as KNOWN

    if data in KNOWN:
        source = KNOWN[data]
        assert source.known.shape is not None
        assert source.known.classes is not None
        return source, source.known.shape, source.known.classes
    if not data.endswith(".npz"):
        raise click.UsageError(
            f"there is no data set `{data}`; known are {', '.join(KNOWN)}, or the path of an "
            ".npz file"
        )
    from cnnspec.data import survey
    from cnnspec.errors import DataError
    from cnnspec.spec.data import NPZ

    own = NPZ(path=data)
    found = survey(own)
    for problem in found.problems:
        if problem.severity == "error" or found.contents.shape is None:
            raise DataError(problem.message, help=problem.help)
    shape, classes = found.contents.shape, found.contents.classes
    assert shape is not None
    assert classes is not None
    if own.doubt(shape):  # few columns and many channels: channels come last
        own, shape = own.model_copy(update={"layout": "nhwc"}), (shape[2], shape[0], shape[1])
    return own, shape, max(2, classes)
