"""Where records go before they are deleted: what `--archive` says, else the configuration."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from whodid_indexer.archive.writer import Archive
    from whodid_indexer.config import IndexerSettings

archive_option = click.option(
    "--archive",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write what goes into DIR, and read it back, before it is deleted; else as `archive` in the configuration.",
)


def archive_of(settings: "IndexerSettings | None", url: str, folder: Path | None = None) -> "Archive | None":
    """The archive of the store at `url`; a folder that was named takes every class. None where there is to be none."""
    from whodid_indexer.archive.writer import Archive  # noqa: PLC0415  not needed to print help

    if folder is not None:
        return Archive(folder, url)
    said = None if settings is None else settings.archive
    return None if said is None else Archive(said.directory, url, said.chosen())
