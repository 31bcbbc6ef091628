"""The kinds of losses. There is one: a spec does not choose it."""

from __future__ import annotations

from cnnspec.spec.losses.cross_entropy import CrossEntropy as CrossEntropy
from cnnspec.spec.section import Kind

LOSSES: dict[str, type[Kind]] = {CrossEntropy.keyword: CrossEntropy}

DEFAULT_LOSS = CrossEntropy.model_construct()
