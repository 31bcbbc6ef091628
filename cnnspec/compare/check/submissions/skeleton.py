"""The file that students fill in: a class for each kind, with what it takes, gives and keeps."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from cnnspec.compare.check.submissions.assignment import CHECKED, Assignment
from cnnspec.spec.layers import Layer
from cnnspec.spec.optimizers import Optimizer
from cnnspec.spec.schema_words import option_docstrings
from cnnspec.spec.section import Kind
from cnnspec.spec.skeleton import Skeleton

WIDTH = 88

HEADER = '''\
"""Layers by hand: fill in what raises NotImplementedError.

{commands}
"""

import numpy as np
'''

PAIR = '''

def pair(size):
    """Return one whole number, or two, as (height, width)."""
    return (size, size) if isinstance(size, int) else tuple(size)
'''

OF_INPUT = {"in_channels": "Channels of x.", "in_features": "Features of x."}
OF_ANY_INPUT = "Channels, or features, of x."


def skeleton(classes: Mapping[str, str], file: str) -> str:
    """Return the text of a file with a class for each kind; `classes` names the kind of each."""
    commands = "\n".join(
        f"    cnnspec check {file}:{name} --as {kind}" for name, kind in classes.items()
    )
    parts = [HEADER.format(commands=commands)]
    if any(CHECKED[kind].skeleton.pairs for kind in classes.values()):
        parts.append(PAIR)
    parts += ["\n\n" + _class(name, CHECKED[kind]) for name, kind in classes.items()]
    return "".join(parts)


def usual(kinds: Sequence[str]) -> dict[str, str]:
    """Name a class for each kind."""
    return {CHECKED[kind].__name__: kind for kind in kinds}


def asked_for(assignment: Assignment) -> dict[str, str]:
    """Name the classes that an assignment asks for; of a pattern, as is usual."""
    return {
        next(filter(str.isidentifier, each.classes), CHECKED[each.kind].__name__): each.kind
        for each in assignment.exercises
    }


def _of_input(option: str) -> str:
    return OF_INPUT.get(option, OF_ANY_INPUT)


def _class(name: str, kind: type[Kind]) -> str:
    form = kind.skeleton
    said = form.formula or inspect.cleandoc(kind.__doc__ or "")
    paragraphs = [" ".join(part.split()) for part in said.split("\n\n")]
    lines = [f"class {name}:", *_docstring(paragraphs, 4)]
    if form.options:
        lines += ["", *_constructor(kind, form)]
    if issubclass(kind, Layer):
        methods = _passes(name, form)
    else:
        methods = _update(name) if issubclass(kind, Optimizer) else _loss(name, form)
    lines += ["", *methods]
    return "\n".join(lines) + "\n"


def _constructor(kind: type[Kind], form: Skeleton) -> Iterator[str]:
    said = {**option_docstrings(kind), **form.said}
    given = [_parameter(kind, option) for option in form.options]
    yield f"    def __init__(self, {', '.join(given)}):"
    about = [
        f"{option}: {_of_input(option) if _is_width(kind, option) else said[option]}"
        for option in form.options
    ]
    if form.pairs:
        pairs = ", ".join(form.pairs)
        about.append(f"One whole number, or (height, width): {pairs}.")
    what = "Keep the options, and make the arrays." if form.arrays else "Keep the options."
    yield from _docstring([what, "\n".join(about)], 8)
    for option in form.options:
        if option in form.arrays:
            continue
        value = option
        if option in form.instead:
            value = f"{form.instead[option]} if {option} is None else {option}"
        yield f"        self.{option} = {f'pair({value})' if option in form.pairs else value}"
    if any("rng." in made.start for made in form.arrays.values()):
        yield "        rng = np.random.default_rng(0)"
    for array, made in form.arrays.items():
        start = f"{made.start} if {array} else None" if array in form.options else made.start
        yield f"        self.{array} = {start}"


def _parameter(kind: type[Kind], option: str) -> str:
    field = kind.model_fields[option]
    if field.is_required() or _is_width(kind, option):
        return option
    return f"{option}={field.default!r}"


def _is_width(kind: type[Kind], option: str) -> bool:
    return issubclass(kind, Layer) and option == kind.input_width


def _passes(name: str, form: Skeleton) -> Iterator[str]:
    flag = ", training=True" if form.in_training else ""
    output = form.x if form.output == "as x" else form.output
    shapes = [f"x: {form.x}", f"returns: {output}"]
    yield f"    def forward(self, x{flag}):"
    more = [form.in_training + "."] if form.in_training else []
    kept = "Return the output; keep in self what the backward pass needs."
    yield from _docstring([kept, *more, _shapes(shapes)], 8)
    yield f'        raise NotImplementedError("the forward pass of {name} is not written yet")'
    yield ""
    yield "    def backward(self, grad_output):"
    parameters = [array for array in form.arrays if array not in form.running]
    gradients = [f"self.grad_{array}: {form.arrays[array].shape}" for array in parameters]
    what = "Return the gradient of the loss with respect to x."
    sums = (
        "Leave those of the parameters in self: sums over the images, as the loss has divided "
        "by their number already."
    )
    said = [what, *([sums] if parameters else [])]
    shapes = ["grad_output: as the output", "returns: as x", *gradients]
    yield from _docstring([*said, _shapes(shapes)], 8)
    yield f'        raise NotImplementedError("the backward pass of {name} is not written yet")'


def _loss(name: str, form: Skeleton) -> Iterator[str]:
    yield "    def forward(self, logits, labels):"
    shapes = [f"logits: {form.x}", f"returns: {form.output}"]
    kept = "Return the loss; keep in self what the backward pass needs."
    yield from _docstring([kept, _shapes(shapes)], 8)
    yield f'        raise NotImplementedError("the forward pass of {name} is not written yet")'
    yield ""
    yield "    def backward(self):"
    shapes = ["returns: as the logits"]
    what = "Return the gradient of the loss with respect to the logits."
    yield from _docstring([what, _shapes(shapes)], 8)
    yield f'        raise NotImplementedError("the backward pass of {name} is not written yet")'


def _update(name: str) -> Iterator[str]:
    yield "    def update(self, params, grads):"
    given = ["params: the weights, a dictionary of arrays by name", "grads: their gradients, alike"]
    yield from _docstring(["Change the weights in place by one step.", _shapes(given)], 8)
    yield f'        raise NotImplementedError("the update of {name} is not written yet")'


def _shapes(lines: Sequence[str]) -> str:
    return "\n".join(["Shapes:", *(f"    {line}" for line in lines)])


def _docstring(paragraphs: Sequence[str], indent: int) -> Iterator[str]:
    """Yield the lines of a docstring, wrapped; a line that is indented hangs."""
    space = " " * indent
    wrapped: list[str] = []
    for paragraph in paragraphs:
        wrapped.append("")
        for line in paragraph.splitlines():
            inner = len(line) - len(line.lstrip())
            wrapped += textwrap.wrap(
                line.strip(),
                WIDTH - indent - inner,
                initial_indent=" " * inner,
                subsequent_indent=" " * (inner + 4 * bool(inner)),
            )
    first, *others = wrapped[1:]
    if not others:
        yield f'{space}"""{first}"""'
        return
    yield f'{space}"""{first}'
    yield from (f"{space}{line}".rstrip() for line in others)
    yield f'{space}"""'
