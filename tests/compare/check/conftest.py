"""A class in a file of its own, checked."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cnnspec.compare.check import Checked, check_class

Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(text: str, name: str, kind: str, **options: object) -> Checked:
        path = tmp_path / "layers.py"
        path.write_text(text)
        return check_class(f"{path}:{name}", kind, **options)  # type: ignore[arg-type]

    return run
