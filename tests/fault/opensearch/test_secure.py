"""On a real node with TLS and the security plugin: the agent under the ingest role, and every wrong way in."""

import subprocess
from pathlib import Path

import pytest

from support.indexing import set_up
from support.opensearch.secure import SecureNode, User
from support.running import BIN, clean_environment
from support.shipping import ACTIVITY, Shipping, lines_of

pytestmark = pytest.mark.slow  # a node with the security plugin; others of them run in `make test`

LOCKED = '{"action": "email.delivered", "surface": "delivery", "timestamp": "2026-05-01T10:00:00Z"}'


def setup(node: SecureNode) -> None:
    """`whodid setup` with the admin certificate."""
    folder = node.client
    subprocess.run(
        [str(BIN / "whodid"), "setup", "--store", node.url],
        env=clean_environment(
            WHODID_STORE_CA_FILE=str(folder / "ca.pem"),
            WHODID_STORE_CERTIFICATE_FILE=str(folder / "admin.pem"),
            WHODID_STORE_KEY_FILE=str(folder / "admin.key"),
        ),
        check=True,
        capture_output=True,
        timeout=60,
    )


def shipper(node: SecureNode) -> User:
    """Somebody with the role of an agent."""
    setup(node)
    return node.add_user("shipper", "whodid_ingest")


def shipping_as(user: User, node: SecureNode, folder: Path) -> Shipping:
    """The agent as that user."""
    secret = folder / "password"
    secret.write_text(f"{user.password}\n")
    settings = f"target_user: {user.name}\ntarget_password_file: {secret}\ntarget_ca_file: {node.client}/ca.pem\n"
    return Shipping(folder, node, settings=settings)


def checked(shipping: Shipping) -> tuple[int, str]:
    """What `whodid-agent check` says."""
    done = subprocess.run(
        [str(BIN / "whodid-agent"), "check", "--config", str(shipping.config)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_the_ingest_role_is_all_that_an_agent_needs_and_check_says_what_protects_it(
    tmp_path: Path, secure: SecureNode
) -> None:
    user = shipper(secure)
    shipping = shipping_as(user, secure, tmp_path)
    shipping.write([*lines_of(30), LOCKED])
    code, said = shipping.once()
    assert code == 0, said
    shipping.assert_exactly_once()
    assert ACTIVITY in secure.request("GET", "/whodid/_alias")
    code, said = checked(shipping)
    assert code == 0, said
    assert "TLS, its certificate from a CA of" in said
    assert "knows us as shipper, with the roles whodid_ingest" in said
    assert "whodid-activity-*: nothing shows that records cannot be overwritten" in said
    assert user.password not in said


def test_check_sees_an_index_that_nobody_can_overwrite(tmp_path: Path, secure: SecureNode) -> None:
    user = shipper(secure)
    shipping = shipping_as(user, secure, tmp_path)
    now = secure.request("GET", "/_cluster/stats")["timestamp"]
    shipping.write([LOCKED.replace("2026-05-01T10:00:00Z", str(now))])
    assert shipping.once()[0] == 0
    assert "whodid-delivery-*: records cannot be overwritten (immutable index)" in checked(shipping)[1]
    assert len(secure.request("GET", "/_cat/indices/whodid*?format=json")) == 1, "asking has made no index"


@pytest.mark.parametrize(
    ("settings", "url", "code", "words"),
    [
        ("", "https", 4, "its certificate is not trusted"),
        ("target_ca_file: {ca}\n", "https", 3, "asks who we are"),
        (
            "target_ca_file: {ca}\ntarget_user: shipper\ntarget_password: wrong\n",
            "https",
            3,
            "does not accept the password of 'shipper'",
        ),
        ("target_ca_file: {ca}\ntoken_file: {word}\n", "https", 3, "does not accept the token"),
        ("target_ca_file: {ca}\ntarget_user: shipper\n", "https", 2, "a user and a password belong together"),
        ("target_ca_file: {word}\n", "https", 2, "cannot be used"),
        ("target_ca_file: {ca}\ntarget_user: other\ntarget_password: no-Vowels-7\n", "https", 3, "403"),
        ("", "http", 4, "does it speak TLS only? Then write https://"),
    ],
)
def test_a_wrong_way_in_is_one_clear_line_and_nothing_is_written(
    tmp_path: Path, secure: SecureNode, settings: str, url: str, code: int, words: str
) -> None:
    set_up(secure)
    secure.request("PUT", "/_plugins/_security/api/roles/nobody", {"cluster_permissions": []})
    secure.add_user("other", "nobody")
    (tmp_path / "word").write_text("word\n")
    told = settings.format(ca=secure.client / "ca.pem", word=tmp_path / "word")
    shipping = Shipping(tmp_path, secure, secure.url.replace("https", url), settings=told)
    shipping.write(lines_of(3))
    found, said = shipping.once(timeout="1s")
    assert (found, words in said) == (code, True), said
    assert "wrong" not in said.replace("wrong_", "")
    assert secure.request("GET", "/_cat/indices/whodid*?format=json") == []


def test_a_client_certificate_is_a_way_in(tmp_path: Path, secure: SecureNode) -> None:
    set_up(secure)
    folder = secure.client
    settings = "".join(
        f"target_{name}_file: {folder}/{file}\n"
        for name, file in (("ca", "ca.pem"), ("certificate", "admin.pem"), ("key", "admin.key"))
    )
    shipping = Shipping(tmp_path, secure, settings=settings)
    shipping.write(lines_of(3))
    assert shipping.once()[0] == 0
    shipping.assert_exactly_once()


def test_without_the_right_to_make_an_index_the_agent_waits_and_says_which(tmp_path: Path, secure: SecureNode) -> None:
    set_up(secure)
    role = {
        "cluster_permissions": [
            "cluster:monitor/main",
            "indices:admin/index_template/get",
            "indices:data/write/bulk",
        ],
        "index_permissions": [
            {
                "index_patterns": ["whodid-*"],
                "allowed_actions": ["indices:data/write/bulk*", "indices:data/write/index"],
            }
        ],
    }
    secure.request("PUT", "/_plugins/_security/api/roles/whodid_test_no_create", role)
    shipping = shipping_as(secure.add_user("poor", "whodid_test_no_create"), secure, tmp_path)
    shipping.write(lines_of(3))
    code, said = shipping.once(timeout="2s")
    assert code == 4, said
    assert "indices:admin/create" in said
    secure.request("PUT", f"/{ACTIVITY}", {"settings": {"number_of_replicas": 0}})
    secure.request("PUT", "/whodid-authentication-2026-05", {"settings": {"number_of_replicas": 0}})
    assert shipping.once()[0] == 0
    shipping.assert_exactly_once()
