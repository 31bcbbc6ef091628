"""What to do about a value in the place of a list of layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnspec.spec.diagnostics import Path, brief
from cnnspec.spec.model import kinds_at
from cnnspec.spec.words import meant


def instead_of_layers(path: Path, found: Any) -> str:
    """Say how a layer, or several, would stand in the list that is wanted at a path."""
    kinds = kinds_at((*path, 0))
    if isinstance(found, str):
        listed = _listed(found, None, kinds) or "a list of layers, as in `[relu]`"
        return f"{_rule(path)}write {listed}"
    if not isinstance(found, Mapping):
        return ""
    if len(found) == 1:
        ((word, options),) = found.items()
        if listed := _listed(str(word), options, kinds):
            return f"{_rule(path)}write {listed}"
        if isinstance(options, list):
            return f"{_rule(path)}write it without `{brief(str(word))}:`"
    return "write a list: each layer behind a dash of its own, as in `- flatten`"


def _rule(path: Path) -> str:
    """Say that what stands in a list of lists is a list, too."""
    return f"a {str(path[-2]).removesuffix('s')} is a list: " if isinstance(path[-1], int) else ""


def _listed(word: str, options: Any, kinds: Mapping[str, Any]) -> str:
    """Write a list of one layer; nothing where the word is not known."""
    kind = (meant(word, kinds, "layer") or "").partition(":")[0]
    if kind not in kinds:
        return ""
    required = any(field.is_required() for field in kinds[kind].model_fields.values())
    return f"`[{kind}: {{...}}]`" if options or required else f"`[{kind}]`"
