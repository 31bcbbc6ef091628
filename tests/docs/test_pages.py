"""What the pages show is what happens: every block of README.md, CONTRIBUTING.md and docs/ is run.

The blocks of a page are run in its order, in a folder that has `examples/` and `specs/`:

- `console`: each command (`$ ...`) is run, and prints what stands below it (`...`: any text);
- `python`: run in one namespace a page; with `>>>`, what it prints stands below it;
- `yaml`: a spec or a part of one, or an assignment, and valid; `json`: can be read;
- a first line such as `# net.yaml` makes the block that file, for the blocks behind it, and
  `# net.py (continued)` adds the block to it;
- `py`: a signature, which test_reference.py holds against the code.

What is not run is listed here, with the reason. `make golden` writes transcripts anew.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnspec.cli.group import COMMANDS
from cnnspec.compare.check.submissions.reading import parse_assignment
from cnnspec.spec import inspect_spec
from tests.docs import python_names
from tests.docs.pages import PAGES, ROOT, Block, anchors, blocks, links, name, tokens
from tests.docs.terminal import Typed, answer, matches, typed

WRITTEN = {
    "docs/reference/commands.md": "test_reference.py writes it from the commands",
    "docs/reference/causes.md": "test_causes.py writes it from the rooms of the referee",
    "docs/reference/kinds.md": "test_kinds.py writes it from the rooms of the spec",
    "docs/reference/diagnostics.md": "tests/spec/test_corpus.py writes it from what is said",
}
"""Pages that are made as a whole by tests that hold them."""

INSTALLS = "it installs from a package index"
DRAWN = "it is a drawing"

NOT_RUN: dict[str, str] = {
    "pip install '.[torch]'": INSTALLS,
    "pip install 'path/to/clone[torch]'    # with torch": INSTALLS,
    "make demo    # trains one spec on NumPy and on torch, and compares the two: about 20 "
    "seconds": INSTALLS,
    "make test        # all tests but the long ones": "these are the tests",
    "make test ARGS='-k batch_norm'": "these are the tests",
    "YAML --load_spec--> ModelSpec --resolve--> Plan --build--> Network --trace--> Trace": DRAWN,
    '[project.entry-points."cnnspec.backends"]': "it is of a package that is not there",
    "# mistakes.yaml": "it shows what is said about mistakes",
}
"""Blocks, by their first line, and why they are not run."""

SLOW = {"cnnspec compare digits"}
"""Commands of transcripts that take long: `make test-slow` runs them."""

ROUNDED = ("cnnspec train", "cnnspec compare")
"""Commands whose numbers, and times, are others on another machine: BLAS adds up otherwise."""

NEEDS_TORCH = {"docs/howto/install.md", "docs/tutorial/one-spec-two-backends.md"}

TRAINS = {"docs/tutorial/one-spec-two-backends.md", "docs/howto/choose-the-sides.md"}
"""Pages that take seconds each."""

SHOWN = [page for page in PAGES if name(page) not in WRITTEN]
BLOCKS = [block for page in SHOWN for block in blocks(page)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a page a folder as a reader has it."""
    for part in ("examples", "specs"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


class Reader:
    """Somebody who types what a page shows, from its top to its end."""

    def __init__(self, folder: Path, *, slow: bool, golden: bool) -> None:
        self.folder, self.slow, self.golden = folder, slow, golden
        self.names: dict[str, Any] = {"__name__": "__page__"}

    def read(self, page: Path) -> None:
        """Run the blocks of a page; with `golden`, write what they print into it."""
        text = page.read_text()
        for block in blocks(page):
            text = text.replace(block.text, self.run(block))
        if text != page.read_text():
            page.write_text(text)

    def run(self, block: Block) -> str:
        """Run a block, and return it as it should be."""
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if block.continued else "w") as file:
                file.write(block.text)
        if block.first_line in NOT_RUN:
            return block.text
        assert hasattr(self, f"run_{block.language}"), f"{block.where}: not run, nor in NOT_RUN"
        wanted: str = getattr(self, f"run_{block.language}")(block)
        assert self.golden or wanted == block.text, f"{block.where}: wanted\n\n{wanted}"
        return wanted

    def run_console(self, block: Block) -> str:
        lines = block.text.splitlines()
        for one in reversed([*self.answered(block)]):
            lines[one.start : one.end] = one.shown.splitlines()
        return "\n".join(lines) + "\n"

    def answered(self, block: Block) -> Iterator[Typed]:
        """Run the commands of a transcript; of those that print something else, yield that."""
        for one in typed(block.text):
            if one.command not in SLOW or self.slow:
                found = answer(one.command, self.folder)
                if not matches(one.shown, found, rounded=one.command.startswith(ROUNDED)):
                    yield one._replace(shown=found)

    def run_python(self, block: Block) -> str:
        if block.file:
            compile(block.text, block.where, "exec")
            return block.text
        with contextlib.chdir(self.folder):
            if ">>> " in block.text:
                _run_session(block, self.names)
            else:
                exec(compile(block.text, block.where, "exec"), self.names)
        return block.text

    def run_yaml(self, block: Block) -> str:
        if block.file == "assignment.yaml":
            parse_assignment(block.text, file=block.where)
            return block.text
        found = inspect_spec(whole_spec(block.text), file=block.where)
        assert found.spec is not None, found.diagnostics
        return block.text

    def run_py(self, block: Block) -> str:
        assert block.page == python_names.PAGE, block.where
        return block.text

    def run_json(self, block: Block) -> str:
        json.loads(block.text)
        return block.text


