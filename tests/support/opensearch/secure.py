"""A node with TLS and the security plugin (3.4.0): its own CA, an admin certificate, and no user but those tests make.

CACHE/node-…/config/            node.pem node.key ca.pem   opensearch-security/ (empty users and role mappings)
CACHE/node-…/client/            ca.pem admin.pem admin.key, for whoever asks
"""

import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from support.opensearch.modules import COMMONS_COLLECTIONS, MODULES, SECURE_VERSION, SECURITY
from support.opensearch.node import Node
from support.opensearch.obtain import cache, copy_artefacts, fetch, unzip
from support.opensearch.server import Server

_PASSWORD = "no-Vowels-7"
_EMPTY = '_meta:\n  type: "{type}"\n  config_version: 2\n'


def secure_distribution() -> Path:
    """The home folder of a node with security, put together the first time. Raises Unavailable."""
    home = cache() / f"opensearch-{SECURE_VERSION}-security"
    if (home / ".ready").exists():
        return home
    with tempfile.TemporaryDirectory(dir=cache()) as scratch:
        source = fetch(Path(scratch), SECURE_VERSION)
        placed = [(artefact, source / "modules" / module.name) for module in MODULES for artefact in module.artefacts()]
        plugin = source / "plugins" / "opensearch-security"
        zips = Path(scratch) / "zips"
        copy_artefacts(Path(scratch), [*placed, (SECURITY, zips), (COMMONS_COLLECTIONS, plugin)])
        for module in MODULES:
            module.describe(source / "modules" / module.name)
        (archive,) = zips.iterdir()
        unzip(archive, plugin)
        descriptor = plugin / "plugin-descriptor.properties"
        wrong = "extended.plugins=workload-management;optional=true,rule-framework"
        descriptor.write_text(descriptor.read_text().replace(wrong, "extended.plugins="))
        for path in source.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (source / ".ready").touch()
        shutil.rmtree(home, ignore_errors=True)
        source.rename(home)
    return home


class SecureNode(Node):
    """`request` asks with the admin certificate; `client` holds the files of those who come from outside."""

    ready_path = "/_plugins/_security/health"

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        super().__init__(SECURE_VERSION, _settings() | (settings or {}))
        self.url = self.url.replace("http:", "https:")

    @property
    def client(self) -> Path:
        """The folder with ca.pem, admin.pem and admin.key."""
        return self._run / "client"

    @staticmethod
    def _distribution(version: str) -> Path:
        return secure_distribution()

    def _prepare(self) -> None:
        config = self._run / "config"
        self.client.mkdir()
        _certificates(config, self.client)
        shutil.copytree(self._home / "plugins" / "opensearch-security" / "config", config / "opensearch-security")
        for name, kind in (("internal_users", "internalusers"), ("roles_mapping", "rolesmapping")):
            (config / "opensearch-security" / f"{name}.yml").write_text(_EMPTY.format(type=kind))
        for path in config.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.client / "ca.pem")
        context.load_cert_chain(self.client / "admin.pem", self.client / "admin.key")
        return context

    def add_user(self, name: str, role: str, **attributes: str) -> "User":
        """A user with the role; asked as a Server it asks as that user."""
        body = {"password": _PASSWORD, "opendistro_security_roles": [role], "attributes": attributes}
        self.request("PUT", f"/_plugins/_security/api/internalusers/{name}", body)
        return User(self.url, self.client / "ca.pem", name)

    def forget_roles(self) -> None:
        """Remove the roles that are not the plugin's own; `clean` leaves them, because each takes the node a while."""
        for name, entry in self.request("GET", "/_plugins/_security/api/roles").items():
            if not entry.get("reserved") and not entry.get("hidden") and not entry.get("static"):
                self.request("DELETE", f"/_plugins/_security/api/roles/{name}")


class User(Server):
    """The node as one of its users sees it."""

    password = _PASSWORD

    def __init__(self, url: str, authority: Path, name: str) -> None:
        super().__init__(url)
        self.name = name
        self._authority = authority

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._authority)

    def _credentials(self) -> tuple[str, str]:
        return self.name, self.password


def _settings() -> dict[str, str]:
    found: dict[str, str] = {}
    for layer in ("transport", "http"):
        before = f"plugins.security.ssl.{layer}"
        found |= {
            f"{before}.pemcert_filepath": "node.pem",
            f"{before}.pemkey_filepath": "node.key",
            f"{before}.pemtrustedcas_filepath": "ca.pem",
        }
    return found | {
        "plugins.security.ssl.transport.enforce_hostname_verification": "false",
        "plugins.security.ssl.http.enabled": "true",
        "plugins.security.ssl.http.clientauth_mode": "OPTIONAL",
        "plugins.security.allow_default_init_securityindex": "true",
        "plugins.security.authcz.admin_dn": '["CN=admin,O=whodid"]',
        "plugins.security.nodes_dn": '["CN=node,O=whodid"]',
        "plugins.security.restapi.roles_enabled": '["all_access", "security_rest_api_access"]',
        "plugins.security.system_indices.enabled": "true",
    }


def _certificates(config: Path, client: Path) -> None:
    """A CA, the node's certificate and the admin's, with openssl; keys are PKCS#8."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _openssl(
            folder,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /O=whodid/CN=ca -keyout ca.key"
            " -out ca.pem -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign",
        )
        for name, usage in (("node", "serverAuth,clientAuth"), ("admin", "clientAuth")):
            (folder / "extensions").write_text(
                f"subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage={usage}\nauthorityKeyIdentifier=keyid\n"
            )
            _openssl(
                folder,
                f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=whodid/CN={name}"
                f" -keyout {name}.key -out {name}.csr",
            )
            _openssl(
                folder,
                f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions"
                f" -out {name}.pem",
            )
        for name in ("ca.pem", "node.pem", "node.key"):
            shutil.copy(folder / name, config)
        for name in ("ca.pem", "admin.pem", "admin.key"):
            shutil.copy(folder / name, client)


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)
