"""An option that takes a kind. The help of a command lists the kinds without a list of its own.

They are read from the spec when somebody asks for them: importing it takes a while, and the
help of all commands needs none of it.
"""

from __future__ import annotations

import rich_click as click
from click.shell_completion import CompletionItem


def checked_kinds() -> list[str]:
    """List what a class may be: a kind of layer, of loss or of optimizer."""
    from cnnspec.spec.layers import KINDS
    from cnnspec.spec.losses import LOSSES
    from cnnspec.spec.optimizers import OPTIMIZERS

    return [*KINDS, *LOSSES, *OPTIMIZERS]


class KindName(click.ParamType[str]):
    """The name of a kind of layer, of loss or of optimizer."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the kind."""
        return click.Choice(checked_kinds(), case_sensitive=False).convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the kinds."""
        return click.Choice(checked_kinds()).shell_complete(ctx, param, incomplete)


class KindOption(click.Option):
    """An option whose help says what kinds there are."""

    @property
    def help(self) -> str:
        """What it is for."""
        *kinds, last = checked_kinds()
        return f"What it is: {', '.join(kinds)} or {last}."

    @help.setter  # noqa: A003 - click has this name
    def help(self, value: str | None) -> None:
        """Take no other help: it is made when it is read."""
