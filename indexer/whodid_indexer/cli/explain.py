"""`--explain`: how a question was understood, and what the store is asked, said on stderr beside the answer."""

import click

from whodid_indexer.cli.output import say
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Reader

explain_option = click.option(
    "--explain", is_flag=True, help="Say how the question is understood, and what the store is asked."
)


def say_explained(reader: Reader, query: AuditQuery, command: str) -> None:
    """Say the query in the query language, as the flags of `command`, and as the store's own question."""
    from whodid_indexer.query.printer import to_command, to_text  # noqa: PLC0415  only where it is asked for

    say(f"query:    {to_text(query) or '(every record)'}")
    say(f"command:  {to_command(query, command)}")
    asked = reader.explain(query)
    say("\n".join(f"{'asks:     ' if number == 0 else ' ' * 10}{line}" for number, line in enumerate(asked)))
