"""The headers of every answer: nothing from elsewhere runs, is shown, framed or told where somebody came from."""

from collections.abc import Mapping
from types import MappingProxyType

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)

SECURE: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(_POLICY),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)

PAGE: Mapping[str, str] = MappingProxyType(
    {**SECURE, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding, Cookie"}
)
"""Of pages: they show audit records, so no cache keeps them."""
