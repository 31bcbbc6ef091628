"""Run folders: what a training leaves on disk.

runs/digits-1/
  spec.yaml             the spec, as it was written
  resolved.yaml         the same with overrides, defaults and inferred sizes written out
  run.json              backend, overrides and versions
  metrics.jsonl         one line an epoch
  weights.safetensors   after the last finished epoch
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnnspec.backends.network import Network
from cnnspec.documents import to_json
from cnnspec.environment import environment
from cnnspec.errors import RunError, SpecError
from cnnspec.plan import write_out
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.load import load_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.source import read_source
from cnnspec.trace import Array
from cnnspec.training.history import EpochMetrics, History
from cnnspec.training.weights import load_weights, save_weights


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
            RunError: the folder cannot be written, or the spec is too long to be read back.
        """
        written = text.encode() if isinstance(text, str) else text
        resolved = dump_spec(write_out(spec), defaults=True).encode()
        try:
            read_source(resolved, "resolved.yaml")
        except SpecError as error:
            raise RunError(
                f"the spec with all its defaults written out could not be read back: {error}"
            ) from None
        try:
            path = _new_folder(Path(root), spec.name)
            (path / "spec.yaml").write_bytes(written)
            (path / "resolved.yaml").write_bytes(resolved)
            about = {
                "backend": backend,
                "overrides": list(overrides),
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
            about = json.loads((folder / "run.json").read_text("utf-8"))
            problem = "" if _says_backend(about) else 'it has no `"backend": NAME`'
        except (OSError, ValueError) as error:
            problem = str(error)
        if problem:
            raise RunError(
                f"{folder} is not a run folder: cannot read its run.json ({problem}); "
                "`cnnspec train` makes one, such as runs/digits-1"
            )
        return cls(folder, about["backend"])

    def record(self, metrics: EpochMetrics, network: Network) -> None:
        """Keep the weights after an epoch, and add it to metrics.jsonl.

        Raises:
            RunError: the files cannot be written.
        """
        save_weights(self.path / "weights.safetensors", network.state())
        try:
            with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(to_json(dataclasses.asdict(metrics), indent=None) + "\n")
        except OSError as error:
            raise RunError(f"cannot write {self.path / 'metrics.jsonl'}: {error}") from None

    def spec(self, overrides: Sequence[str] = ()) -> ModelSpec:
        """Return the resolved spec.

        Raises:
            SpecError: it is missing or damaged.
        """
        return load_spec(self.path / "resolved.yaml", overrides=overrides)

    def weights(self) -> dict[str, Array]:
        """Return the weights after the last finished epoch.

        Raises:
            RunError: there are none.
        """
        return load_weights(self.path / "weights.safetensors")

    def history(self) -> History:
        """Return the finished epochs.

        Raises:
            RunError: metrics.jsonl is missing or damaged.
        """
        try:
            lines = (self.path / "metrics.jsonl").read_text("utf-8").splitlines()
            return tuple(map(_metrics, lines))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RunError(f"cannot read {self.path / 'metrics.jsonl'}: {error}") from None


def _says_backend(about: object) -> bool:
    return isinstance(about, dict) and isinstance(about.get("backend"), str)


def _metrics(line: str) -> EpochMetrics:
    """Read an epoch back; a null was a number that is not finite."""
    written: dict[str, Any] = {
        name: math.nan if value is None else value for name, value in json.loads(line).items()
    }
    return EpochMetrics(**written)


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
