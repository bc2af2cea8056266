"""`whodid serve`: the store's server. Agents post to it, people ask it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from whodid_indexer.cli.options import Source, place_options
from whodid_indexer.cli.places import DEFAULT_RATE, configured, find_listen
from whodid_schema.errors import UsageError

if TYPE_CHECKING:
    from whodid_indexer.access.gate import Gate
    from whodid_indexer.access.proxy import Proxy
    from whodid_indexer.access.tokens import Tokens
    from whodid_indexer.api.server import Tls
    from whodid_indexer.config import IndexerSettings

_file = click.Path(path_type=Path, dir_okay=False)


@click.command("serve")
@place_options
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.  [default: 127.0.0.1:8642]"
)
@click.option(
    "--tls-certificate", type=_file, metavar="FILE", help="Speak https, with this certificate (PEM), and --tls-key."
)
@click.option("--tls-key", type=_file, metavar="FILE", help="The certificate's key (PEM), without a passphrase.")
@click.option("--behind-proxy", is_flag=True, help="A proxy in front speaks TLS with whoever asks.")
@click.option("--ready-file", type=_file, metavar="FILE", help="Write the server's URL there once it takes requests.")
def command(
    source: Source,
    listen: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    ready_file: Path | None,
) -> None:
    """Serve a SQLite store, which is set up where it is not there yet, or an OpenSearch that is set up.

    Without tokens it serves this machine alone, and everybody on it. `whodid token create` makes one: from then on
    everybody is asked for theirs, and it may listen elsewhere, with TLS or behind a proxy that speaks it.

    Once a day it deletes from a SQLite store what is older than its retention, unless `serve_retention` is false in the
    configuration. Over OpenSearch it answers questions, and agents write to the cluster directly.

    Prints `listening on URL` once it takes requests. SIGTERM ends it after everything under way is stored.
    """
    from whodid_indexer.access.gate import Gate  # noqa: PLC0415  heavy, and only this command needs it
    from whodid_indexer.api.app import build  # noqa: PLC0415  as above
    from whodid_indexer.api.server import bind, parse_address, serve  # noqa: PLC0415  as above
    from whodid_indexer.cli.served import served  # noqa: PLC0415  as above

    host, port = parse_address(find_listen(listen, source.config))
    settings = configured(source.config)
    tls = _tls(settings, tls_certificate, tls_key)
    proxied = behind_proxy or (settings is not None and settings.behind_proxy)
    proxy = _proxy(settings)
    secure = proxied or tls is not None

    def admit(tokens: "Tokens | None") -> Gate:
        gate = Gate(tokens, proxy, secure=secure)
        _check_reach(host, gate, proxied=proxied)
        return gate

    with served(source, settings, admit) as behind, bind(host, port) as bound:
        for line in behind.said:
            click.echo(f"whodid: {line}", err=True)
        if behind.gate.open:
            click.echo(
                "whodid: no tokens: everyone on this machine may read and write; other machines are refused", err=True
            )
        app = build(
            behind.store,
            behind.opener,
            _hosts(host, settings),
            behind.gate,
            kept=behind.views,
            holds=behind.holds,
            rate=DEFAULT_RATE if settings is None else settings.serve_rate,
        )
        with behind.daily:
            serve(app, bound, ready_file, tls)


def _tls(settings: "IndexerSettings | None", certificate: Path | None, key: Path | None) -> "Tls | None":
    """What TLS is spoken with. Raises UsageError for half of it, ConfigError for files that cannot be used."""
    from whodid_indexer.api.server import Tls  # noqa: PLC0415  as above

    if settings is not None and certificate is None and key is None:
        certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("a certificate and its key belong together", "give --tls-certificate and --tls-key")
    tls = Tls(certificate, key)
    tls.check()
    return tls


def _check_reach(host: str, gate: "Gate", *, proxied: bool) -> None:
    """Raises UsageError where others than this machine could reach the server, and it is not safe that they do."""
    from whodid_indexer.api.server import is_loopback  # noqa: PLC0415  as above

    local = is_loopback(host)
    if gate.open and (proxied or not local):
        raise UsageError(
            f"{'--behind-proxy' if local else f'--listen {host}'}: without tokens whodid serves this machine only",
            "listen on 127.0.0.1:8642, make a token first (whodid token create --role platform), "
            "or have a proxy sign people on",
        )
    if not local and not gate.secure:
        raise UsageError(
            f"--listen {host}: tokens and records would cross the network as anybody there can read them",
            "give --tls-certificate and --tls-key, or --behind-proxy where a proxy speaks TLS",
        )


def _hosts(host: str, settings: "IndexerSettings | None") -> frozenset[str] | None:
    """The hosts that are answered to; None for all: behind tokens a foreign name opens nothing."""
    from whodid_indexer.api.server import allowed_hosts, is_loopback  # noqa: PLC0415  as above

    names = [] if settings is None else settings.hosts
    return allowed_hosts(host, names) if names or is_loopback(host) else None


def _proxy(settings: "IndexerSettings | None") -> "Proxy":
    """Which proxies are believed. Raises ConfigError."""
    from whodid_indexer.access.proxy import NO_PROXY, proxy_of  # noqa: PLC0415  as above

    return NO_PROXY if settings is None else proxy_of(settings)
