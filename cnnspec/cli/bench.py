"""cnnspec bench: how fast the backends are, and how fast the machine would let them be."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli import interrupt
from cnnspec.cli.command import with_examples
from cnnspec.cli.options import complete_backends, json_option, set_option, spec_argument
from cnnspec.cli.without import or_else
from cnnspec.environment import MOST_THREADS, processors

COMPILED = "torch@compile"


class Counts(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1, with commas between them."""

    name = "N,N,..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read the numbers, each once."""
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in str(value).split(",")]
        if not all(word.isdecimal() and int(word) > 0 for word in words):
            self.fail(f"wanted whole numbers from 1, as in 1,32; found `{value}`", param, ctx)
        return tuple(dict.fromkeys(map(int, words)))


@with_examples(
    "bench",
    "cnnspec bench digits",
    "cnnspec bench lenet5 --backends numpy,torch --batch 1,32 --threads 1",
    "cnnspec bench net.yaml --compile --no-memory --json",
)
@spec_argument
@click.option(
    "--backends",
    metavar="NAME,...",
    default="numpy,torch,loops",
    show_default=True,
    shell_complete=complete_backends,
    help="Who takes part, as in numpy,torch: backends, torch@compile, or your own "
    "(path/to/file.py:Network).",
)
@click.option(
    "--batch",
    "batches",
    type=Counts(),
    default="1,10,32,128,512",
    show_default=True,
    help="Images of a batch.",
)
@click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(1, MOST_THREADS),
    help="Threads of every backend.  [default: one for each processor]",
)
@click.option("--compile", "compiled", is_flag=True, help=f"Short for one more: {COMPILED}.")
@click.option(
    "--seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="How long to measure, for each batch size: training steps, and predictions.",
)
@click.option(
    "--memory/--no-memory",
    default=True,
    show_default=True,
    help="Measure peak memory, in a process for each backend and batch size.",
)
@set_option
@json_option
def command(
    spec: str,
    backends: str,
    batches: tuple[int, ...],
    threads: int | None,
    compiled: bool,
    seconds: float,
    memory: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Time training steps, predictions and layers of a spec, backend beside backend.

    The backends take turns in one process, on random images. The loops are timed on a slice of the
    work, which is scaled up.
    """
    interrupt.keeps(lambda: "nothing is kept")

    from cnnspec.backends import LOOPS
    from cnnspec.bench import bench
    from cnnspec.cli.activity import parts
    from cnnspec.cli.console import Output
    from cnnspec.cli.output import print_document, prints_on_stderr
    from cnnspec.cli.specs import read_spec
    from cnnspec.report.bench import bench_document, render_bench

    names = [name.strip() for name in backends.split(",")]
    if not all(names):
        raise click.UsageError(f"--backends wants names, as in numpy,torch; found `{backends}`")
    if compiled:
        names.append(COMPILED)
    model, _ = read_spec(spec, overrides, trains=True)
    if LOOPS in names:
        from cnnspec.cli import forecast

        forecast.of_bench(model)
    with (
        or_else("leave it out: --backends numpy,loops"),
        parts("measuring", by_itself=False) as progress,
        prints_on_stderr(),
    ):
        found = bench(
            model,
            tuple(dict.fromkeys(names)),
            batches=batches,
            threads=threads or processors(),
            seconds=seconds,
            memory=memory,
            on_progress=progress.show,
        )
    if as_json:
        print_document(bench_document(found))
    else:
        Output().print(*render_bench(found), sep="\n")
