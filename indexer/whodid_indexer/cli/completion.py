"""`whodid completion SHELL`: the script by which a shell completes whodid's commands, options and values."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash   eval "$(whodid completion bash)"            in ~/.bashrc
    zsh    eval "$(whodid completion zsh)"             in ~/.zshrc, behind compinit
    fish   whodid completion fish > ~/.config/fish/completions/whodid.fish
    """  # noqa: D301  \b is click's
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    root = context.find_root()
    maker = found(root.command, {}, "whodid", "_WHODID_COMPLETE")
    click.echo(maker.source_template % maker.source_vars())  # source() runs bash to look at its version
