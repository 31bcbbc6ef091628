"""docs/reference/causes.md: each code that the referee gives as a cause, with what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.compare.kinds import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.compare.verdict import Cause
from tests.docs.elsewhere import joined
from tests.docs.known_causes import ANY, NETWORK, known_causes
from tests.docs.pages import ROOT, anchor

PAGE = ROOT / "docs" / "reference" / "causes.md"

HEAD = """\
# Causes

A cause says what code does that gives just the numbers that were found. `cnnspec check` and
`cnnspec compare` print it behind `why:`, and what to do behind `help:`. In their documents
(`--json`) a cause has a `code`, a name that keeps its meaning.
[How the verdict is reached](../explanation/verdict.md) says when a cause is named.

<!-- Written by `make golden`. Do not edit. -->

Each code stands here once, with a sentence as it is printed. Many codes have several sentences:
numbers, directions and names in them are those that were found. Where two faults are made at
once, the sentence of the second one follows.
"""

SEVERAL_LAYERS, SEVERAL_PARTS = "several kinds of layers", "several parts"
ANY_OPTIMIZER = "any optimizer"

INTROS: Mapping[str, str] = {
    ANY: "They are looked for in every layer. Some need windows, a parameter, or two passes.",
    SEVERAL_LAYERS: "What they have in common, such as a bias or windows, brings their faults.",
    ANY_OPTIMIZER: "They are faults of the step and of the weight decay.",
    SEVERAL_PARTS: "The code is one, and what it says hangs on the part.",
    NETWORK: "A training step, or a prediction, is held against what the parts give.",
}

GROUPS = (
    *(ANY, SEVERAL_LAYERS, *LAYERS),
    *LOSSES,
    *(ANY_OPTIMIZER, *OPTIMIZERS),
    *(SEVERAL_PARTS, NETWORK),
)


def page() -> str:
    """Write the page."""
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    for code, said in known_causes().items():
        groups[group_of(said)].append(code)
    parts = [HEAD.rstrip(), _contents(groups)]
    for group, codes in groups.items():
        parts += [f"## {title(group)}", *_group(group, codes)]
    return "\n\n".join(parts) + "\n"


def group_of(said: Mapping[str, Cause]) -> str:
    """Return where a code stands, by what may have its fault."""
    if ANY in said:
        return ANY
    if len(said) == 1:
        return next(iter(said))
    if said.keys() <= LAYERS.keys():
        return SEVERAL_LAYERS
    return ANY_OPTIMIZER if said.keys() <= OPTIMIZERS.keys() else SEVERAL_PARTS


def title(group: str) -> str:
    """Return a heading that is no code, though a kind be called as one."""
    return f"Faults of {group}"


def _contents(groups: Mapping[str, list[str]]) -> str:
    return "\n".join(f"- [{group}](#{anchor(title(group))})" for group in groups)


def _group(group: str, codes: list[str]) -> Iterator[str]:
    if group in INTROS:
        yield INTROS[group]
    for code in codes:
        yield f"### {code}"
        yield from _told(known_causes()[code])
    others = [
        f"[{code}](#{code})"
        for code, said in known_causes().items()
        if group in said and code not in codes
    ]
    if others:
        yield f"{'Also' if codes else 'These'}: {', '.join(others)}."


def _told(said: Mapping[str, Cause]) -> Iterator[str]:
    """Tell what is said of each part, and what to do; what goes for all of them, once."""
    owners_of: dict[Cause, list[str]] = {}
    for owner, cause in said.items():
        owners_of.setdefault(cause, []).append(owner)
    alike = len({cause.help for cause in owners_of}) == 1
    for number, (cause, owners) in enumerate(owners_of.items(), 1):
        if len(owners_of) > 1 or group_of(said) == SEVERAL_LAYERS:
            yield f"Of {joined([_owner(each) for each in owners])}:"
        yield f"> {cause.sentence}"
        if cause.help and (not alike or number == len(owners_of)):
            yield f"What to do: {cause.help}."


def _owner(name: str) -> str:
    return name if name in (ANY, NETWORK) else f"`{name}`"
