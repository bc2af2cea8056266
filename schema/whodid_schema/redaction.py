"""What counts as a secret, as data: key names, value shapes, and where neither is one.

A key name is compared by its words: `apiKey`, `api-key`, `x.api_key` and `API_KEY` all end in the words
`api key`. The rule's word must be the last one, or be followed only by a word of `SUFFIXES` (`password_hash`,
`token2`): `secretName`, `token_type` and `password_policy` name something else. A plural s is the same word.

    strict    every string and number below the key, of any length
    lenient   strings of `LENIENT_MINIMUM` characters and more, but nothing below a child of `LENIENT_EXEMPT`

A bare `key` is lenient too, unless its value reads as a name: it holds a dot, a colon or a space (an object in
a bucket `a/data.csv`, an actor's key `shop/user:783`), or stands in a pair with a `value` (a tag, a label).
"""

from msgspec import Struct


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STRICT_WORDS = ("password", "passwd", "pwd", "passphrase", "pin", "otp", "cvv", "secret", "recovery_code")
"""Nothing below these keys is kept."""

LENIENT_WORDS = ("token", "key", "credential")
"""Often secrets, often names of things: short strings, numbers and `LENIENT_EXEMPT` are kept."""

LENIENT_MINIMUM = 6
LENIENT_EXEMPT = frozenset({"id", "name", "type", "role", "scopes"})

UNDIVIDED_WORDS = ("password", "passwd", "passphrase", "secret", "token", "credential")
"""No ordinary word ends in these, so they need no boundary before them (`userpassword`, `authtoken`)."""

UNDIVIDED_KEYS = tuple(
    f"{word}key" for word in ("api", "access", "secret", "private", "ssh", "auth", "signing", "encryption", "master")
)
"""`apikey` is a key, `monkey` is not: the undivided spellings of `key` are listed."""

SUFFIXES = _words(
    "hash digest confirmation confirm value string text plain plaintext raw old new current from to before "
    "after again repeat base64 pem material bytes data code base"
)
"""Words behind a rule's word that leave it a secret: `password_confirmation`, `SecretString`, `otp_code`."""

CHANGE_MARKERS = frozenset({"field", "name", "key", "attribute", "property", "path", "param", "parameter"})
"""`{"field": "password", "from": …}`: a key of these whose value is a secret's name …"""

CHANGE_VALUES = frozenset(
    _words(
        "from to old new before after value values previous current old_value new_value previous_value "
        "current_value original updated default"
    )
)
"""… makes secrets of its neighbours under these names."""

PAIR_VALUES = frozenset({"value", "values", "Value", "operator", "callerType"})
"""Beside one of these a bare `key` is the name of a tag, a label, a setting or a caller."""

KEY_ID_NAMES = frozenset({"accessKeyId"})
"""Keys under which an AWS access key id is the name of an actor, not half of a secret; any other place masks it."""


class Shape(Struct, frozen=True):
    """A secret known by its look. Patterns are read alike by Hyperscan, RE2 and `re`, on bytes.

    `trigger` is enough of it for the scan of whole chunks: short, and ending in a counted class, since Hyperscan
    reports every end. `pattern` is all of it. `bounded` asks for something
    other than a letter, digit or underscore in front.
    """

    name: str
    trigger: str
    pattern: str
    bounded: bool = True


def _prefixed(name: str, prefix: str, body: str, least: int) -> Shape:
    """A provider's key: a fixed prefix and at least so many characters of `body`."""
    return Shape(name, f"{prefix}{body}{{{least}}}", f"{prefix}{body}{{{least}}}{body}*")


