"""Every error that cnnspec raises on purpose.

    CnnspecError
    ├── SpecError               a spec is not valid; holds every Diagnostic
    ├── ShapeError              a layer cannot take the input it is given
    ├── DataError               a data set cannot be read, or does not fit the spec
    │   └── MissingDataError    its file is not there
    ├── BackendError            a backend is unknown, or cannot do what was asked
    │   └── MissingExtraError   an optional package is not installed
    ├── ComparisonError         a comparison cannot be made as it was asked for
    ├── StateError              weights or optimizer slots do not fit the network
    ├── TrainingError           training cannot go on
    └── RunError                a run folder cannot be read or written

Every message names the place, what was found, what was wanted and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.spec.diagnostics import Diagnostic


class CnnspecError(Exception):
    """Base of every error that cnnspec raises on purpose."""


class SpecError(CnnspecError):
    """A spec is not valid.

    `diagnostics` holds every problem that was found, in the order of the file.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(diagnostic.render() for diagnostic in self.diagnostics)


class ShapeError(CnnspecError):
    """A layer cannot take the input it is given.

    `code` is its kind of problem, `option` the layer's option at fault (None: the
    layer as a whole), `notes` the arithmetic and `help` the way out. `ways` are changes
    of the layer's options that lead out, each with what is said of it; `help` says all of
    them where it is not given.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        option: str | None = None,
        notes: tuple[str, ...] = (),
        help: str = "",
        ways: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        self.code = code
        self.message = message
        self.option = option
        self.notes = notes
        self.help = help or ", or ".join(said for said, _ in ways)
        self.ways = tuple(ways)
        super().__init__(f"{message}; {self.help}" if self.help else message)


class DataError(CnnspecError):
    """A data set cannot be read, or does not fit the spec.

    `option` is the option of the source that is at fault, where it is one; `help` the way out.
    """

    def __init__(self, message: str, *, option: str | None = None, help: str = "") -> None:
        self.message = message
        self.option = option
        self.help = help
        super().__init__(f"{message}; {help}" if help else message)


class MissingDataError(DataError):
    """The file of a data set is not there."""


class DataWarning(UserWarning):
    """A data set can be read, but is perhaps not what was meant."""


class BackendError(CnnspecError):
    """A backend is unknown, or cannot do what was asked of it."""


class MissingExtraError(BackendError):
    """An optional package is not installed; `instead` says what works without it."""

    def __init__(self, what: str, package: str, extra: str, *, instead: str = "") -> None:
        self.what = what
        self.package = package
        self.extra = extra
        super().__init__(
            f"{what} needs the package `{package}`, which is not installed; "
            f"install it with: pip install 'cnnspec[{extra}]'{f', or {instead}' if instead else ''}"
        )


class ComparisonError(CnnspecError):
    """A comparison cannot be made as it was asked for."""


class StateError(CnnspecError):
    """Weights or optimizer slots do not fit the network."""


class TrainingError(CnnspecError):
    """Training cannot go on."""


class RunError(CnnspecError):
    """A run folder cannot be read or written."""
