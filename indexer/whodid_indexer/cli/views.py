"""`whodid views`: questions saved under a name, for --view of every command that takes filters."""

from datetime import tzinfo

import click
import msgspec

from whodid_config.commandline import LazyGroup
from whodid_indexer.cli import saved
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.output import say
from whodid_indexer.cli.zone import zone_options
from whodid_schema.errors import UsageError
from whodid_schema.visible import visible


@click.group("views", cls=LazyGroup)
def group() -> None:
    """Save filters under a name, and use them with --view NAME.

    Views are yours: a file each in ~/.config/whodid/views, in the query language, which can be edited.
    """


@group.command("save")
@click.argument("name")
@filter_options
@zone_options
@click.option("--force", is_flag=True, help="Replace a view of this name.")
def save(name: str, question: Question, zone: tzinfo, force: bool) -> None:
    """Save the filters given as a view. Times stay relative: --last 7d is the last seven days on every day."""
    saved.path_of(name)
    question.query(zone)  # what cannot be asked is not saved
    texts = tuple(text for text in texts_of(question) if text)
    if not texts:
        raise UsageError("there is nothing to save", "give the filters: whodid views save NAME --verb delete --last 7d")
    say(f"saved: {saved.save(name, texts, force=force)}")


@group.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_views(form: str) -> None:
    """List the views, with what they ask for."""
    views = {name: saved.read(name) for name in saved.names()}
    if form == "json":
        click.echo(msgspec.json.encode(views).decode())
        return
    width = max(map(len, views), default=0)
    for name, texts in views.items():
        for place, text in enumerate(texts or ("",)):
            click.echo(f"{'' if place else name:<{width}}  {visible(text)}".rstrip())
    if not views:
        say("there are no views; save one with: whodid views save NAME and the filters")


@group.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print what a view asks for, in the query language."""
    for text in saved.read(name):
        click.echo(visible(text))


@group.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Remove a view."""
    saved.delete(name)
    say(f"deleted: {name}")


def texts_of(question: Question) -> list[str]:
    """The question as texts of the query language: its flags as one, its -q as they were typed."""
    from whodid_indexer.query.values import quote  # noqa: PLC0415  only where something is saved

    if question.mine and any(field == "actor" for field, _, negated in question.filters if not negated):
        raise UsageError("a view has --mine or --actor, not both", "say it in the query language: -q '…'")
    pieces = ["actor:me"] if question.mine else []
    pieces += (_said(*given) for given in question.filters)
    times = (("since", question.since or question.last), ("until", question.until))
    pieces += (f"{name}:{quote(moment)}" for name, moment in times if moment)
    return [" ".join(pieces), *question.texts]


def _said(field: str, typed: str, negated: bool) -> str:
    """One flag in the query language; `me` stays whoever asks."""
    from whodid_indexer.query.model import AuditQuery, Term  # noqa: PLC0415  as above
    from whodid_indexer.query.printer import to_text  # noqa: PLC0415  as above
    from whodid_indexer.query.values import parse_values, quote  # noqa: PLC0415  as above

    values = parse_values(typed)
    if field == "actor" and any(value.text == "me" and not value.quoted for value in values):
        listed = ",".join(
            value.text if not value.quoted and value.text == "me" else quote(value.text) for value in values
        )
        return f"{'-' if negated else ''}actor:{listed}"
    return to_text(AuditQuery(terms=(Term(field, tuple(value.text for value in values), negated),)))
