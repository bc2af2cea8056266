"""Lines made to cost time, by name: what somebody would write who wants an agent to fall behind.

`turn` is how often they were asked for: keys, texts and actions that must be new each time have it in them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

BASE: dict[str, Any] = {"when": "2026-03-05T10:00:00Z", "who": {"id": "1"}, "operation": "a.b"}
"""An event of no known format."""

OWN: dict[str, Any] = {"timestamp": "2026-03-05T10:00:00Z", "actor": {"id": "1"}, "action": "a.b"}
"""One of whodid's own form."""


def lines(turn: int = 0) -> Iterator[tuple[str, bytes]]:
    """Every kind of line: events, in any format and in those of vendors, and what no encoder writes."""
    for name, event in (*_many(turn), *_long(turn), *_looking(turn), *_secrets(turn), *_vendors(turn)):
        yield name, json.dumps(event).encode()
    yield from _written(turn)


def _many(turn: int) -> Iterator[tuple[str, Any]]:
    """Many keys, objects, members."""
    yield "plain", BASE
    yield "300 new keys", BASE | {f"k{turn}x{number}": number for number in range(300)}
    yield "100 new keys in objects", BASE | {f"k{turn}x{number}": {f"a{turn}": number} for number in range(100)}
    yield "300 keys", BASE | {f"k{number}": number for number in range(300)}
    yield "2,000 keys", BASE | {f"k{number}": number for number in range(2000)}
    yield "100,000 keys", {f"k{number}": number for number in range(100_000)}
    yield "250 new keys with dots", BASE | {f"a.b{turn}.c.d{number}.e.f.g.user": number for number in range(250)}
    yield "60 objects with an actor each", {f"k{turn}x{n}": {"user": {"id": None}, "by": None} for n in range(60)}
    yield "500 objects in arrays", BASE | {f"l{n}": [{f"user{turn}": {"id": n}}] * 5 for n in range(100)}
    yield "200 new names and values", BASE | {"p": [{"name": f"actor_{turn}_{n}", "value": None} for n in range(200)]}
    yield "20,000 equal numbers", BASE | {"l": [1.5] * 20_000}
    yield "5,000 empty objects", BASE | {"l": [{} for _ in range(5000)]}
    yield "100,000 equal objects", BASE | {"l": [[{"a": turn}] * 1000] * 100}
    yield "2,000 changes", BASE | {"changes": {f"f{n}": {"from": n, "to": n + 1} for n in range(2000)}}
    yield "2,000 listed changes", BASE | {"changes": [{"field": f"f{n}", "from": n, "to": -n} for n in range(2000)]}
    yield (
        "2,000 fields before and after",
        BASE
        | {
            "before": {f"f{n}": n for n in range(2000)},
            "after": {f"f{n}": -n for n in range(2000)},
        },
    )


def _long(turn: int) -> Iterator[tuple[str, Any]]:
    """Long texts and numbers."""
    yield "a text of 1 MB", BASE | {"note": "x" * 1_000_000}
    yield "a text of 60 KB in 500 letters", BASE | {"note": "".join(chr(0x100 + n % 500) for n in range(20_000))}
    yield "a user agent of 1 MB", BASE | {"user_agent": "Mozilla/5.0 " + "(" * 1_000_000}
    yield "a new user agent", BASE | {"user_agent": f"Mozilla/5.0 (Linux; Android {turn}; " + "a;b " * 240}
    yield "a new action of 10 KB", BASE | {"action": f"delete{turn}." * 1000}
    yield "a target of 250 dashes", BASE | {"target": f"a{turn} — " + "a — " * 250}
    yield "a target of 1,000 spaces", BASE | {"target": f"a{turn}" + " " * 980 + "(bulk"}
    yield "an actor of 500 spaces", BASE | {"actor": f"a{turn}" + " " * 500 + ">"}
    yield "200 numbers of 300 digits", BASE | {f"k{n}": 10**300 + n for n in range(200)}
    yield "50 numbers of 600 digits", BASE | {f"k{n}": 10**599 + turn for n in range(50)}
    yield "200 keys of 1,000 letters", BASE | {f"{number}{turn}" + "k" * 1000: 1 for number in range(200)}


