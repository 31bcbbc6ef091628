"""cnnspec completion: what a shell needs to complete commands, options and specs."""

from __future__ import annotations

import rich_click as click

from cnnspec.cli.command import with_examples

COMPLETE = "_CNNSPEC_COMPLETE"
"""The variable of the environment by which a shell asks what may follow."""


@with_examples(
    "completion",
    'eval "$(cnnspec completion bash)"     # in ~/.bashrc',
    'eval "$(cnnspec completion zsh)"      # in ~/.zshrc',
    "cnnspec completion fish > ~/.config/fish/completions/cnnspec.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options, specs and --set."""
    from click.shell_completion import get_completion_class

    from cnnspec.cli.output import print_line

    completion = get_completion_class(shell)
    assert completion is not None
    print_line(completion(ctx.find_root().command, {}, "cnnspec", COMPLETE).source())
