"""The process in which somebody's code runs: `python -m cnnspec.compare.check.child FOLDER`.

The folder holds request.json and the arrays; each result is added to results.jsonl at once, so
that a crash loses nothing that was done before it.
"""

from __future__ import annotations

import importlib.util
import json
import linecache
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.backends.plain import (
    HintError,
    Hints,
    PlainClassError,
    PlainLayer,
    PlainLoss,
    UnsupportedSettingError,
    require_class,
)
from cnnspec.spec.layers import KINDS
from cnnspec.trace import Array


class Reporter:
    """Writes results as they come."""

    def __init__(self, folder: Path, file: str) -> None:
        self._folder, self._file = folder, file
        self._lines = (folder / "results.jsonl").open("a", encoding="utf-8")

    def say(self, **result: Any) -> None:
        """Add a line."""
        self._lines.write(json.dumps(result) + "\n")
        self._lines.flush()

    def arrays(self, key: str, arrays: dict[str, Any]) -> None:
        """Write arrays; what is none is left out."""
        kept = {
            name: array
            for name, array in arrays.items()
            if isinstance(array, np.ndarray) and array.dtype.kind in "fiub"
        }
        np.savez(self._folder / f"{key}.npz", **kept)  # type: ignore[arg-type]

    def attempt(self, key: str, stage: str, run: Callable[[], Any]) -> Any:
        """Run a stage; what it raises is said, with the lines of the user's own file."""
        try:
            return run()
        except UnsupportedSettingError as error:
            self.say(key=key, stage=stage, unsupported=str(error))
        except HintError as error:
            self.say(key=key, stage=stage, hint=str(error), error=str(error))
        except PlainClassError as error:
            self.say(key=key, stage=stage, error=str(error))
        except SystemExit:
            self.say(key=key, stage=stage, error="calls sys.exit")
        except BaseException as error:  # somebody's code raises whatever it likes
            self.say(key=key, stage=stage, error=self._in_words(error))
        return None

    def _in_words(self, error: BaseException) -> str:
        own = [
            f"line {frame.lineno}: {linecache.getline(frame.filename, frame.lineno or 0).strip()}"
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self._file
        ]
        where = f" ({' <- '.join(reversed(own[-3:]))})" if own else ""
        return f"{type(error).__name__}: {str(error)[:500]}{where}"


def main() -> None:
    """Load the user's file and try every setting that is asked for."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text("utf-8"))
    reporter = Reporter(folder, request["file"])
    reporter.say(key="load", stage="begin")
    found = reporter.attempt("load", "load", lambda: _load(request))
    if found is None:
        return
    reporter.say(key="load", stage="done")
    for setting in request["settings"]:
        reporter.say(key=setting["key"], stage="start")
        if request["kind"] == "cross_entropy":
            _try_loss(reporter, folder, found, setting, request)
        else:
            _try_layer(reporter, folder, found, setting, request)
        reporter.say(key=setting["key"], stage="done")


def _load(request: dict[str, Any]) -> Any:
    path, name = request["file"], request["name"]
    spec = importlib.util.spec_from_file_location("candidate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["candidate"] = module
    sys.path.insert(0, str(Path(path).parent))
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        there = [
            key
            for key, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", None) == "candidate"
        ]
        raise PlainClassError(f"there is no `{name}` in it; it has {', '.join(there) or 'nothing'}")
    found = getattr(module, name)
    if request["kind"] != "cross_entropy":
        require_class(found, name)
    return found


def _try_layer(
    reporter: Reporter,
    folder: Path,
    cls: type,
    setting: dict[str, Any],
    request: dict[str, Any],
) -> None:
    key = setting["key"]
    spec = KINDS[request["kind"]](**setting["options"])
    weights = _read(folder / f"{key}-weights.npz")

    def make() -> PlainLayer:
        made = PlainLayer(
            cls,
            spec,
            tuple(setting["input"]),
            tuple(setting["output"]),
            np.dtype("float64"),
            names=request["names"],
            layout=request["layout"],
            arguments=request["arguments"],
            built_in=request["built_in"],
        )
        _put(made, weights)
        return made

    layer = reporter.attempt(key, "construct", make)
    if layer is None:
        return
    for probe in setting["probes"]:
        given = _read(folder / f"{key}-{probe}-given.npz")
        _put(layer, weights)
        _pass(reporter, f"{key}-{probe}", layer, given)
    again = reporter.attempt(key, "construct", make)
    if again is not None:
        first = setting["probes"][0]
        for time in ("first", "second"):
            _put(again, weights)
            _pass(reporter, f"{key}-{time}", again, _read(folder / f"{key}-{first}-given.npz"))
    for note in layer.notes:
        reporter.say(key=key, stage="notes", note=note)


def _pass(reporter: Reporter, key: str, layer: PlainLayer, given: dict[str, Array]) -> None:
    """Run forward and backward, and write all that came of it and what became of the inputs."""
    x, grad = given["x"].astype(np.float64), given["grad_output"].astype(np.float64)
    found: dict[str, Any] = {}
    output = reporter.attempt(key, "forward", lambda: layer.forward(x))
    if output is not None:
        found["output"] = np.array(output)
        found |= {name: array.copy() for name, array in layer.buffers.items()}
        back = reporter.attempt(
            key, "backward", lambda: (layer.input_gradient(grad), layer.parameter_gradients(grad))
        )
        if back is not None:
            grad_input, gradients = back
            found["grad_input"] = np.array(grad_input)
            found |= {f"grad_{name}": np.array(array) for name, array in gradients.items()}
    found |= {f"after_{name}": array.copy() for name, array in layer.parameters.items()}
    reporter.arrays(key, found | {"after_x": x, "after_grad_output": grad})


def _try_loss(
    reporter: Reporter,
    folder: Path,
    candidate: Any,
    setting: dict[str, Any],
    request: dict[str, Any],
) -> None:
    key = setting["key"]
    hints = Hints(request["names"], request["arguments"])
    loss = reporter.attempt(key, "construct", lambda: PlainLoss(candidate, hints))
    if loss is None:
        return
    for probe in setting["probes"]:
        given = _read(folder / f"{key}-{probe}-given.npz")
        logits, labels = given["logits"], given["labels"]
        run = partial(loss, logits, labels)
        found = reporter.attempt(f"{key}-{probe}", "forward", run)
        if found is not None:
            arrays = dict(zip(("loss", "grad_logits"), map(np.asarray, found)))
            reporter.arrays(f"{key}-{probe}", arrays | {"after_x": logits})


def _put(layer: PlainLayer, weights: dict[str, Array]) -> None:
    for name, array in (layer.parameters | layer.buffers).items():
        array[...] = weights[name]


def _read(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


if __name__ == "__main__":
    main()
