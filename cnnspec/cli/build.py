"""cnnspec build: the plan of a spec, built."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli.options import json_option, set_option, spec_argument


@click.command("build")
@spec_argument
@click.option(
    "--backend", default="numpy", show_default=True, help="Build with numpy, torch or loops."
)
@set_option
@json_option
def command(spec: str, backend: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a spec, build its network and show its layers."""
    from cnnspec.backends import build
    from cnnspec.cli.output import Output, print_document
    from cnnspec.plan import resolve
    from cnnspec.report.plan import plan_document, plan_table
    from cnnspec.spec import load_spec

    model = load_spec(spec, overrides=overrides)
    plan = resolve(model)
    build(plan, model.training, backend)
    if as_json:
        print_document(plan_document(plan))
        return
    console = Output()
    console.print(plan_table(plan))
    console.print(f"valid, and built with the {backend} backend")
