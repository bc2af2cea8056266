"""How both commands behave as command lines: sub-commands loaded when called, errors as one clear line, exit codes.

Exit codes: 0 fine, 1 a problem found or internal, 2 usage, 3 not allowed, 4 store unreachable, 5 incomplete,
130 interrupted; a closed pipe ends the command silently.
"""

import difflib
import gc
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NoReturn

import click

from whodid_schema.errors import BadQuery, WhodidError
from whodid_schema.excerpt import marked
from whodid_schema.visible import visible

_WHOLE = 1_000
"""Characters that no first sentence of a help has."""

CLOSED_PIPE = 1
"""Whoever read our output went away; click ends with the same where it notices first."""


@contextmanager
def loading() -> Iterator[None]:
    """While modules are imported and tables made: all of it stays, so no collection looks at it, now or ever.

    That is a tenth of what a start costs.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class LazyGroup(click.Group):
    """A group whose sub-commands are imported when they are called or asked for help.

    `lazy` maps a command's name to `module:attribute`; `aliases` other names to the name they stand for; `says` what
    the group's own help says of a command, where it shall not be imported for that: its help's first sentence.
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, str] = MappingProxyType({}),
        aliases: Mapping[str, str] = MappingProxyType({}),
        says: Mapping[str, str] = MappingProxyType({}),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy)
        self._aliases = dict(aliases)
        self._says = dict(says)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, aliases left out."""
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name or alias, imported now; None where there is none."""
        name = self._aliases.get(cmd_name, cmd_name)
        place = self._lazy.get(name)
        if place is None:
            return super().get_command(ctx, name)
        module, _, attribute = place.partition(":")
        with loading():
            command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click's, but each first sentence whole; of commands that `says` names without their import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._sentence(ctx, name)) for name in self.list_commands(ctx)])

    def _sentence(self, ctx: click.Context, name: str) -> str:
        said = self._says.get(name)
        command = self.get_command(ctx, name) if said is None else click.Command(name, help=said)
        return "" if command is None else command.get_short_help_str(_WHOLE)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; the nearest known name is looked for among the lazy commands too, which click does not know.

        `help` and `help COMMAND` are what many type first: they mean --help.
        """
        if args[0] == "help" and "help" not in self.list_commands(ctx):
            return super().resolve_command(ctx, [*args[1:], "--help"]) if args[1:] else _help_of(ctx)
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near[0]!r}?", ctx) from error


def _help_of(ctx: click.Context) -> NoReturn:
    click.echo(ctx.get_help())
    ctx.exit()


def run(group: click.Command, name: str) -> NoReturn:
    """Run the command line of this process and leave with its exit code; never a traceback for what can be foreseen."""
    try:
        code = group.main(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
        _leave(code if isinstance(code, int) else 0)
    except WhodidError as error:
        _complain(name, error)
        _leave(error.exit_code)
    except click.exceptions.Abort as error:
        if isinstance(error.__cause__, EOFError):
            raise error.__cause__ from None  # click takes every file that ends too early for a person who gave up
        _leave(130)
    except KeyboardInterrupt:
        _leave(130)
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())  # click's own text, of many lines
        _leave(error.exit_code)
    except click.ClickException as error:
        _usage(error)
        _leave(error.exit_code)
    except BrokenPipeError:
        _leave(CLOSED_PIPE)


def _complain(name: str, error: WhodidError) -> None:
    lines = [f"{name}: {line}" if number == 0 else f"  {line}" for number, line in enumerate(error.message.split("\n"))]
    if isinstance(error, BadQuery) and error.text:
        lines += [f"    {line}" for line in marked(error.text, error.position, error.length).split("\n")]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    _say("\n".join(visible(line) for line in lines))


def _usage(error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    usage = f"{context.get_usage()}\n" if context is not None else ""
    message = " ".join(error.format_message().split())  # click lists choices below each other
    hint = ""
    if context is not None and message.startswith("Got unexpected extra argument") and _takes_query(context.command):
        hint = f"\n  hint: words and queries stand behind -q, as in {context.command_path} -q 'WORDS'"
    _say(f"{usage}Error: {visible(message)}{hint}")


def _takes_query(command: click.Command) -> bool:
    return any("-q" in parameter.opts for parameter in command.params)


def _say(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        return


def _leave(code: int) -> NoReturn:
    """End the process; output whose reader has gone is given to the void, so that Python does not complain at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or CLOSED_PIPE
    raise SystemExit(code)