def _run_session(block: Block, names: dict[str, Any]) -> None:
    session = doctest.DocTestParser().get_doctest(block.text, names, block.where, None, 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(session, out=said.append, clear_globs=False)
    names.update(session.globs)
    assert not said, "".join(said)


def whole_spec(text: str) -> str:
    """Make a part of a spec a whole one: layers that are listed, or sections alone."""
    if text.lstrip().startswith("- "):
        text = "layers:\n" + re.sub("^", "  ", text, flags=re.MULTILINE)
    if not re.search("^input:", text, flags=re.MULTILINE):
        text = f"input: [1, 28, 28]\n{text}"
    if not re.search("^layers:", text, flags=re.MULTILINE):
        text += "layers:\n  - flatten\n  - linear: {out_features: 10}\n"
    return text


def by_page(pages: list[Path]) -> list[Any]:
    """Name the pages; some run on torch, and some for long."""
    marks: dict[Path, list[Any]] = {page: [] for page in pages}
    for page in pages:
        marks[page] += [pytest.mark.torch] if name(page) in NEEDS_TORCH else []
        marks[page] += [pytest.mark.slow] if name(page) in TRAINS else []
    return [pytest.param(page, id=name(page), marks=marks[page]) for page in pages]


@pytest.mark.parametrize("page", by_page(SHOWN))
def test_what_a_page_shows_is_what_happens(
    page: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    Reader(folder, slow=False, golden=request.config.getoption("--golden")).read(page)


def has_slow(page: Path) -> bool:
    """Tell whether a page has a command that takes long."""
    return any(
        command in SLOW
        for block in blocks(page)
        if block.language == "console"
        for command, *_ in typed(block.text)
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", by_page([page for page in SHOWN if has_slow(page)]))
def test_what_takes_long_is_what_happens_too(
    page: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    Reader(folder, slow=True, golden=request.config.getoption("--golden")).read(page)


# The lists are no longer than they need be.


@pytest.mark.parametrize("first_line", NOT_RUN)
def test_what_is_not_run_is_there(first_line: str) -> None:
    assert first_line in {block.first_line for block in BLOCKS}


@pytest.mark.parametrize("command", sorted(SLOW))
def test_what_is_slow_is_there(command: str) -> None:
    found = [block for block in BLOCKS if block.language == "console"]
    assert command in {one.command for block in found for one in typed(block.text)}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_have_fences_and_a_language(page: Path) -> None:
    """An indented block would be no block to the tests above."""
    assert not [token.map for token in tokens(page) if token.type == "code_block"]
    assert not [block.where for block in blocks(page) if not block.language]


# What the pages name is there.


def targets() -> Iterator[Any]:
    for page in PAGES:
        for target in sorted(set(links(page))):
            if not re.match("https?://", target):
                yield pytest.param(page, target, id=f"{name(page)}-{target}")


@pytest.mark.parametrize(("page", "target"), [*targets()])
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    file, _, anchor = target.partition("#")
    path = (page.parent / file).resolve() if file else page
    assert path.exists()
    assert ROOT in path.parents
    assert not anchor or anchor in anchors(path)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_that_is_named_is_there(page: Path) -> None:
    folders = "specs|examples|cnnspec|docs|tests|benchmarks|fuzz"
    for path in re.findall(rf"`((?:{folders})/[\w./-]+\.\w+)`", page.read_text()):
        assert (ROOT / path).exists(), path


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_readme_shows_the_layer_as_it_is() -> None:
    """Its comments are left out: they say what is wrong."""
    file = (ROOT / "examples" / "notebook_layers.py").read_text()
    (shown,) = (block.text for block in BLOCKS if block.first_line == "def backward(self, grad):")
    assert textwrap.indent(shown, "    ") in re.sub("  # .*", "", file)


def test_readme_names_every_command() -> None:
    named = set(re.findall(r"`cnnspec (\w+)", (ROOT / "README.md").read_text()))
    assert named == set(COMMANDS)


def test_the_site_has_every_page() -> None:
    """A page is in the navigation where a point of a list in index.md begins with its link."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text()
    linked = {docs / target for target in re.findall(r"^- \[[^]]+\]\((\S+)\)", index, re.MULTILINE)}
    assert {page for page in PAGES if docs in page.parents} - linked == {docs / "index.md"}
