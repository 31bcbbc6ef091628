"""cnnspec build: the plan of a spec, built."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from cnnspec.cli.options import complete_backends, json_option, set_option, spec_argument


@click.command("build")
@spec_argument
@click.option(
    "--backend",
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
    from cnnspec.cli.output import print_document
    from cnnspec.cli.specs import read_spec
    from cnnspec.plan import resolve
    from cnnspec.report.plan import plan_document, plan_table

    if graph is not None and not graph.endswith(".svg"):
        raise click.UsageError(
            f"--graph writes SVG; wanted a name that ends in .svg, found {graph}"
        )
    model, _ = read_spec(spec, overrides)
    plan = resolve(model)
    build(plan, model.training, backend)
    if graph is not None:
        from cnnspec.report.graph import plan_svg

        Path(graph).write_text(plan_svg(plan), "utf-8")
    if as_json:
        print_document(plan_document(plan))
        return
    console = Output()
    console.print(plan_table(plan))
    console.print(f"valid, and built with the {backend} backend")
    if graph is not None:
        console.print(f"drawn in {graph}", soft_wrap=True)
