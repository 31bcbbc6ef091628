"""What a word on the command line names: a spec, by its file or its name, or a run folder.

What lies at that path is taken first. Else the word is the name of a spec that comes with
cnnspec, as in `cnnspec train digits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from cnnspec.shipped import shipped_specs

STDIN = "-"
SUFFIXES = (".yaml", ".yml")
"""What the files of specs end in."""
FEW = 5
"""Names that a message lists."""


class Spec(click.ParamType[str]):
    """A spec: a file, `-` for stdin, or a name. Folders are for those who take several files."""

    name = "spec"

    def __init__(self, *, folders: bool = False, names: bool = True) -> None:
        self.folders, self.names = folders, names

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the path, or `-`."""
        if value == STDIN:
            return value
        if Path(value).is_dir():
            if not self.folders:
                self.fail(_no_spec(value, ctx), param, ctx)
            return value
        if Path(value).exists():
            owner = Path(value).parent
            if is_run(owner) and not value.endswith(SUFFIXES):
                self.fail(
                    f"{value} is a part of a run folder. {_run_instead(owner, ctx)}", param, ctx
                )
            return value
        file = shipped_specs().get(value)
        if file is None:
            return value  # whoever reads it says so
        if not self.names:
            self.fail(
                f"`{value}` comes with cnnspec, and stays as it is; for one of your own, copy "
                f"it: cp {file} {value}.yaml",
                param,
                ctx,
            )
        for suffix in SUFFIXES:
            if Path(value + suffix).exists():
                from cnnspec.cli.output import say

                say(
                    f"cnnspec: `{value}` is the spec that comes with cnnspec; for the file here, "
                    f"write {value}{suffix}"
                )
        return str(file)


class RunFolder(click.ParamType[str]):
    """A folder that `cnnspec train` made."""

    name = "run"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its path."""
        path = Path(value)
        if path.is_dir() and not is_run(path):
            if runs := _runs_in(path):
                self.fail(f"{value} is no run folder, but holds some: {runs}", param, ctx)
        elif path.exists() and not path.is_dir():
            if is_run(path.parent):
                why = f"a part of a run folder; name the folder: {path.parent}"
            elif value.endswith(SUFFIXES):
                why = f"a file, and a run folder is wanted, which `cnnspec train {value}` makes"
            else:
                why = "a file, and a run folder is wanted, such as `cnnspec train` makes"
            self.fail(f"{value} is {why}", param, ctx)
        elif not path.exists():
            if is_run(Path("runs") / path):
                self.fail(f"there is no folder {value}; there is runs/{value}", param, ctx)
            if value in shipped_specs():
                self.fail(
                    f"`{value}` is a spec that comes with cnnspec, and a run folder is wanted, "
                    f"which `cnnspec train {value}` makes",
                    param,
                    ctx,
                )
        return value


def is_run(path: str | Path) -> bool:
    """Tell whether a path is a run folder."""
    return (Path(path) / "run.json").is_file()


def short_name(path: str) -> str:
    """Return the name of a spec that comes with cnnspec, for any other its path."""
    return next((name for name, file in shipped_specs().items() if str(file) == path), path)


def way_out(missing: str) -> str:
    """Say what may have been meant by the name of a spec that there is not."""
    known = shipped_specs()
    path = Path(missing)
    if path.name != missing or path.suffix in SUFFIXES:
        if path.stem in known:
            return f"`{path.stem}` alone names the spec that comes with cnnspec"
        return ""
    for suffix in SUFFIXES:
        if Path(missing + suffix).exists():
            return f"there is a file {missing}{suffix}"
    near = _near(missing, list(known))
    meant = f"did you mean `{near}`? " if near else ""
    return f"{meant}These specs come with cnnspec: {', '.join(known)}"


def compared(words: Sequence[str]) -> str | None:
    """Return the spec that is compared on two backends; None where two run folders are compared.

    Raises:
        click.UsageError: it is neither, with the command that takes such.
    """
    runs = [word for word in words if is_run(word)]
    if len(words) == len(runs) == 2:
        return None
    if len(words) == 1 and not runs:
        return Spec().convert(words[0], None, click.get_current_context())
    found = ", ".join(f"{word} ({_kind_of(word)})" for word in words)
    specs = [_resolved(word) for word in words]
    instead = ""
    if len(words) == 1:
        instead = (
            f". For its spec on two backends: cnnspec compare {specs[0]}; to test its weights: "
            f"cnnspec evaluate {words[0]}"
        )
    elif len(words) == 2 and all(_kind_of(word) in SOME_SPEC for word in words):
        instead = f". For what changed from spec to spec: cnnspec diff {' '.join(specs)}"
    raise click.UsageError(
        f"wanted one spec, or two run folders as `cnnspec train` makes them; found {found}{instead}"
    )


A_RUN, A_FILE, A_NAME = "a run folder", "a file", "a spec that comes with cnnspec"
SOME_SPEC = {A_RUN, A_FILE, A_NAME}


def _kind_of(word: str) -> str:
    if is_run(word):
        return A_RUN
    if Path(word).is_dir():
        return "a folder without a run.json"
    if word == STDIN or Path(word).exists():
        return A_FILE
    return A_NAME if word in shipped_specs() else "which does not exist"


def _resolved(word: str) -> str:
    return str(Path(word) / "resolved.yaml") if is_run(word) else word


def _no_spec(path: str, context: click.Context | None) -> str:
    """Say of a folder that it is no spec, and which one may be meant."""
    if is_run(path):
        return f"{path} is a run folder, and a spec is wanted. {_run_instead(Path(path), context)}"
    specs = sorted(str(file) for suffix in SUFFIXES for file in Path(path).glob(f"*{suffix}"))
    if path in shipped_specs():
        specs.append(str(shipped_specs()[path]))
    if runs := _runs_in(Path(path)):
        return f"{path} is a folder of run folders ({runs}), and a spec is wanted"
    if specs:
        return f"{path} is a folder, and a spec is wanted, such as {_few(specs)}"
    return f"{path} is a folder, and a spec is wanted"


def _run_instead(run: Path, context: click.Context | None) -> str:
    command = context.info_name if context is not None else "train"
    spec = run / "resolved.yaml"
    if command == "diff":  # takes two
        take = f"name {spec}; to compare two run folders: cnnspec compare RUN RUN"
    else:
        take = f"cnnspec {command} {spec}"
    return f"To test its weights: cnnspec evaluate {run}; to take its spec: {take}"


def _runs_in(path: Path) -> str:
    return _few(sorted(str(below.parent) for below in path.glob("*/run.json")))


def _few(names: Sequence[str]) -> str:
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def _near(word: str, known: Sequence[str]) -> str | None:
    """Return the one known name that a word begins, or that it is a slip of."""
    from difflib import get_close_matches

    begun = [name for name in known if name.startswith(word.lower())]
    if len(begun) == 1:
        return begun[0]
    near = get_close_matches(word.lower()[:100], known, n=1, cutoff=0.75)
    return near[0] if near else None
