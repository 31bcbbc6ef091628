"""What `check` says of layers by hand as strangers write them: the verdict, and the cause."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnspec.compare.check import Checked, Grade, check_class
from tests.compare.check.public_styles.table import BY_ID, HERE, ROWS, TELLING, Row
from tests.compare.check.public_styles.unmet import NOT_YET


def said(checked: Checked) -> list[str]:
    """Return what is said to be wrong, and why, by all that was reached."""
    wrong = [found for found in checked.findings if found.offered and not found.ok]
    causes = [f"{found.cause.code}: {found.cause.sentence}" for found in wrong if found.cause]
    raised = [found for found in wrong if found.message]
    return causes + [f"{found.quantity}, {found.setting}: {found.message}" for found in raised]


def complaint(row: Row) -> str:
    """Say what `check` has wrong about a layer; nothing where it is right."""
    if row.kind not in known_kinds():
        return f"there is no kind {row.kind}"
    if row.layout not in known_layouts():
        return f"there is no layout {row.layout}"
    try:
        checked = check_class(
            f"{row.file}:{row.name}",
            row.kind,
            layout=None if row.layout == "nchw" else row.layout,
            of=row.of,
        )
    except Exception as error:  # whatever it is, it is not what the table says
        return f"{error!r}"
    if checked.grade is None:
        return f"not graded: {checked.error}"
    if not row.wrong:
        return "" if checked.ok else f"right, and called wrong: {said(checked)}"
    if checked.grade is not Grade.WRONG:
        return f"wrong, and called {checked.grade.value}"
    found = said(checked)
    return "" if any(re.search(row.wrong, words) for words in found) else f"another cause: {found}"


def known_kinds() -> tuple[str, ...]:
    from cnnspec.compare.check import KINDS

    return tuple(KINDS)


def known_layouts() -> tuple[str, ...]:
    from cnnspec.backends.plain import LAYOUTS

    return tuple(LAYOUTS)


@pytest.mark.parametrize("name", TELLING)
def test_the_most_telling(name: str) -> None:
    assert not complaint(BY_ID[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.id not in TELLING], ids=lambda row: row.id
)
def test_each_layer(row: Row) -> None:
    found = complaint(row)
    if row.id in NOT_YET:
        assert found, f"{row.id} is met: take it off the list"
    else:
        assert not found


def test_nine_in_ten_need_no_flag() -> None:
    assert sum(not row.needs_a_flag for row in ROWS) >= 0.9 * len(ROWS)


def test_what_is_not_yet_met_is_in_the_table_and_is_little() -> None:
    assert NOT_YET.keys() <= BY_ID.keys() - set(TELLING)


def test_a_project_is_checked_from_its_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "project")
    checked = check_class(str(Path("nets", "activations.py")) + ":ReLU", "relu")
    assert checked.grade is Grade.RIGHT


def test_a_loss_that_may_be_of_probabilities_is_told() -> None:
    checked = check_class(f"{HERE / 'losses.py'}:OfProbabilities", "cross_entropy", of="logits")
    assert {found.cause.code for found in checked.findings if found.cause} == {
        "takes-probabilities"
    }
