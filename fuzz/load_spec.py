"""Fuzz the reading of specs, guided by coverage.

    python fuzz/load_spec.py -runs=100000 -max_len=4096 -timeout=1 -rss_limit_mb=2048 CORPUS

CORPUS is a folder that is filled: with the specs of specs/ and the bad ones of tests/ to start
from, then with what reaches new code. An input that breaks a property of tests/spec/test_fuzz.py,
takes over a second or too much memory ends the run, and is kept (`-artifact_prefix=/tmp/`).
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# PyYAML is not instrumented: a run takes three times as long with it.
with atheris.instrument_imports(include=["cnnspec"]):
    from cnnspec.spec import inspect_spec
    from tests.spec import test_fuzz as properties

DIVIDER = b"\n--set\n"
"""What follows it are overrides, one a line."""

OVERRIDES = b"training.epochs=3\nlayers.0.conv.out_channels=8\ndata.digits.normalize={mean: [0]}"

INTO_BLOCKS = (
    b"layers.repeat1.layers.residual1.body.conv1.out_channels=8\nlayers.mix.paths.1=[relu]"
)


def one_input(data: bytes) -> None:
    """Read one text, and lay it out; what takes several readings is left to the slow tests."""
    text, divider, overrides = data.partition(DIVIDER)
    given = overrides.decode(errors="replace").split("\n") if divider else []
    found = inspect_spec(text, file="f.yaml", overrides=given)
    properties.check_found(found, text, given)
    if not divider and found.spec is not None:
        properties.check_format(text, found)
    elif not divider:
        properties.format_or_refuse(text)


def fill(corpus: Path) -> None:
    """Write the inputs to start from."""
    corpus.mkdir(parents=True, exist_ok=True)
    small, tree = properties.SMALL.encode(), properties.TREE.encode()
    files = [*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests/spec/bad").glob("*.yaml")]
    seeds = [small, tree, small + DIVIDER + OVERRIDES, tree + DIVIDER + INTO_BLOCKS]
    for seed in [*seeds, *(path.read_bytes() for path in sorted(files))]:
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def write_dictionary(path: Path) -> None:
    """Write the words that the fuzzer puts in."""
    words = [*properties.NAMES.split(), *properties.SCALARS.split(" ")]
    words += [*properties.OTHERS.split(), *properties.PIECES.split("|")]
    lines = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words if word]
    path.write_text("".join(f'"{line}"\n' for line in lines))


def main() -> None:
    """Fuzz, with libFuzzer's options and the corpus as arguments."""
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if not folders:
        raise SystemExit(__doc__)
    fill(Path(folders[0]))
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder) / "words.txt"
        write_dictionary(words)
        # The last of two equal options counts: the user's.
        options = [f"-dict={words}", "-print_final_stats=1", *sys.argv[1:]]
        atheris.Setup([sys.argv[0], *options], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
