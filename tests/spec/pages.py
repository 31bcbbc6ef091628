"""docs/reference/diagnostics.md, written from CODES and the corpus."""

from __future__ import annotations

from cnnspec.documents import to_json
from cnnspec.report.diagnostics import validation_document
from cnnspec.spec import Diagnostic
from cnnspec.spec.codes import CODES
from tests.spec.corpus import ELSEWHERE, HERE, inspect, rendering

PAGE = HERE.parents[1] / "docs" / "reference" / "diagnostics.md"

HEAD = """\
# Diagnostics

What can be wrong with a spec, and what is said about it. `cnnspec validate FILE...` shows every
problem of every file; all other commands that read a spec show the same, and stop.

<!-- Written by `make golden`. Do not edit. -->

## The parts of a diagnostic

```text
{example}```

- The first line: the code, and what is wrong. The codes are stable. `(warning)` stands behind the
  code of what is allowed, but seldom meant.
- `-->`: file, line and column, counted from 1. The place of `--set a=b` is `--set:1:3`: the first
  `--set`, column 3.
- The line of the file, with a caret under the place. Of a long line a part is shown.
- `=`: what led to it: what the layer receives, and the arithmetic. `?` is a size that is not known,
  since something before it is wrong.
- `help:` a way out.

All problems of a file are shown at once, in its order; of more than 100, the first 100. A text
that is not YAML is the exception: what follows the mistake cannot be read. One problem hides
others only where they depend on it.

## Exit codes

`cnnspec validate` exits with 0 where every file is valid, and with 2 where one is not. Warnings
do not make a file invalid.

## For tools: `--json`

`cnnspec validate FILE... --json` prints one document:

```json
{document}
```

- `valid`: the file has no error; it may have warnings.
- `code`, `severity` (`error` or `warning`), `message`: as above.
- `source`: the file of the place, or `--set`. `line`, `column`, `end_column`: counted from 1; the
  span ends before `end_column`. All four are null where there is no place.
- `path`: the option in the spec, or null.
- `notes`: the lines behind `=`. `help`: a way out, or null.
"""

EXAMPLES = {
    "binary": "an-npz-file",
    "not-utf8": "latin-1",
    "byte-order-mark": "byte-order-mark",
    "empty": "comments-alone",
    "control-character": "colours-of-a-terminal",
    "tab": "tab-as-indentation",
    "syntax": "unclosed-brace",
    "directive": "a-directive",
    "several-documents": "two-documents",
    "alias": "a-layer-by-its-alias",
    "anchor": "anchors-alone",
    "tag": "tags",
    "wrong-key": "a-template",
    "duplicate-key": "duplicate-options",
    "too-deep": "nested-too-deep",
    "number-too-long": "seed-of-many-digits",
    "not-a-mapping": "layers-without-the-rest",
    "unknown-option": "misspelt-option",
    "missing-option": "pool-without-kernel_size",
    "unknown-kind": "kinds-of-keras",
    "no-kind": "options-that-are-not-indented",
    "wrong-type": "text-as-number",
    "wrong-length": "input-of-two",
    "out-of-range": "adam-every-option-wrong",
    "wrong-value": "precision-of-torch",
    "conflict": "nesterov-with-momentum-of-0",
    "not-an-image": "conv-after-linear",
    "not-features": "flatten-forgotten",
    "kernel-too-large": "pooled-away",
    "padding-too-large": "padding-of-a-pool-as-of-a-conv",
    "groups": "depthwise-with-wrong-groups",
    "input-width": "width-of-another-input",
    "same-stride": "padding-same-with-a-stride",
    "branches-differ": "branches-that-differ",
    "duplicate-name": "names-written-twice",
    "no-logits": "ends-with-a-pool",
    "softmax-before-loss": "softmax-before-loss",
    "too-many-layers": "more-layers-than-the-limit",
    "too-many-parameters": "too-many-parameters",
    "too-many-activations": "a-batch-of-a-million",
    "input-mismatch": "channels-last",
    "too-few-logits": "too-few-logits",
    "normalize-channels": "normalize-of-colours",
    "too-few-images": "too-few-images",
    "one-value": "one-image-is-left",
    "channels-last": "channels-last-of-no-data",
    "ends-in-images": "ends-in-images",
    "ends-in-probabilities": "ends-in-probabilities",
    "spare-logits": "spare-logits",
    "one-logit": "one-logit",
    "rectified-logits": "rectified-logits",
    "dropped-logits": "dropped-logits",
    "no-parameters": "no-parameters",
    "zero-learning-rate": "zero-learning-rate",
    "one-batch": "one-batch-of-all-digits",
}
"""The file of the corpus that is shown for each code."""


def page() -> str:
    """Write docs/reference/diagnostics.md."""
    shown = rendering([example("kernel-too-large")], WIDTH)
    found = inspect(HERE / "bad" / "misspelt-option.yaml")
    document = validation_document([("misspelt-option.yaml", False, found.diagnostics)])
    parts = [HEAD.format(example=shown, document=to_json(document)), "## Codes\n"]
    for code, meaning in CODES.items():
        kind = "An error." if meaning.severity == "error" else "A warning."
        text = rendering([example(code)], WIDTH)
        parts.append(f"### {code}\n\n{meaning.summary} {kind}\n\n```text\n{text}```\n")
    return "\n".join(parts)


WIDTH = 100


def example(code: str) -> Diagnostic:
    """Return the first problem of that code in its file."""
    if code in ELSEWHERE:
        found = ELSEWHERE[code]()
    else:
        folder = "bad" if CODES[code].severity == "error" else "odd"
        found = inspect(HERE / folder / f"{EXAMPLES[code]}.yaml").diagnostics
    return next(problem for problem in found if problem.code == code)
