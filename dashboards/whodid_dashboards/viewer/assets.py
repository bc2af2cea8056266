"""The stylesheet, the script and the icon: packaged beside the pages, served under names that change with them."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from whodid_dashboards.viewer.headers import SECURE
from whodid_indexer.api.problem import NotFound

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


def _read() -> tuple[dict[str, str], dict[str, tuple[bytes, str]]]:
    """Name in the package → address; name in the address → contents and type."""
    addresses: dict[str, str] = {}
    contents: dict[str, tuple[bytes, str]] = {}
    for file in files("whodid_dashboards.viewer").joinpath("assets").iterdir():
        stem, _, ending = file.name.rpartition(".")
        if ending not in _KINDS:
            continue
        data = file.read_bytes()
        name = f"{stem}.{hashlib.sha256(data).hexdigest()[:12]}.{ending}"
        addresses[file.name] = f"/assets/{name}"
        contents[name] = (data, _KINDS[ending])
    return addresses, contents


_addresses, _contents = _read()
ADDRESSES: Mapping[str, str] = MappingProxyType(_addresses)
"""Where the page finds `whodid.css`, `whodid.js`, `icon.svg`."""


async def asset(request: Request) -> Response:
    """`GET /assets/{name}`. Raises NotFound for what there is not, or not any more."""
    found = _contents.get(request.path_params["name"])
    if found is None:
        raise NotFound("there is no such asset", "reload the page: it names the present ones")
    return Response(found[0], media_type=found[1], headers={**SECURE, "Cache-Control": _FOR_EVER})
