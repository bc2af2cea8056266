"""What a shell offers behind an option: the values of a closed field, the names of saved views."""

from collections.abc import Callable, Sequence

import click


def complete_values(values: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Offers the values that begin as what is typed; behind a comma the next one of a list."""

    def offer(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
        before, comma, begun = typed.rpartition(",")
        return [f"{before}{comma}{value}" for value in values if value.startswith(begun)]

    return offer


def complete_view(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Offers the saved views."""
    from whodid_indexer.cli.saved import names  # noqa: PLC0415  only when a shell asks

    return [name for name in names() if name.startswith(typed)]