def _looking(turn: int) -> Iterator[tuple[str, Any]]:
    """What looks like something that is looked for."""
    yield "an actor spelt 250 ways", {f"a{'_' * number}ctor": number for number in range(250)}
    yield "250 keys in _by", {f"x{number}_by": {"id": None} for number in range(250)}
    yield "250 new keys in _by", {f"x{turn}x{number}_by": None for number in range(250)}
    yield "200 texts of JSON", {f"k{number}": '{"a":1}' for number in range(200)}
    yield "200 new texts of JSON", {f"k{number}": f'{{"actor{turn}":{{"id":null}}}}' for number in range(200)}
    yield "JSON in a text, 8 deep", BASE | {"msg": _texts('{"password":"hunter2"}', 8)}
    yield "JSON of 500 quotes in a text", BASE | {"msg": json.dumps(json.dumps(["\"'\\"] * 170))}
    yield "200 addresses", {f"a{number}": f"203.0.113.{number}" for number in range(200)}
    yield "200 that look like addresses", {f"a{number}_addr": f"999.0.113.{number}" for number in range(200)}
    yield "200 that look like times", {f"a{number}_at": "2026-03-05 10:00:00 nonsense" for number in range(200)}
    yield "200 mails' times", {f"a{number}_at": "Thu, 05 Mar 2026 10:00:00 nonsense" for number in range(200)}
    yield "5,000 forwarded addresses", BASE | {"x_forwarded_for": ", ".join(["10.0.0.1"] * 5000)}


def _secrets(turn: int) -> Iterator[tuple[str, Any]]:
    """What is masked, and what looks like it."""
    yield "100 passwords", {f"password{number}": "s3cr3ts3cr3t" for number in range(100)}
    yield "12 passwords in objects", {f"password{number}": {"a": [{"b": "x"}]} for number in range(12)}
    yield "100 tokens, nested", {f"k{number}": {"token": {"x": {"y": "abcdefgh"}}} for number in range(100)}
    yield "100 bearer tokens", {f"k{number}": "Bearer abcdefghijklmnop" for number in range(100)}
    yield "100 card numbers", {f"k{number}": "4539578763621486" for number in range(100)}
    yield "1,000 near card numbers", {"k": ["4539578763621487"] * 1000}
    yield "1,000 other near card numbers", {"k": [str(4539578763621487 + number) for number in range(1000)]}
    yield "1,000 near cards in a text", {"k": "4539 5787 6362 1487 " * 1000}
    yield "1,000 masks", BASE | {f"password{number}": "[FILTERED]" for number in range(1000)}
    yield "1,000 masks in a list", BASE | {"password": ["[FILTERED]"] * 1000}
    yield "100 keys with a secret", {f"Bearer abcdefghijklmnop{turn}x{number}": 1 for number in range(100)}
    yield "1,000 assignments in a text", {"msg": "token = " * 1000}
    yield "500 addresses with passwords", {"msg": "https://a:b@c/ " * 500}
    yield "200 private keys begun", {"msg": "-----BEGIN RSA PRIVATE KEY " * 200}
    yield (
        "500 objects of new keys and a token",
        {
            "l": [{f"a{turn}x{n}": n, f"b{turn}x{n}": "text"} for n in range(500)],
            "m": "Bearer abcdefghijklmnop",
        },
    )
    yield "100 new passwords", {f"p{turn}x{number}_password": "s3cr3ts3cr3t" for number in range(100)}
    yield "500 marked fields", {"l": [{"field": "password", "from": "a", "to": "b"} for _ in range(500)]}


