"""cnnspec build: the plan of a spec, built."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from cnnspec.cli.command import with_examples
from cnnspec.cli.options import complete_backends, json_option, set_option, spec_argument
from cnnspec.cli.without import or_else


@with_examples(
    "build",
    "cnnspec build digits",
    "cnnspec build lenet5 --graph lenet5.svg",
    "cnnspec build net.yaml --backend torch --set layers.conv1.out_channels=8",
)
@spec_argument
@click.option(
    "--backend",
    metavar="NAME",
    default="numpy",
    show_default=True,
    shell_complete=complete_backends,
    help="Build with numpy, torch or loops.",
)
@click.option(
    "--graph",
    metavar="FILE.svg",
    type=click.Path(dir_okay=False),
    help="Draw the layers to scale, too.",
)
@set_option
@json_option
def command(
    spec: str, backend: str, graph: str | None, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Check a spec, build its network and show its layers."""
    from cnnspec.backends import build
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document, print_line
    from cnnspec.cli.specs import name_of, read_spec, write_text
    from cnnspec.plan import resolve
    from cnnspec.report.plan import PlanTable, plan_document

    if graph is not None and not graph.endswith(".svg"):
        raise click.UsageError(
            f"--graph writes SVG; wanted a name that ends in .svg, found {graph}"
        )
    if graph is not None and Path(graph).resolve() == Path(spec).resolve():
        raise click.UsageError("--graph would overwrite the spec; name another file")
    if graph is not None and not Path(graph).parent.is_dir():
        raise click.UsageError(f"--graph: there is no folder {Path(graph).parent}")
    model, _ = read_spec(spec, overrides)
    plan = resolve(model)
    with or_else("build with --backend numpy"):
        build(plan, model.training, backend)
    if graph is not None:
        from cnnspec.report.graph import plan_svg

        write_text(graph, plan_svg(plan))
    if as_json:
        print_document(plan_document(plan))
        return
    console = Output()
    console.print(PlanTable(plan))
    print_line(f"valid, and built with the {backend} backend")
    if graph is not None:
        print_line(f"drawn in {name_of(graph)}")
