"""Figures that cannot be those of an idle machine are named, with the reason and what to do."""

from __future__ import annotations

import os
from typing import Any

import pytest
from rich.console import Console

from cnnspec import parse_spec
from cnnspec.bench import Bench, LayerRow, Row, bench, machine, worthless
from cnnspec.bench.machine import Machine
from cnnspec.bench.measure import Spread
from cnnspec.bench.worthless import Load, reasons
from cnnspec.plan import resolve
from cnnspec.report.bench import bench_document, render_bench

SPEC = parse_spec("input: [1, 2, 2]\nlayers: [flatten, linear: {out_features: 2}]\n")
STEADY = Spread(1.0, 0.9, 1.1, 0.8, 9.0)
IDLE = Load(2, before=0.3, during=2.1)


@pytest.mark.parametrize(
    ("of_roofline", "seconds", "load", "expected"),
    [
        (0.9, STEADY, IDLE, ()),
        (1.0, STEADY, IDLE, ()),
        (1.01, STEADY, IDLE, ("above_roof",)),
        (0.5, Spread(1.0, 0.1, 1.0, 0.1, 9.0), IDLE, ()),  # ten times, and no more
        (0.5, Spread(1.0, 0.1, 1.1, 0.1, 9.0), IDLE, ("scatter",)),
        (0.5, STEADY, Load(2, before=2.0, during=2.5), ()),
        (0.5, STEADY, Load(2, before=2.1, during=0.0), ("load",)),
        (0.5, STEADY, Load(2, before=0.0, during=2.6), ("load",)),
        (0.5, STEADY, Load(4, before=2.1, during=4.4), ()),
        (0.5, STEADY, Load(1, before=None, during=None), ()),  # Windows does not tell
        (
            *(2.0, Spread(1.0, 0.1, 2.0, 0.1, 9.0), Load(2, before=8.0, during=9.0)),
            ("above_roof", "load", "scatter"),
        ),
    ],
)
def test_reasons(
    of_roofline: float, seconds: Spread, load: Load, expected: tuple[str, ...]
) -> None:
    assert reasons(of_roofline, (seconds,), load) == expected


def test_a_layer_scatters_in_either_pass() -> None:
    wild = Spread(1.0, 0.1, 1.1, 0.1, 9.0)
    assert reasons(0.5, (STEADY, wild), IDLE) == ("scatter",)
    assert reasons(0.5, (wild, STEADY), IDLE) == ("scatter",)


def test_a_system_that_tells_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg")
    assert Load.at_start().now() == Load(os.cpu_count() or 1, None, None)


def test_the_highest_load_counts() -> None:
    loads = [Load(2, 0.1, 1.0), Load(2, 0.1, None), Load(2, 0.1, 3.0)]
    assert Load(2, 0.1).highest_of(loads) == Load(2, 0.1, 3.0)
    assert Load(2, None).highest_of(loads[1:2]) == Load(2, None, None)


def row(mode: Any, backend: str, batch: int, *worthless: Any) -> Row:
    return Row(mode, backend, batch, STEADY, 9, None, 1.0, 0.5, worthless=worthless)


def found(*rows: Row, layer: tuple[Any, ...] = ()) -> Bench:
    roofs = Machine(2, 50.0, ((2**20, 10.0),))
    layers = [
        LayerRow(at, "linear", "numpy", STEADY, STEADY, 1.0, 0.5, worthless=layer)
        for at in ("flatten1", "linear1")
    ]
    load = Load(2, before=0.52, during=4.26)
    return Bench(resolve(SPEC), SPEC.training, roofs, load, rows, 3, tuple(layers), ())


