"""Templates to responses: everything is escaped, what would steer the reading order is spelled out first."""

from typing import Any

from isal import igzip
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from whodid_dashboards.viewer.assets import ADDRESSES
from whodid_dashboards.viewer.headers import PAGE
from whodid_dashboards.viewer.preferences import remembered
from whodid_indexer.access.caller import caller_of
from whodid_indexer.api.exports import takes_gzip
from whodid_schema import __version__
from whodid_schema.visible import visible

_FAST = 1


def _shown(value: Any) -> Any:
    """What a template prints: visible text, which jinja2 escapes behind this."""
    return value if isinstance(value, Markup) else visible(str(value))


def _lines(text: str) -> Markup:
    """A text of several lines, inert but for its line feeds."""
    return Markup(escape(visible(text, newlines=True)))  # noqa: S704  escaped in this line


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("whodid_dashboards.viewer"),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["lines"] = _lines
    environment.globals["asset"] = ADDRESSES.__getitem__
    environment.globals["version"] = __version__
    for name in environment.list_templates():
        environment.get_template(name)  # all are compiled at the start, so that nobody's page waits for it
    return environment


_templates = _environment()


def page(request: Request, template: str, code: int = 200, **values: Any) -> Response:
    """The response of a template."""
    theme = remembered(request).get("theme", "auto")
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    text = _templates.get_template(template).render(theme=theme, back=back, caller=caller_of(request), **values)
    if takes_gzip(request.headers.get("accept-encoding", "")):
        # nothing that a page holds is worth guessing by its length: what admits a request is never in it
        return HTMLResponse(igzip.compress(text.encode(), _FAST), code, {**PAGE, "Content-Encoding": "gzip"})
    return HTMLResponse(text, code, PAGE)
