"""What `check` says of a class, in the terminal."""

from cnnspec.compare.check import CheckFinding
from cnnspec.report.check import grouped


def stopped(setting: str, line: str) -> CheckFinding:
    message = f"does not end within 2 s (line 3: {line})"
    return CheckFinding(setting, "output", False, stage="forward", message=message)


def test_a_loop_without_an_end_is_one_finding_wherever_it_was_stopped() -> None:
    other = CheckFinding("one row", "output", False, stage="forward", message="ValueError: i")
    groups = [*grouped([stopped("plain", "while i < 2:"), other, stopped("one channel", "i = i")])]
    assert [[each.setting for each in group] for group in groups] == [
        ["plain", "one channel"],
        ["one row"],
    ]