def _vendors(turn: int) -> Iterator[tuple[str, Any]]:
    """Events of known formats with what they hold many times."""
    times = range(500)
    yield "own form, 2,000 keys", OWN | {f"k{turn}x{number}": number for number in range(2000)}
    yield "own form, 2,000 changes", OWN | {"changes": {f"f{n}": {"from": n, "to": n + 1} for n in range(2000)}}
    yield "own form, 500 targets", OWN | {"targets": [{"type": f"t{n}", "id": f"{turn}x{n}"} for n in times]}
    yield "own form, a target of 250 dashes", OWN | {"target": f"a{turn} — " + "a — " * 250}
    yield (
        "CloudTrail, 500 resources",
        _CLOUDTRAIL | {"resources": [{"ARN": f"arn:aws:s3:::b{turn}x{n}", "type": "AWS::S3::Object"} for n in times]},
    )
    yield (
        "CloudTrail, 500 instances",
        _CLOUDTRAIL
        | {
            "eventName": "StopInstances",
            "requestParameters": {"instancesSet": {"items": [{"instanceId": f"i-{turn}{n}"} for n in times]}},
        },
    )
    yield "CloudTrail, 2,000 parameters", _CLOUDTRAIL | {"requestParameters": {f"p{n}": n for n in range(2000)}}
    for many in (100, 500):
        yield (
            f"Okta, {many} targets",
            _OKTA
            | {
                "target": [
                    {"id": f"0{turn}{n}", "type": "User", "alternateId": f"u{n}@example.org", "displayName": f"U {n}"}
                    for n in range(many)
                ]
            },
        )
    yield (
        "Google Cloud, 500 authorizations",
        _google_cloud(
            {
                "authorizationInfo": [
                    {"permission": f"p.{n}", "granted": True, "resource": f"r/{turn}{n}"} for n in times
                ]
            }
        ),
    )
    yield (
        "Google Cloud, 500 bindings",
        _google_cloud({"serviceData": {"policyDelta": {"bindingDeltas": [_binding(turn, n) for n in times]}}}),
    )
    yield "Workspace, 100 events", _workspace(turn, 100)
    yield "Workspace, 500 events", _workspace(turn, 500)
    yield (
        "Workspace, 500 parameters",
        _WORKSPACE
        | {"events": [{"name": "X", "type": "Y", "parameters": [{"name": f"p{n}", "value": str(n)} for n in times]}]},
    )
    yield "Kubernetes, 2,000 annotations", _KUBERNETES | {"annotations": {f"a{n}/x": "y" for n in range(2000)}}
    yield (
        "Kubernetes, an object of 2,000 labels",
        _KUBERNETES | {"requestObject": {"metadata": {"labels": {f"a{n}/x{turn}": "y" for n in range(2000)}}}},
    )
    yield "an envelope of 1,000 unknown", {"records": [{"properties": {"log": "{}"}} for _ in range(1000)]}
    yield "Slack, 500 details", _SLACK | {"details": [{"new_value": n, "previous_value": -n} for n in times]}


_CLOUDTRAIL: dict[str, Any] = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "principalId": "AIDA", "arn": "arn:aws:iam::1:user/a", "userName": "a"},
    "eventTime": "2026-03-05T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "DeleteObjects",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "203.0.113.1",
    "eventID": "1a2b",
    "eventType": "AwsApiCall",
    "recipientAccountId": "1",
}
_OKTA: dict[str, Any] = {
    "uuid": "u",
    "published": "2026-03-05T10:00:00.000Z",
    "eventType": "group.user_membership.add",
    "version": "0",
    "severity": "INFO",
    "displayMessage": "Add user to group membership",
    "actor": {"id": "00u", "type": "User", "alternateId": "a@example.org", "displayName": "A"},
    "client": {"ipAddress": "203.0.113.1"},
    "outcome": {"result": "SUCCESS"},
    "target": [],
}
_WORKSPACE: dict[str, Any] = {
    "kind": "admin#reports#activity",
    "id": {"time": "2026-03-05T10:00:00.000Z", "uniqueQualifier": "1", "applicationName": "admin", "customerId": "C"},
    "actor": {"email": "a@example.org", "profileId": "1"},
    "ipAddress": "203.0.113.1",
    "events": [],
}
_KUBERNETES: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "u",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/d/pods/p",
    "verb": "update",
    "user": {"username": "a", "groups": ["system:authenticated"]},
    "objectRef": {"resource": "pods", "namespace": "d", "name": "p", "apiVersion": "v1"},
    "responseStatus": {"code": 200},
    "requestReceivedTimestamp": "2026-03-05T10:00:00.000000Z",
    "stageTimestamp": "2026-03-05T10:00:00.100000Z",
}
_SLACK: dict[str, Any] = {
    "id": "1",
    "date_create": 1772704800,
    "action": "user_login",
    "actor": {"type": "user", "user": {"id": "W1", "name": "A", "email": "a@example.org", "team": "T1"}},
    "entity": {"type": "user", "user": {"id": "W1", "name": "A", "email": "a@example.org", "team": "T1"}},
    "context": {"location": {"type": "workspace", "id": "T1", "name": "W", "domain": "w"}, "ip_address": "203.0.113.1"},
}


