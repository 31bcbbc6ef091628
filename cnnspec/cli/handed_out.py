"""What `cnnspec init` writes for a class of students."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


def write_new(file: str, text: str, instead: str) -> None:
    """Write a file that is not there yet; `instead` is a command that names another one."""
    try:
        with Path(file).open("x", encoding="utf-8", newline="\n") as new:
            new.write(text)
    except FileExistsError:
        raise click.ClickException(
            f"{file} exists, and is left as it is; name another file, as in: {instead}"
        ) from None
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror or error}") from None


def write_assignment(file: str, kinds: str | None) -> None:
    """Write an assignment to start from."""
    from cnnspec.cli.output import print_line
    from cnnspec.compare.check.submissions.starter import starter_assignment
    from cnnspec.printable import printable

    if printable(file) != file:
        raise click.UsageError("a file's name has a character that cannot be printed")
    text = starter_assignment(_asked_for(kinds), file)
    write_new(file, text, "cnnspec init --assignment new.yaml")
    print_line(f"wrote {file}; next: cnnspec check submissions/ --assignment {file}")


def write_skeleton(file: str, kinds: str | None, asked: str | None) -> None:
    """Write the classes that students fill in."""
    from cnnspec.cli.output import print_line
    from cnnspec.compare.check.submissions.reading import load_assignment
    from cnnspec.compare.check.submissions.skeleton import asked_for, skeleton, usual
    from cnnspec.printable import printable

    if printable(file) != file or not file.endswith(".py"):
        raise click.UsageError(f"--skeleton wants a file of Python, as in layers.py; found {file}")
    if asked is not None and kinds is not None:
        raise click.UsageError("--kinds and --from say the same: keep one of them")
    classes = usual(_asked_for(kinds)) if asked is None else asked_for(load_assignment(asked))
    write_new(file, skeleton(classes, Path(file).name), "cnnspec init --skeleton new.py")
    name, kind = next(iter(classes.items()))
    print_line(f"wrote {file}; next: fill it in, then: cnnspec check {file}:{name} --as {kind}")


def _asked_for(kinds: str | None) -> list[str]:
    """Return the kinds that are named, or those of a first course."""
    from cnnspec.compare.check.submissions.assignment import CHECKED
    from cnnspec.spec.words import did_you_mean
    from cnnspec.starter import COURSE

    if kinds is None:
        return [*COURSE]
    named = [kind.strip() for kind in kinds.split(",")]
    for kind in named:
        if kind not in CHECKED:
            way_out = did_you_mean(kind, CHECKED, "layer")
            raise click.UsageError(f"--kinds: there is no kind `{kind}`; {way_out}")
    return named
