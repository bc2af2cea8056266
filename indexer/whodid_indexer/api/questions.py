"""Every address below `/api/v1`, in one place: what `app` serves is what `openapi` documents."""

from starlette.routing import Route

from whodid_indexer.api.counting import Counting
from whodid_indexer.api.events import Events
from whodid_indexer.api.exports import Exports
from whodid_indexer.api.mailer import ProjectLog
from whodid_indexer.api.readers import Readers


def questions(readers: Readers) -> list[Route]:
    """The routes over one store's readers."""
    return [
        *Events(readers).routes(),
        *Exports(readers).routes(),
        *Counting(readers).routes(),
        *ProjectLog(readers).routes(),
    ]
