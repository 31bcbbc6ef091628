"""Provenance: all that a verdict depends on, so that it can be given again."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from cnnspec.data import Dataset
from cnnspec.environment import environment
from cnnspec.plan import write_out
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.model import ModelSpec


def provenance(spec: ModelSpec, data: Dataset | None) -> dict[str, Any]:
    """Return the hashes of the spec and of the data, the seed, versions, BLAS and threads."""
    written = dump_spec(write_out(spec), defaults=True)
    return {
        "spec_sha256": hashlib.sha256(written.encode()).hexdigest(),
        "data_sha256": _data_hash(data) if data else None,
        "seed": spec.training.seed,
        "environment": environment(),
    }


def _data_hash(data: Dataset) -> str:
    """Hash images and labels as the networks get them: dtype, shape and bytes."""
    digest = hashlib.sha256()
    for split in (data.train, data.test):
        for array in (split.images, split.labels):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)  # without a copy
    return digest.hexdigest()
