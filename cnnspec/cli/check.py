"""cnnspec check: a layer that somebody wrote by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from cnnspec.cli.command import with_examples
from cnnspec.cli.exit_codes import BAD_INPUT, DIFFERENT
from cnnspec.cli.kinds import KindName, KindOption
from cnnspec.cli.options import json_option, refuse_options
from cnnspec.cli.submissions import check_folder, is_folder

if TYPE_CHECKING:
    from cnnspec.compare.check import Checked
    from cnnspec.spec.layers import AnyLayer
    from cnnspec.spec.optimizers import AnyOptimizer

OF_A_CLASS = ("kind", "like", "mapping", "arguments", "layout", "require", "strict")
OF_A_FOLDER = ("assignment", "csv_file", "html", "fresh")

LAYOUTS = ("nchw", "nhwc", "chw", "hwc", "nhw", "hw", "columns", "column", "row", "vector")


@with_examples(
    "check",
    "cnnspec check mine.py:Linear --as linear",
    "cnnspec check mine.py:Dense --as linear --map weight=theta --json",
    "cnnspec check submissions/ --assignment assignment.yaml --html grades",
)
@click.argument("candidate", metavar="FILE.py:CLASS|FOLDER")
@click.option(
    "--as",
    "kind",
    cls=KindOption,
    metavar="KIND",
    type=KindName(),
)
@click.option(
    "--like",
    metavar="OPTIONS",
    help="Try these options alone, as in '{out_channels: 8, kernel_size: 3}'.",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="NAME=ITS",
    help="What the class calls something, by cnnspec's name: weight=theta, grad_weight=g_theta, "
    "out_channels=n_f, forward=run. May be given several times.",
)
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of its constructor, as in --arg batch_size=3 or --arg activation=null. May "
    "be given several times.",
)
@click.option(
    "--layout",
    metavar="LAYOUT",
    type=click.Choice(LAYOUTS),
    help="How its images lie, where it is to hold; by default as the class takes them. nchw, "
    "nhwc; chw or hwc, where it takes them one by one; gray ones without an axis for channels: "
    "nhw, or hw one by one. Features as (features, n): columns; one by one as (features, 1): "
    "column, (1, features): row, or (features,): vector.",
)
@click.option(
    "--require",
    metavar="NAMES",
    help="What it must offer, as in stride,padding: it is wrong without. Else what it leaves out "
    "counts neither way.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1, too, where something that it takes was not tried.",
)
@click.option(
    "--time-limit",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds that it may take for one setting.",
)
@click.option(
    "--import-limit",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds that the file may take to be loaded.",
)
@click.option(
    "--assignment",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Grade a folder of submissions: what is asked for, and what it counts.",
)
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Of a folder: write a table for spreadsheets.",
)
@click.option(
    "--html",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Of a folder: write a page for the class, and one for each student.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Of a folder: try all anew, not what changed since the last time alone.",
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    candidate: str,
    kind: str | None,
    like: str | None,
    mapping: tuple[str, ...],
    arguments: tuple[str, ...],
    layout: str | None,
    require: str | None,
    strict: bool,
    time_limit: float,
    import_limit: float,
    assignment: str | None,
    csv_file: str | None,
    html: str | None,
    fresh: bool,
    as_json: bool,
) -> int:
    """Try a class with forward and backward in many settings, and say what is wrong and why.

    The code runs in a process of its own. Exits with 0 where all is right that was tried, with 1
    where something is wrong, and with 2 where nothing could be graded, or more must be said about
    the class. Of a folder: with 0 where all submissions are right, with 1 where some are wrong, and
    with 2 where something could not be graded.
    """
    if is_folder(candidate):
        refuse_options(context, OF_A_CLASS, "stands in the assignment, for each layer by itself")
        limits = (time_limit, import_limit)
        return check_folder(candidate, assignment, csv_file, html, fresh, limits, as_json)
    refuse_options(context, OF_A_FOLDER, "is for a folder of submissions")
    if kind is None:
        raise click.UsageError("Missing option '--as': what is the class? --help lists the kinds")
    from cnnspec.cli.activity import parts
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document
    from cnnspec.compare.check import check_class
    from cnnspec.report.check import check_document, render_check

    if ":" not in candidate:
        raise click.UsageError(f"wanted FILE.py:CLASS, found `{candidate}`")
    names = {}
    for item in mapping:
        ours, equals, theirs = item.partition("=")
        if not equals or not ours or not theirs:
            raise click.UsageError(f"--map wants NAME=ITS, as in weight=theta; found `{item}`")
        names[ours] = theirs
    options, of = _options_like(kind, like) if like is not None else (None, "")
    with parts("trying") as progress:
        checked = check_class(
            candidate,
            kind,
            like=options,
            of=of,
            names=names,
            arguments=dict(map(_argument, arguments)),
            layout=layout,
            require=[name.strip() for name in require.split(",")] if require else [],
            time_limit=time_limit,
            import_limit=import_limit,
            on_progress=progress.show,
        )
    if as_json:
        print_document(check_document(checked))
    else:
        Output().print(*render_check(checked), sep="\n")
    return _exit_code(checked, strict)


def _exit_code(checked: Checked, strict: bool) -> int:
    if checked.grade is None:
        return BAD_INPUT
    return DIFFERENT if checked.wrong or (strict and checked.not_tried) else 0


def _argument(item: str) -> tuple[str, Any]:
    """Read NAME=VALUE, the value as a spec has it.

    Raises:
        SpecError: the value is no YAML.
    """
    from cnnspec.errors import SpecError
    from cnnspec.spec.source import read_source

    name, equals, text = item.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--arg wants NAME=VALUE, as in batch_size=3; found `{item}`")
    source = read_source(text or "null", f"--arg {name}")
    if source.diagnostics:
        raise SpecError(source.diagnostics)
    return name, source.value


def _options_like(kind: str, like: str) -> tuple[AnyLayer | AnyOptimizer | None, str]:
    """Read the options of a layer or an optimizer as a spec has them; of a loss, what it takes.

    Raises:
        SpecError: they are not valid.
    """
    from cnnspec.spec.layers import KINDS
    from cnnspec.spec.load import parse_layer, parse_optimizer
    from cnnspec.spec.optimizers import OPTIMIZERS

    if kind in KINDS:
        return parse_layer(kind, like, file="--like"), ""
    if kind in OPTIMIZERS:
        return parse_optimizer(kind, like, file="--like"), ""
    return None, _what_a_loss_takes(like)


def _what_a_loss_takes(like: str) -> str:
    """Read whether a loss takes logits or probabilities."""
    from cnnspec.compare.check import TAKEN_BY_A_LOSS
    from cnnspec.spec.source import read_source

    source = read_source(like, "--like")
    for of in TAKEN_BY_A_LOSS:
        if not source.diagnostics and source.value == {"of": of}:
            return of
    wanted = " or ".join(f"'{{of: {of}}}'" for of in TAKEN_BY_A_LOSS)
    raise click.UsageError(f"--like of a loss is {wanted}; found `{like}`")
