"""A small sample product: it writes audit events of five kinds, and posts a sixth source's webhook batches.

    mailer.jsonl      a mailer's entries       {"id","created_at","actor_email","action":"smtp.update",…}
    inbox.jsonl       an inbox's rows          {"timestamp","actor","action":"Signed in","result",…}
    campaigns.jsonl   a campaign tool's rows   {"time","verb":"CREATE","target":{…},"actor":{…},…}
    shop.jsonl        whodid's own form        {"timestamp","action","actor":{…},"changes":{…},…}
    delivery.jsonl    the same, per message    {"timestamp","verb":"open","targets":[{recipient},{broadcast}],…}
    POST              a webhook's batches      {"events":[{"event":"activity_log.user.updated",…}]}

Everything comes from one seeded random source, so a seed always gives the same people, addresses and events; only
the times are today's.
"""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx

Event = dict[str, Any]

BROWSERS = (
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/126.0.0.0 Safari/537.36"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Mobile/15E148 Safari/604.1"
    ),
)
FIRST = (
    "Ana",
    "Bea",
    "Carl",
    "Dina",
    "Emil",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Jun",
    "Kaja",
    "Liam",
    "Mina",
    "Noor",
    "Olu",
)
LAST = ("Ruiz", "Weber", "Okafor", "Tanaka", "Novák", "Silva", "Berg", "Haddad", "Moreau", "Lindström")
ADMINS = (("Aisha Karim", "12"), ("Marcus Wei", "15"), ("Devi Patel", "21"), ("Jonas Riedel", "27"))

CAMPAIGN_ROWS: tuple[tuple[str, str, str, str, int, Event], ...] = (
    ("14:22", "CREATE", "broadcast", "May Newsletter #38", 0, {}),
    ("13:55", "EDIT", "segment", "Highly Engaged", 1, {}),
    ("11:08", "SCHEDULE", "drip", "Welcome series → Newsletter list", 0, {}),
    ("10:40", "DELETE", "contact", "19 imported rows", 2, {"count": 19}),
    ("09:12", "SUPPRESS", "domain", "yahoo.com (CIDR import)", 3, {}),
    ("08:47", "UPDATE", "sending node", "Amazon SES", 1, {"changes": {"hourly limit": {"from": "30k", "to": "50k"}}}),
    ("08:31", "CREATE", "API role", "Read-only auditor", 0, {}),
)
"""A working day at a campaign tool: time, verb, target type and name, administrator, what else the event says."""

MAILER_ACTIONS = (
    "project.update",
    "smtp.update",
    "bounce_token.rotate",
    "api_key.create",
    "webhook.create",
    "webhook.delete",
    "suppression.add",
    "workspace.member_added",
    "workspace.member_role_changed",
    "broadcast.send",
)
INBOX_ACTIONS = (
    ("Assigned conversation", "inbox", "conversation"),
    ("Resolved conversation", "inbox", "conversation"),
    ("Replied to conversation", "inbox", "conversation"),
    ("Added note", "notes", "conversation"),
    ("Created team", "teams", "team"),
    ("Tested webhook", "webhooks", "webhook"),
)


MESSAGES = 24
"""Messages of the day's newsletter."""


class Person(NamedTuple):
    """Somebody who uses the product."""

    id: str
    name: str
    email: str
    ip: str
    browser: str


