"""Records whose every value wants to do harm to whoever reads them: the texts of `serving.HOSTILE`, and sizes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from support.serving import HOSTILE, make
from whodid_schema.record import Actor, Change, Client, Record, Ref, Target

ADDRESSES = {
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "elsewhere": "https://evil.example/x.png",
    "slashes": "//evil.example/x",
    "attribute": "\" onmouseover=alert(1) x='",
    "style": "</style><style>*{display:none}",
    "closing": "</title></textarea></pre><script>alert(1)</script>",
    "svg": "<svg/onload=alert(1)>",
}
TEXTS = HOSTILE | ADDRESSES


def hostile_records(now: datetime) -> Iterator[Record]:
    """One record for each text, in every place for a text; one with a long value, one with many changes."""
    for number, text in enumerate(TEXTS.values()):
        yield _record(number, now, text)
    yield _record(len(TEXTS), now, "x" * 1_000_000)
    many = [Change(field=f"field.{one}", from_=str(one), to=f"<b>{one}</b>") for one in range(2_000)]
    yield _record(len(TEXTS) + 1, now, "many changes", many)


def _record(number: int, now: datetime, text: str, changes: list[Change] | None = None) -> Record:
    moment = (now - timedelta(minutes=number + 1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    target = Target(type=text[:200], id=text[:200], name=text)
    return make(
        number,
        timestamp=moment,
        received_at=moment,
        app=text[:200],
        action=text[:200],
        verb="update",
        description=text,
        reason=text[:200],
        actor=Actor(type=text[:200], id=text[:200], name=text, email=text[:200], key=f"shop/user:{text[:200]}"),
        target=target,
        targets=[target],
        workspace=Ref(id=text[:200], name=text[:200]),
        client=Client(ip="203.0.113.9", user_agent=text, device=text[:200]),
        session_id=text[:200],
        changes=changes or [Change(field=text[:200], from_=text, to=f"{text}!")],
        metadata={text[:200]: text},
        raw=text,
    )