def _google_cloud(more: Mapping[str, Any]) -> dict[str, Any]:
    payload = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "a@example.org"},
        "requestMetadata": {"callerIp": "203.0.113.1"},
        "serviceName": "cloudresourcemanager.googleapis.com",
        "methodName": "SetIamPolicy",
        "resourceName": "projects/p",
        **more,
    }
    return {
        "insertId": "i",
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "protoPayload": payload,
        "resource": {"type": "project", "labels": {"project_id": "p"}},
        "severity": "NOTICE",
        "timestamp": "2026-03-05T10:00:00.000000Z",
    }


def _binding(turn: int, number: int) -> dict[str, str]:
    return {"action": "ADD", "member": f"user:u{turn}x{number}@example.org", "role": f"roles/r{number}"}


def _workspace(turn: int, many: int) -> dict[str, Any]:
    one = {"type": "USER_SETTINGS", "name": "CREATE_USER"}
    events = [one | {"parameters": [{"name": "USER_EMAIL", "value": f"u{turn}x{n}@example.org"}]} for n in range(many)]
    return _WORKSPACE | {"events": events}


def _texts(text: str, deep: int) -> str:
    """JSON in a text, in JSON in a text, …"""
    for _ in range(deep):
        text = json.dumps({"a": text})
    return text


def _written(turn: int) -> Iterator[tuple[str, bytes]]:
    """What no encoder writes."""
    for deep in (60, 300, 900):
        yield f"nested {deep} times", b'{"a":' * deep + b"1" + b"}" * deep
        yield f"lists nested {deep} times", b'{"a":' + b"[" * deep + b"]" * deep + b"}"
    yield "nested 3,000 times", b'{"a":' * 3000 + b"1" + b"}" * 3000
    yield "900 secrets, nested", b'{"token":' * 900 + b'"abcdefgh"' + b"}" * 900
    yield "10,000 escapes", b'{"action":"a","x":"' + b'\\u0041\\n\\"' * 3333 + b'"}'
    yield "an escaped key", b'{"action":"a","p\\u0061ssword":"xyzxyzxyz","x":"' + b"y" * 500 + b'"}'
    yield "300 escaped keys", b"{" + b",".join(b'"k%dx\\u0061%d":1' % (turn, n) for n in range(300)) + b"}"
    yield "300 keys all escaped", b"{" + b",".join(b'"%b%d":1' % (b"\\u006b" * 10, n) for n in range(300)) + b"}"
    yield "1,000 doubled keys", b"{" + b",".join(b'"a":%d' % number for number in range(1000)) + b"}"
    yield (
        "50 numbers of 4,000 digits",
        b'{"action":"a"' + b"".join(b',"k%d":%b' % (n, b"9" * 4000) for n in range(50)) + b"}",
    )
    yield "a number of 100,000 digits", b'{"action":"a","x":' + b"9" * 100_000 + b"}"
    yield "a fraction of 100,000 digits", b'{"action":"a","x":0.' + b"1" * 100_000 + b"}"
    yield "text of 50 KB", b'token = "' * 5000
    yield "half a line of 5,000 quotes", b'{"a":"' + b'\\"' * 5000
