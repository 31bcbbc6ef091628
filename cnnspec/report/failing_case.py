"""A failure as a short program that shows it: what one puts into a bug report."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import fill

import numpy as np

from cnnspec.backends.user_file import is_user_file, whole_path
from cnnspec.compare.explaining.failing_case import LayerCase
from cnnspec.compare.explaining.shrink import Failure, Shrunk
from cnnspec.compare.sides.choice import BOTH
from cnnspec.report.address import words
from cnnspec.report.quantities import budget_words, label
from cnnspec.spec.dump import dump_spec
from cnnspec.trace import Array

MANY = 2_000
"""Numbers that a program may hold; of more, it draws the failure anew."""

HEAD = '''\
"""{title}

Written by `cnnspec compare --shrink`. Exits with 1 as long as the two differ.
"""

import sys

{imports}

SPEC = """
{spec}"""
{here}BACKENDS = {backends}

'''

LAYER = """\
spec = parse_spec(SPEC)
plan = resolve(spec)
state = {{{state}}}
inputs = [{inputs}]
grad_output = np.array({grad_output})
{noise}
found = []
for backend in BACKENDS:
    network = parse_backend(backend).build(plan, spec.training, "float64")
    trace = network.replay(
        {layer!r}, [x.copy() for x in inputs], grad_output.copy(), state=state{given}
    )
    found.append({take})
    print(f"{{backend}}: {what}", found[-1], "", sep="\\n")

apart = np.max(np.abs(found[0] - found[1])) if found[0].shape == found[1].shape else np.inf
print(f"{{apart:.3g}} apart, where rounding explains {explained}{wrong}")
sys.exit(not apart <= {budget!r})
"""

WHOLE = """\
verdict = compare_backends(parse_spec(SPEC), BACKENDS)
first = verdict.first_divergence
print(verdict.verdict)
if first:
    print(f"{words(first.address)}, {first.quantity}: {first.worst.difference:.3g} apart")
    print(f"rounding explains {first.worst.budget:.1g}; wrong: {first.wrong_side}")
    print(first.cause.sentence if first.cause else "cause unknown")
for line in {f"{words(item.address)}: {item.why}" for item in verdict.coverage.not_compared}:
    print("not compared:", line)
sys.exit(verdict.verdict != "same")
"""


def failing_program(
    shrunk: Shrunk, backends: tuple[str, str], case: LayerCase | None, folder: Path | None = None
) -> str:
    """Write a failure as a program; `backends` as the user wrote them.

    A user's own files are named from `folder`, where the program will be, so that they can be
    handed on together; None: by their whole paths.
    """
    if case is not None and _numbers(case) <= MANY:
        imports = (
            "import numpy as np\n\nfrom cnnspec import parse_spec, resolve\n"
            "from cnnspec.compare import parse_backend"
        )
        return _head(shrunk, backends, imports, folder) + _layer(case, shrunk.failure.wrong_side)
    imports = (
        "from cnnspec import compare_backends, parse_spec\nfrom cnnspec.report.address import words"
    )
    return _head(shrunk, backends, imports, folder) + WHOLE


def size_line(shrunk: Shrunk) -> str:
    """Say what a failure came down to: `3 layers over 1 x 2 x 3, in 41 comparisons`."""
    layers = len(shrunk.spec.layers)
    images = " x ".join(map(str, shrunk.spec.input))
    return (
        f"{layers} layer{'s' * (layers > 1)} over images of {images}, in {shrunk.runs} comparisons"
    )


def _head(shrunk: Shrunk, backends: tuple[str, str], imports: str, folder: Path | None) -> str:
    failure = shrunk.failure
    quantity = f", {label(failure.quantity)}" if failure.quantity else ""
    findings = shrunk.verdict.findings
    where = words(findings[0].address) if findings else _part(failure)
    cause = findings[0].cause if findings else None
    why = f"\n\n{fill(cause.sentence[0].upper() + cause.sentence[1:], 99)}." if cause else ""
    named = ", ".join(_named(backend, folder) for backend in backends)
    here = "HERE" in named
    return HEAD.format(
        title=f"{where}{quantity}{_wrong(failure.wrong_side, ': ')}.{why}",
        imports=("from pathlib import Path\n\n" if here else "") + imports,
        spec=dump_spec(shrunk.spec),
        backends=f"({named})",
        here="HERE = Path(__file__).resolve().parent\n" if here else "",
    )


def _part(failure: Failure) -> str:
    return failure.part if isinstance(failure.part, str) else words(failure.part)


def _named(backend: str, folder: Path | None) -> str:
    """Return the expression of a backend's name."""
    if not is_user_file(backend):
        return repr(backend)
    path, _, name = whole_path(backend).rpartition(":")
    if folder is None:
        return repr(f"{path}:{name}")
    return f'f"{{HERE}}/{Path(os.path.relpath(path, folder.resolve())).as_posix()}:{name}"'


def _wrong(side: str | None, before: str) -> str:
    if side is None:
        return ""
    return f"{before}both are wrong" if side == BOTH else f"{before}{side} is wrong"


def _layer(case: LayerCase, wrong_side: str | None) -> str:
    kind, _, name = case.quantity.partition("_")
    state = "".join(
        f"\n    {name!r}: np.array({_written(array)})," for name, array in case.state.items()
    )
    if case.quantity in ("output", "grad_input"):
        take = f"trace.{case.quantity}"
    elif case.quantity.startswith("grad_input["):
        take = f"trace.{case.quantity.replace('grad_input', 'grad_inputs')}"
    elif kind == "grad":
        take = f"trace.grad_parameters[{name!r}]"
    else:
        take = f"trace.buffers[{case.quantity!r}]"
    return LAYER.format(
        state=f"{state}\n" if state else "",
        inputs=", ".join(f"np.array({_written(x)})" for x in case.inputs),
        grad_output=_written(case.grad_output),
        noise="" if case.noise is None else f"noise = np.array({case.noise.tolist()})\n",
        given="" if case.noise is None else ", noise=noise",
        layer=case.layer,
        take=take,
        what=label(case.quantity),
        budget=case.budget,
        explained=budget_words(case.budget),
        wrong=_wrong(wrong_side, "; "),
    )


def _written(array: Array) -> str:
    return repr(np.asarray(array, np.float64).tolist())


def _numbers(case: LayerCase) -> int:
    masks = [] if case.noise is None else [case.noise]
    return sum(x.size for x in (*case.inputs, case.grad_output, *masks, *case.state.values()))