def printed(bench: Bench, width: int = 400) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(*render_bench(bench), sep="\n")
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_row_is_marked_and_the_reason_said_once() -> None:
    lines = printed(
        found(
            *(row("train", "numpy", 1, "above_roof"), row("train", "torch", 1)),
            *(row("train", "numpy", 32, "above_roof"), row("train", "torch", 32)),
            *(row("predict", "numpy", 1), row("predict", "torch", 1, "scatter")),
            layer=("scatter",),
        )
    )
    rows = [line for line in lines if line.split()[-2:-1] == ["%"] or line.endswith(" %")]
    assert [line.endswith("!") for line in rows] == [
        *(True, False, True, False, False, True),
        *(True, True),  # the layers
    ]
    assert [line for line in lines if line.startswith("!")] == [
        "! worthless: training steps of numpy at batch 1 and 32: more than 100 % of the roof. The "
        "machine was slower when its roof was measured than it was in these calls. Run the "
        "benchmark again while nothing else runs",
        "! worthless: predictions of torch at batch 1, flatten1 and linear1 of numpy (layers): the "
        "upper quartile is more than 10 times the lower one. Something else ran in some of these "
        "calls. Run the benchmark again while nothing else runs, or longer (--seconds)",
    ]


def test_where_all_rows_are_worthless_they_are_not_listed() -> None:
    lines = printed(found(row("train", "numpy", 1, "load"), layer=("load",)))
    (said,) = (line for line in lines if line.startswith("!"))
    assert said == (
        "! worthless: all rows: the load was 0.5 before and up to 4.3 during the benchmark, on 2 "
        "cores. Other programs took part of the time. Stop them, wait a minute, and run the "
        "benchmark again"
    )


def test_good_figures_get_no_mark() -> None:
    assert not [line for line in printed(found(row("train", "numpy", 1))) if "!" in line]


def test_the_document_lists_the_reasons_of_each_row() -> None:
    rows = [row("train", "numpy", 1, "load", "scatter"), row("train", "torch", 1)]
    rows += [row("predict", name, 1) for name in ("numpy", "torch")]
    document = bench_document(found(*rows, layer=("load",)))
    told = [of_row["worthless"] for of_row in document["rows"]]
    assert told == [["load", "scatter"], [], [], []]
    assert [of_row["worthless"] for of_row in document["layers"]["rows"]] == [["load"], ["load"]]
    assert document["load"] == {"cores": 2, "before": 0.52, "during": 4.26}


def test_a_benchmark_holds_its_own_rows_against_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = iter([1.0, *[9.0] * 99])  # others come once it has begun
    monkeypatch.setattr(worthless, "_load", lambda: next(loads))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    done = bench(SPEC, ("numpy", "loops"), batches=(2,), seconds=0.001, memory=False)
    assert done.load == Load(2, 1.0, 9.0)
    assert {row.backend for row in done.rows} == {"numpy", "loops"}
    assert all("load" in row.worthless for row in (*done.rows, *done.layers))


def test_a_benchmark_holds_its_own_rows_against_the_roof(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = 1e-6  # of a machine that was at work for everybody else when its roof was measured
    monkeypatch.setattr(machine, "_gemm_gflops", lambda *given: slow)
    monkeypatch.setattr(machine, "_stream_gbs", lambda *given: slow)
    done = bench(SPEC, ("numpy",), batches=(2,), seconds=0.001, memory=False)
    assert all("above_roof" in row.worthless for row in done.rows)
    by_layer = {row.layer: row.worthless for row in done.layers}
    assert "above_roof" in by_layer["linear1"]


@pytest.mark.slow
def test_a_loaded_machine_is_told_from_an_idle_one() -> None:
    import subprocess
    import sys
    import time

    spin = "import time; end = time.time() + 100\nwhile time.time() < end: pass"
    cores = os.cpu_count() or 1
    busy = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(4 * cores)]
    try:
        end = time.monotonic() + 90
        while os.getloadavg()[0] <= cores and time.monotonic() < end:
            time.sleep(1)
        done = bench(SPEC, ("numpy",), batches=(2,), seconds=0.01, memory=False)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert all("load" in row.worthless for row in done.rows)