class Product:
    """The sample product over a folder of JSONL files and, where it is given, an agent's HTTP address."""

    def __init__(self, folder: Path, seed: int, post_to: str | None, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311 - sample data, repeatable on purpose
        self._post_to = post_to
        self._now = now
        self._people = [self._person(number) for number in range(12)]
        self.written = 0

    def a_working_day(self) -> None:
        """Today's events so far, written and posted in the order in which they happened."""
        start = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        for event, file in [*self._campaign_day(start), *self._background_day(start)]:
            self._write(file, event)
        self._post(self._webhook_batch(start, 6))

    def a_mailing(self) -> None:
        """What became of today's newsletter, message by message, and requests that were refused."""
        start = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        elapsed = self._now() - start
        for number in range(MESSAGES):
            moment = start + elapsed * (0.75 + 0.2 * number / MESSAGES)
            for step, verb in enumerate(self._fate()):
                self._write("delivery.jsonl", _message(moment + timedelta(seconds=step), verb, number))
        for number in range(6):
            self._write("shop.jsonl", self._refused(start + elapsed * (0.1 + number / 8)))

    def earlier_days(self, days: int) -> None:
        """An ordinary day's events for each of so many days before today."""
        today = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        for back in range(days, 0, -1):
            start = today - timedelta(days=back)
            for number in range(60):
                make, file = self._random.choice(self._makers())
                self._write(file, make(start + timedelta(days=number / 60)))

    def _fate(self) -> tuple[str, ...]:
        """What happens to one message, step by step."""
        return self._random.choice(
            (("send", "bounce"), *(2 * (("send", "deliver"),)), *(3 * (("send", "deliver", "open"),)),
             ("send", "deliver", "open", "click"), ("send", "deliver", "open", "unsubscribe"))
        )  # fmt: skip

    def _refused(self, moment: datetime) -> Event:
        person = self._random.choice(self._people)
        return {
            "timestamp": stamp(moment),
            "app": "shop",
            "actor": {"type": "api_token", "id": f"t-{person.id}", "name": "deploy", "role": "viewer"},
            "action": "request.denied",
            "outcome": "failure",
            "reason": "the role viewer may not delete products",
            "ip": person.ip,
            "user_agent": person.browser,
        }

    def a_moment(self) -> None:
        """A few new events, now."""
        for _ in range(self._random.randint(1, 3)):
            make, file = self._random.choice(self._makers())
            self._write(file, make(self._now()))
        if self._random.random() < 0.3:
            self._post(self._webhook_batch(self._now(), 2))

    def _person(self, number: int) -> Person:
        first, last = self._random.choice(FIRST), self._random.choice(LAST)
        address = f"198.51.100.{self._random.randint(2, 250)}"
        email = f"{first}.{last}{number}@example.com".lower()
        return Person(str(780 + number), f"{first} {last}", email, address, self._random.choice(BROWSERS))

    def _campaign_day(self, start: datetime) -> Iterator[tuple[Event, str]]:
        """The rows of the campaign tool's screen, at their times; before the last of them, moved up to end by now."""
        elapsed = (self._now() - start) / timedelta(hours=14, minutes=23)
        for clock, verb, kind, name, admin, more in reversed(CAMPAIGN_ROWS):
            hours, minutes = clock.split(":")
            moment = start + timedelta(hours=int(hours), minutes=int(minutes)) * min(1.0, elapsed)
            full_name, identifier = ADMINS[admin]
            target: Event = {"type": kind, "name": name}
            if "count" in more:
                target["count"] = more["count"]
            event: Event = {
                "time": stamp(moment),
                "verb": verb,
                "target": target,
                "actor": {"type": "admin", "id": identifier, "name": full_name},
                "ip": f"203.0.113.{10 + admin}",
                "user_agent": BROWSERS[admin % len(BROWSERS)],
            }
            if "changes" in more:
                event["changes"] = more["changes"]
            yield event, "campaigns.jsonl"

    def _background_day(self, start: datetime) -> Iterator[tuple[Event, str]]:
        elapsed = self._now() - start
        for number in range(120):
            make, file = self._random.choice(self._makers())
            yield make(start + elapsed * (number / 120)), file
        for number in range(self._random.randint(4, 8)):
            yield self._failed_sign_in(start + elapsed * (0.2 + number / 20)), "inbox.jsonl"

    def _makers(self) -> tuple[tuple[Callable[[datetime], Event], str], ...]:
        return (
            (self._mailer_entry, "mailer.jsonl"),
            (self._inbox_row, "inbox.jsonl"),
            (self._sign_in, "inbox.jsonl"),
            (self._shop_event, "shop.jsonl"),
        )

    def _mailer_entry(self, moment: datetime) -> Event:
        person = self._random.choice(self._people)
        action = self._random.choice(MAILER_ACTIONS)
        return {
            "id": f"01H{self._random.getrandbits(60):015X}",
            "created_at": stamp(moment),
            "actor_id": person.id,
            "actor_email": person.email,
            "action": action,
            "target_type": action.split(".")[0],
            "target_id": str(self._random.randint(100, 999)),
            "metadata": {"smtp_host": "smtp.example.com", "smtp_password": f"hunter-{self._random.getrandbits(32):x}"},
            "ip": person.ip,
            "user_agent": person.browser,
        }

    def _inbox_row(self, moment: datetime) -> Event:
        person = self._random.choice(self._people)
        action, category, kind = self._random.choice(INBOX_ACTIONS)
        subject = {"type": kind, "number": self._random.randint(1, 400)}
        return {**_inbox(moment, person, action, category), "subject": subject}

    def _sign_in(self, moment: datetime) -> Event:
        return _inbox(moment, self._random.choice(self._people), "Signed in", "auth")

    def _failed_sign_in(self, moment: datetime) -> Event:
        stranger = self._random.choice(self._people)._replace(
            ip=f"192.0.2.{self._random.randint(1, 9)}", browser=self._random.choice(BROWSERS)
        )
        reason = self._random.choice(("wrong password", "unknown device", "expired link"))
        row = _inbox(moment, stranger, "Failed login", "auth")
        return {**row, "result": "failure", "details": {"reason": reason}}

    def _shop_event(self, moment: datetime) -> Event:
        person = self._random.choice(self._people)
        price = self._random.randint(5, 90)
        return {
            "timestamp": stamp(moment),
            "app": "shop",
            "actor": {"type": "user", "id": person.id, "name": person.name, "email": person.email},
            "action": "product.update",
            "target": {"type": "product", "id": f"p-{self._random.randint(1, 60)}"},
            "changes": {"price": {"from": price, "to": price + self._random.randint(1, 9)}},
            "ip": person.ip,
            "user_agent": person.browser,
        }

    def _webhook_batch(self, moment: datetime, size: int) -> list[Event]:
        events = []
        for number in range(size):
            person = self._random.choice(self._people)
            events.append(
                {
                    "event": "activity_log.user.updated",
                    "description": "updated the user profile",
                    "actor": {"id": int(person.id), "type": "user", "name": person.name},
                    "resource": {"id": person.id, "type": "user", "name": person.name},
                    "changes": {"name": {"to": "[FILTERED]", "from": "[FILTERED]"}},
                    "timestamp": int(moment.timestamp()) + number,
                }
            )
        return events

    def _write(self, file: str, event: Event) -> None:
        with (self._folder / file).open("a", encoding="utf-8") as out:
            out.write(json.dumps(event, ensure_ascii=False) + "\n")
        self.written += 1

    def _post(self, events: list[Event]) -> None:
        if self._post_to is None:
            return
        answer = httpx.post(f"{self._post_to}/v1/events", json={"events": events}, timeout=10)
        answer.raise_for_status()
        self.written += len(events)


def _message(moment: datetime, verb: str, number: int) -> Event:
    """One message's event: it names its recipient, and the broadcast that it belongs to."""
    address = f"reader{number}@example.net"
    return {
        "timestamp": stamp(moment),
        "app": "campaigns",
        "surface": "delivery",
        "verb": verb,
        "action": f"message.{verb}",
        "actor": {"type": "system", "name": "System"},
        "targets": [
            {"type": "recipient", "id": address},
            {"type": "broadcast", "id": "38", "name": "May Newsletter #38", "relation": "from"},
        ],
        "outcome": "failure" if verb == "bounce" else "success",
    }


def _inbox(moment: datetime, person: Person, action: str, category: str) -> Event:
    """A row of the inbox's log, as all of them begin."""
    return {
        "timestamp": stamp(moment),
        "app": "inbox",
        "actor": {"id": person.id, "name": person.name, "email": person.email},
        "action": action,
        "category": category,
        "result": "success",
        "ip": person.ip,
        "user_agent": person.browser,
        "layer": "workspace",
        "workspace": {"id": "ws_1", "name": "Acme"},
    }


def stamp(moment: datetime) -> str:
    """The moment as an application writes it: RFC 3339, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