SHAPES = (
    Shape(
        "jwt",
        r"eyJ[\w-]{8}",
        r"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*",
        bounded=False,
    ),
    Shape(
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
        r"(?:[\s\S]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|[\s\S]*)",
        bounded=False,
    ),
    _prefixed("github token", r"gh[pousr]_", r"[A-Za-z0-9]", 20),
    _prefixed("github fine-grained token", r"github_pat_", r"\w", 20),
    _prefixed("gitlab token", r"gl(?:pat|dt|rt|ptt|oas)-", r"[\w-]", 16),
    _prefixed("slack token", r"xox[a-z]-", r"[A-Za-z0-9-]", 10),
    _prefixed("slack app token", r"xapp-", r"[A-Za-z0-9-]", 10),
    _prefixed("slack webhook", r"hooks\.slack\.com\\?/services\\?/", r"[\w/\\]", 16),
    _prefixed("stripe key", r"[sr]k_(?:live|test)_", r"[A-Za-z0-9]", 8),
    _prefixed("stripe webhook secret", r"whsec_", r"[\w+/=-]", 12),
    _prefixed("google key", r"AIza", r"[\w-]", 30),
    _prefixed("google token", r"ya29\.", r"[\w.-]", 16),
    _prefixed("google client secret", r"GOCSPX-", r"[\w-]", 16),
    Shape("sendgrid key", r"SG\.[\w-]{16}", r"SG\.[\w-]{16,64}\.[\w-]{16,}"),
    _prefixed("openai or anthropic key", r"sk-", r"[\w-]", 20),
    _prefixed("npm token", r"npm_", r"[A-Za-z0-9]", 30),
    _prefixed("pypi token", r"pypi-", r"[\w-]", 50),
    _prefixed("vault token", r"hv[sbr]\.", r"[\w-]", 20),
    _prefixed("digitalocean token", r"do[opr]_v1_", r"[a-f0-9]", 32),
    _prefixed("shopify token", r"shp(?:at|ca|pa|ss)_", r"[a-fA-F0-9]", 24),
    _prefixed("mailgun key", r"key-", r"[a-f0-9]", 32),
)
"""Provider keys, tokens and private keys."""

SHORTEST_SHAPE = 12
"""No shape is shorter, but for a password in a URL, which has colons."""

KEY_ID = r"A(?:KIA|SIA)[A-Z0-9]{16}"
"""An AWS access key id."""

BEARER = r"(?i:bearer|basic)[ \t]{1,8}([\w.~+/=-]{6,})"
"""An HTTP credential after its scheme; masked unless it is a plain word (`BEARER_WORDS`)."""

BEARER_WORDS = frozenset(
    _words("token tokens auth authentication authorization access scheme realm error credential credentials header")
)

USERINFO = r":\\?/\\?/[^/\s:@\"'\\]{0,128}:([^/\s@\"'\\]{1,256})@"
"""The password in `scheme://user:password@host`."""

CARD_DIGITS = r"[2-6][0-9]{3}[ -]?[0-9]{4}(?:[ -]?[0-9]){4,11}"
CARD_TRIGGER = r"[2-6][0-9]{3}[0-9 -][0-9]{3}[0-9 -]{4}"
"""Twelve to nineteen digits, in groups or not; the trigger stops after twelve characters, and passes over dates."""

CARD_ISSUERS = (
    (r"4", (13, 16, 19)),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    (r"3[47]", (15,)),
    (r"3(?:0[0-5]|[68])", (14,)),
    (r"35(?:2[89]|[3-8])", (16, 17, 18, 19)),
    (r"6(?:011|5|4[4-9])", (16, 17, 18, 19)),
    (r"62", (16, 17, 18, 19)),
    (r"50(?:18|20|38)|6304|6759|676[1-3]", (16, 17, 18, 19)),
)
"""Issuer prefix and the lengths it uses: Visa, Mastercard, American Express, Diners, JCB,
Discover, UnionPay, Maestro."""

CARD_WORDS = frozenset({"card", "cards", "pan", "cc", "creditcard"})
"""A key with one of these words holds a card's number, whatever other words it has."""

NOT_CARD_WORDS = frozenset(
    _words(
        "id ids uid uids gid gids uuid guid time times timestamp date at ts sec secs ms msec usec nsec micros "
        "nanos account accounts acct address addr addresses ip ips"
    )
)
"""An id, time, account or address: one in ten long ids passes the checksum alone."""
