"""Run folders: what a training leaves on disk.

runs/digits-1/
  spec.yaml             the spec, as it was written, below a line that says what it is
  resolved.yaml         the same with overrides, defaults and inferred sizes written out
  run.json              backend, overrides and versions
  metrics.jsonl         one line an epoch
  weights.safetensors   after the last finished epoch
"""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnspec.backends import backend_names
from cnnspec.backends.network import Network
from cnnspec.backends.user_file import is_user_file
from cnnspec.documents import from_json, to_json
from cnnspec.environment import environment
from cnnspec.errors import RunError
from cnnspec.files import read_regular
from cnnspec.plan import write_out
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.kept import with_note
from cnnspec.spec.load import load_resolved, most_bytes
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array
from cnnspec.training.history import EpochMetrics, History
from cnnspec.training.metrics import append_metrics, read_metrics
from cnnspec.training.weights import load_weights, save_weights

ABOUT = 1 << 20
"""Bytes of the longest run.json that is read."""

KEYS = {"backend": str, "overrides": list, "spec_sha256": str, "environment": dict}
"""What run.json says."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A folder that a training writes, and that `evaluate` reads."""

    path: Path
    backend: str

    @classmethod
    def create(
        cls,
        root: str | Path,
        spec: ModelSpec,
        text: str | bytes,
        *,
        backend: str,
        overrides: Sequence[str] = (),
    ) -> Run:
        """Open a new folder `<root>/<name>-<n>` and write all that is known before training.

        Raises:
            RunError: the folder cannot be written.
        """
        kept = with_note(text.encode() if isinstance(text, str) else text)
        resolved = dump_spec(write_out(spec), defaults=True).encode()
        try:
            path = _new_folder(Path(root), spec.name)
            (path / "spec.yaml").write_bytes(kept)
            (path / "resolved.yaml").write_bytes(resolved)
            about = {
                "backend": backend,
                "overrides": list(overrides),
                "spec_sha256": _sha256(kept),
                "environment": environment(),
            }
            (path / "run.json").write_text(to_json(about) + "\n", "utf-8")
        except OSError as error:
            raise RunError(f"cannot write a run folder in {root}: {error}") from None
        return cls(path, backend)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open the folder of a training.

        Raises:
            RunError: it is not a run folder.
        """
        folder = Path(path)
        try:
            about = _about(folder / "run.json")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"{folder} is not a run folder: cannot read its run.json ({reason}); "
                "`cnnspec train` makes one, such as runs/digits-1"
            ) from None
        return cls(folder, about["backend"])

    def installed_backend(self) -> str:
        """Return the backend that trained, for who names no other one.

        A run folder is data, which runs no code of its own choice: a file that its run.json
        names is not imported. A package is another matter: who installed it, chose it.

        Raises:
            RunError: it is a file of somebody's own, or is not installed.
        """
        if is_user_file(self.backend):
            raise RunError(
                f"{self.path} was trained by {self.backend}, a file of code. A run folder is "
                "data, and what it names is not run. If you trust that file, name it yourself, "
                f"with --backend (of compare: --backends): {shlex.quote(self.backend)}"
            )
        if self.backend not in backend_names():
            raise RunError(
                f"{self.path} was trained by the backend `{self.backend}`, which is not "
                "installed. Name another one with --backend (of compare: --backends); there are "
                f"{', '.join(backend_names())}"
            )
        return self.backend

    def record(self, metrics: EpochMetrics, network: Network) -> None:
        """Keep the weights after an epoch, and add it to metrics.jsonl.

        Raises:
            RunError: the files cannot be written.
        """
        save_weights(self.path / "weights.safetensors", network.state())
        append_metrics(self.path / "metrics.jsonl", metrics)

    def spec(self, overrides: Sequence[str] = ()) -> ModelSpec:
        """Return the resolved spec.

        Raises:
            SpecError: it is missing or damaged.
        """
        return load_resolved(self.path / "resolved.yaml", overrides=overrides)

    def changed_copy(self) -> str:
        """Say that spec.yaml was changed, which has no effect; nothing where it was not.

        What is no regular file any more, or is of before cnnspec kept its hash, is passed over.
        """
        try:
            kept = read_regular(self.path / "spec.yaml", most=most_bytes())
            known = _about(self.path / "run.json").get("spec_sha256")
        except (OSError, ValueError):
            return ""
        if known is None or _sha256(kept) == known:
            return ""
        return (
            f"{self.path / 'spec.yaml'} was changed after the training, which has no effect: the "
            "run goes by resolved.yaml; `cnnspec train` trains what was changed"
        )

    def weights(self, wanted: Mapping[str, Shape] | None = None) -> dict[str, Array]:
        """Return the weights after the last finished epoch, as they are on disk.

        With `wanted`, the shapes of a network, others are refused before they are read.

        Raises:
            RunError: there are none, or they are damaged.
            StateError: they are of another network than is wanted.
        """
        return load_weights(self.path / "weights.safetensors", wanted)

    def history(self) -> History:
        """Return the finished epochs.

        Raises:
            RunError: metrics.jsonl is missing or damaged.
        """
        return read_metrics(self.path / "metrics.jsonl")


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _about(path: Path) -> dict[str, Any]:
    """Read run.json.

    Raises:
        OSError: it cannot be opened, or is no regular file of a bounded size.
        ValueError: it says something else than `Run.create` writes.
    """
    about = from_json(read_regular(path, most=ABOUT))
    if not isinstance(about, dict) or not isinstance(about.get("backend"), str):
        raise ValueError('it has no `"backend": NAME`')
    for key, kind in KEYS.items():
        if key in about and not isinstance(about[key], kind):
            raise ValueError(f"its `{key}` is no {'text' if kind is str else kind.__name__}")
    if unknown := [key for key in about if key not in KEYS]:
        raise ValueError(f"it has `{unknown[0][:60]}`, which is nothing of a run")
    return about


def _new_folder(root: Path, name: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = root / f"{name}-{number}"
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1
