"""Every address below `/api/v1`, in one place: what `app` serves is what `openapi` documents."""

from starlette.routing import Route

from whodid_indexer.api import counting, events, exports, holds, mailer, openapi, receipts, views
from whodid_indexer.api.context import CONTEXT, Context
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.service import SERVICE
from whodid_indexer.holds.hold import Holds

ENDPOINTS = (
    events.SEARCH,
    events.SHOW,
    CONTEXT,
    events.COUNT,
    events.CHANGES,
    counting.FACETS,
    counting.STATS,
    exports.EXPORT_LINES,
    exports.EXPORT_JSONL,
    exports.EXPORT_SHEET,
    receipts.PROGRESS,
    receipts.BREAK_OFF,
    receipts.MANIFEST,
    mailer.PROJECT_LOG,
    views.LIST,
    views.SAVE,
    views.DELETE,
    holds.LIST,
    holds.ADD,
    holds.RELEASE,
    openapi.DOCUMENT,
    *SERVICE,
)
"""Everything the server answers to but its pages for people."""


def questions(readers: Readers, shared: views.SharedViews, legal_holds: Holds | None = None) -> list[Route]:
    """The routes over one store's readers; `shared` are its views, `legal_holds` where holds."""
    return [
        *events.Events(readers).routes(),
        *Context(readers).routes(),
        *exports.Exports(readers).routes(),
        *counting.Counting(readers).routes(),
        *mailer.ProjectLog(readers).routes(),
        *shared.routes(),
        *holds.LegalHolds(readers, legal_holds).routes(),
        *openapi.Document(ENDPOINTS).routes(),
    ]
