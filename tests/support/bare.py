# ruff: noqa: N815  # the fields are named as the vendors name them
"""Bare normalisers written by hand, one a format: what a profile's cost is measured against (see `bench_profiles`).

Each decodes into typed structs, maps the main fields, masks what lies under secret-looking keys by a walk, names the
event by the hash of its line, encodes, and writes the bulk line. Nothing is checked, composed, indexed or kept beside.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

Json = dict[str, Any]
_SECRET = re.compile(
    r"password|passwd|secret|token|api_?key|authorization|cookie|private_key|credential", re.IGNORECASE
)


class Actor(Struct, omit_defaults=True):
    type: str | None = None
    id: str | None = None
    name: str | None = None
    email: str | None = None


class Target(Struct, omit_defaults=True):
    type: str | None = None
    id: str | None = None
    name: str | None = None


class Out(Struct, kw_only=True, omit_defaults=True):
    """The record that every sink receives."""

    id: str
    time: datetime
    app: str
    action: str
    category: str
    outcome: str
    actor: Actor
    target: Target
    native_id: str | None = None
    reason: str | None = None
    workspace: str | None = None
    source_ip: str | None = None
    user_agent: str | None = None
    changes: Json | None = None
    metadata: Json


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    return _SECRET.search(key) is not None


def redact(value: Any) -> Any:
    """A copy of value in which whatever sits under a secret-looking key is masked."""
    if isinstance(value, dict):
        return {
            k: "[FILTERED]" if is_secret(k) else redact(v) if isinstance(v, dict | list) else v
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [redact(v) if isinstance(v, dict | list) else v for v in value]
    return value


@lru_cache(maxsize=4096)
def category(action: str) -> str:
    word = action.lower()
    return "auth" if "login" in word or "session" in word else "write" if "create" in word else "other"


def epoch(stamp: float | datetime) -> datetime:
    if isinstance(stamp, datetime):
        return stamp
    return datetime.fromtimestamp(stamp / 1000 if stamp > 1e11 else stamp, UTC)


class _Issuer(Struct):
    arn: str | None = None
    userName: str | None = None


class _Session(Struct):
    sessionIssuer: _Issuer | None = None
    attributes: Json | None = None


class _Identity(Struct):
    type: str | None = None
    principalId: str | None = None
    arn: str | None = None
    accountId: str | None = None
    userName: str | None = None
    invokedBy: str | None = None
    sessionContext: _Session | None = None


class _CloudTrail(Struct):
    eventTime: datetime
    eventName: str
    eventSource: str
    eventID: str
    userIdentity: _Identity
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    awsRegion: str | None = None
    errorCode: str | None = None
    errorMessage: str | None = None
    recipientAccountId: str | None = None
    requestParameters: Json | None = None
    responseElements: Json | None = None
    additionalEventData: Json | None = None
    resources: list[Json] | None = None


_AWS_TARGETS = {"bucketName": "bucket", "instanceId": "instance", "groupId": "group", "userName": "user"}


def cloudtrail(e: _CloudTrail, name: str) -> Out:
    who = e.userIdentity
    asked = e.requestParameters or {}
    target = next((Target(kind, None, str(asked[key])) for key, kind in _AWS_TARGETS.items() if key in asked), Target())
    return Out(
        id=name, time=e.eventTime, app="aws", action=e.eventName, category=category(e.eventName), native_id=e.eventID,
        outcome="failure" if e.errorCode else "success", reason=e.errorMessage or e.errorCode,
        actor=Actor(who.type, who.arn or who.principalId, who.userName or who.invokedBy), target=target,
        workspace=e.recipientAccountId, source_ip=e.sourceIPAddress, user_agent=e.userAgent,
        metadata=redact({"request": asked, "response": e.responseElements, "more": e.additionalEventData,
                         "resources": e.resources, "region": e.awsRegion, "source": e.eventSource}),
    )  # fmt: skip


class _KubeUser(Struct):
    username: str
    uid: str | None = None
    groups: list[str] | None = None


class _KubeObject(Struct):
    resource: str | None = None
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None
    apiGroup: str | None = None


class _KubeStatus(Struct):
    code: int | None = None
    message: str | None = None
    reason: str | None = None


class _Kubernetes(Struct):
    auditID: str
    stage: str
    verb: str
    requestURI: str
    user: _KubeUser
    requestReceivedTimestamp: datetime
    sourceIPs: list[str] = []
    userAgent: str | None = None
    objectRef: _KubeObject | None = None
    responseStatus: _KubeStatus | None = None
    requestObject: Json | None = None
    responseObject: Json | None = None
    annotations: Json | None = None


def kubernetes(e: _Kubernetes, name: str) -> Out:
    what, status = e.objectRef or _KubeObject(), e.responseStatus or _KubeStatus()
    if what.resource == "secrets":
        for body in (e.requestObject, e.responseObject):
            if body and "data" in body:
                body["data"] = "[FILTERED]"
    return Out(
        id=name, time=e.requestReceivedTimestamp, app="kubernetes", action=e.verb, category=category(e.verb),
        native_id=f"{e.auditID}/{e.stage}", outcome="failure" if (status.code or 200) >= 400 else "success",
        reason=status.message or status.reason, actor=Actor("user", e.user.username, e.user.username),
        target=Target(what.resource, None, what.name or e.requestURI), workspace=what.namespace,
        source_ip=e.sourceIPs[0] if e.sourceIPs else None, user_agent=e.userAgent,
        metadata=redact({"request": e.requestObject, "response": e.responseObject, "annotations": e.annotations,
                         "groups": e.user.groups, "uri": e.requestURI}),
    )  # fmt: skip


class _GcpWho(Struct):
    principalEmail: str | None = None
    principalSubject: str | None = None
    serviceAccountDelegationInfo: list[Json] | None = None


class _GcpFrom(Struct):
    callerIp: str | None = None
    callerSuppliedUserAgent: str | None = None


class _GcpStatus(Struct):
    code: int = 0
    message: str | None = None


class _GcpPayload(Struct):
    methodName: str
    resourceName: str = ""
    serviceName: str | None = None
    authenticationInfo: _GcpWho = msgspec.field(default_factory=_GcpWho)
    requestMetadata: _GcpFrom = msgspec.field(default_factory=_GcpFrom)
    status: _GcpStatus = msgspec.field(default_factory=_GcpStatus)
    authorizationInfo: list[Json] | None = None
    request: Json | None = None
    response: Json | None = None
    metadata: Json | None = None
    serviceData: Json | None = None


class _Gcp(Struct):
    protoPayload: _GcpPayload
    insertId: str
    timestamp: datetime
    resource: Json
    logName: str | None = None


def gcp(e: _Gcp, name: str) -> Out:
    said = e.protoPayload
    who, status = said.authenticationInfo, said.status
    return Out(
        id=name, time=e.timestamp, app="gcp", action=said.methodName, category=category(said.methodName),
        native_id=e.insertId, outcome="failure" if status.code else "success", reason=status.message,
        actor=Actor("user", who.principalSubject, None, who.principalEmail),
        target=Target(e.resource.get("type"), said.resourceName, said.resourceName.rpartition("/")[2]),
        workspace=(e.resource.get("labels") or {}).get("project_id"), source_ip=said.requestMetadata.callerIp,
        user_agent=said.requestMetadata.callerSuppliedUserAgent,
        metadata=redact({"request": said.request, "response": said.response, "metadata": said.metadata,
                         "service": said.serviceData, "authorization": said.authorizationInfo, "of": e.resource}),
    )  # fmt: skip


class _GitHub(Struct):
    action: str
    created_at: int
    actor: str | None = None
    actor_id: int | None = None
    actor_ip: str | None = None
    user: str | None = None
    user_id: int | None = None
    org: str | None = None
    org_id: int | None = None
    repo: str | None = None
    repo_id: int | None = None
    business: str | None = None
    user_agent: str | None = None
    reason: str | None = None
    document_id: str | None = msgspec.field(default=None, name="_document_id")
    operation_type: str | None = None
    actor_location: Json | None = None
    config: Json | None = None
    data: Json | None = None
    name: str | None = None
    visibility: str | None = None
    token_id: int | None = None
    status_code: int | None = None


def github(e: _GitHub, name: str) -> Out:
    target = Target("user", None, e.user) if e.user else Target("repository", None, e.repo or e.org)
    return Out(
        id=name, time=epoch(e.created_at), app="github", action=e.action, category=category(e.action),
        native_id=e.document_id, outcome="failure" if (e.status_code or 200) >= 400 else "success", reason=e.reason,
        actor=Actor("user", None if e.actor_id is None else str(e.actor_id), e.actor), target=target, workspace=e.org,
        source_ip=e.actor_ip, user_agent=e.user_agent,
        metadata=redact({"config": e.config, "data": e.data, "location": e.actor_location, "name": e.name,
                         "operation": e.operation_type, "visibility": e.visibility, "business": e.business}),
    )  # fmt: skip


class _OktaWho(Struct):
    id: str | None = None
    type: str | None = None
    alternateId: str | None = None
    displayName: str | None = None


class _OktaAgent(Struct):
    rawUserAgent: str | None = None


class _OktaClient(Struct):
    ipAddress: str | None = None
    userAgent: _OktaAgent | None = None
    geographicalContext: Json | None = None


class _OktaOutcome(Struct):
    result: str | None = None
    reason: str | None = None


class _Okta(Struct):
    uuid: str
    published: datetime
    eventType: str
    actor: _OktaWho
    outcome: _OktaOutcome
    client: _OktaClient | None = None
    target: list[_OktaWho] | None = None
    displayMessage: str | None = None
    severity: str | None = None
    debugContext: Json | None = None
    authenticationContext: Json | None = None
    securityContext: Json | None = None
    transaction: Json | None = None
    request: Json | None = None


def okta(e: _Okta, name: str) -> Out:
    client, first = e.client or _OktaClient(), e.target[0] if e.target else _OktaWho()
    return Out(
        id=name, time=e.published, app="okta", action=e.eventType, category=category(e.eventType), native_id=e.uuid,
        outcome="success" if e.outcome.result == "SUCCESS" else "failure", reason=e.outcome.reason,
        actor=Actor(e.actor.type, e.actor.id, e.actor.displayName, e.actor.alternateId),
        target=Target(first.type, first.id, first.displayName), source_ip=client.ipAddress,
        user_agent=client.userAgent.rawUserAgent if client.userAgent else None,
        metadata=redact({"debug": e.debugContext, "authentication": e.authenticationContext, "said": e.displayMessage,
                         "security": e.securityContext, "transaction": e.transaction, "request": e.request,
                         "where": client.geographicalContext, "severity": e.severity}),
    )  # fmt: skip


class _WorkspaceId(Struct):
    time: datetime
    uniqueQualifier: str
    applicationName: str
    customerId: str | None = None


class _WorkspaceWho(Struct):
    email: str | None = None
    profileId: str | None = None
    callerType: str | None = None
    key: str | None = None


class _WorkspaceEvent(Struct):
    name: str
    type: str | None = None
    parameters: list[Json] = []


class _Workspace(Struct):
    id: _WorkspaceId
    events: list[_WorkspaceEvent]
    actor: _WorkspaceWho = msgspec.field(default_factory=_WorkspaceWho)
    ipAddress: str | None = None
    ownerDomain: str | None = None


_WORKSPACE_TARGETS = {"USER_EMAIL": "user", "doc_title": "document", "GROUP_EMAIL": "group", "app_name": "application"}


def workspace(e: _Workspace, name: str) -> Out:
    event = e.events[0]
    values = {one.get("name"): one.get("value") for one in event.parameters}
    target = next((Target(kind, None, values[key]) for key, kind in _WORKSPACE_TARGETS.items() if key in values), None)
    return Out(
        id=name, time=e.id.time, app="google-workspace", action=event.name, category=category(event.name),
        native_id=e.id.uniqueQualifier, outcome="failure" if "fail" in event.name else "success",
        actor=Actor("user", e.actor.profileId, e.actor.key, e.actor.email), target=target or Target(),
        workspace=e.id.customerId, source_ip=e.ipAddress,
        metadata=redact({"parameters": event.parameters, "type": event.type, "application": e.id.applicationName}),
    )  # fmt: skip


class _Auth0Data(Struct):
    date: datetime
    type: str
    log_id: str
    ip: str | None = None
    user_agent: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    description: str | None = None
    client_id: str | None = None
    client_name: str | None = None
    tenant_name: str | None = None
    connection: str | None = None
    details: Json | None = None


class _Auth0(Struct):
    log_id: str
    data: _Auth0Data


def auth0(e: _Auth0, name: str) -> Out:
    d = e.data
    return Out(
        id=name, time=d.date, app="auth0", action=d.type, category=category(d.type), native_id=d.log_id,
        outcome="failure" if d.type.startswith("f") else "success", reason=d.description,
        actor=Actor("user", d.user_id, d.user_name), target=Target("application", d.client_id, d.client_name),
        workspace=d.tenant_name, source_ip=d.ip, user_agent=d.user_agent,
        metadata=redact({"details": d.details, "connection": d.connection}),
    )  # fmt: skip


class _Teleport(Struct):
    event: str
    code: str
    uid: str
    time: datetime
    user: str | None = None
    login: str | None = None
    cluster_name: str | None = None
    success: bool | None = None
    error: str | None = None
    addr_remote: str | None = msgspec.field(default=None, name="addr.remote")
    user_agent: str | None = None
    name: str | None = None
    server_id: str | None = None
    server_hostname: str | None = None
    db_service: str | None = None
    sid: str | None = None
    method: str | None = None
    message: str | None = None
    path: str | None = None
    command: str | None = None
    exitError: str | None = None
    identity: Json | None = None
    server_labels: Json | None = None


def teleport(e: _Teleport, name: str) -> Out:
    return Out(
        id=name, time=e.time, app="teleport", action=e.event, category=category(e.event), native_id=e.uid,
        outcome="failure" if e.success is False or e.error or e.exitError else "success", reason=e.error or e.exitError,
        actor=Actor("user", e.user, e.user), workspace=e.cluster_name, user_agent=e.user_agent,
        target=Target(e.event.partition(".")[0], e.server_id, e.name or e.server_hostname or e.db_service),
        source_ip=e.addr_remote.rpartition(":")[0] if e.addr_remote else None,
        metadata=redact({"login": e.login, "sid": e.sid, "method": e.method, "message": e.message, "path": e.path,
                         "command": e.command, "identity": e.identity, "labels": e.server_labels, "code": e.code}),
    )  # fmt: skip


class _VaultAuth(Struct):
    display_name: str | None = None
    entity_id: str | None = None
    policies: list[str] | None = None
    metadata: Json | None = None


class _VaultRequest(Struct):
    id: str
    operation: str
    path: str
    remote_address: str | None = None
    mount_type: str | None = None
    headers: Mapping[str, list[str]] | None = None
    namespace: Json | None = None
    data: Json | None = None


class _Vault(Struct):
    time: datetime
    type: str
    request: _VaultRequest
    auth: _VaultAuth | None = None
    response: Json | None = None
    error: str | None = None


def vault(e: _Vault, name: str) -> Out:
    asked, who = e.request, e.auth or _VaultAuth()
    agents = (asked.headers or {}).get("user-agent")
    return Out(
        id=name, time=e.time, app="vault", action=asked.operation, category=category(asked.operation),
        native_id=f"{asked.id}/{e.type}", outcome="failure" if e.error else "success", reason=e.error,
        actor=Actor("user", who.entity_id, who.display_name), target=Target(asked.mount_type, None, asked.path),
        source_ip=asked.remote_address, user_agent=agents[0] if agents else None,
        metadata=redact({"data": asked.data, "response": e.response, "namespace": asked.namespace,
                         "policies": who.policies, "who": who.metadata}),
    )  # fmt: skip


class _GitLabDetails(Struct):
    author_name: str | None = None
    author_email: str | None = None
    ip_address: str | None = None
    entity_path: str | None = None
    target_id: int | str | None = None
    target_type: str | None = None
    target_details: str | None = None
    change: str | None = None
    before: str | None = msgspec.field(default=None, name="from")
    after: str | None = msgspec.field(default=None, name="to")
    custom_message: Any = None
    event_name: str | None = None
    failed_login: str | None = None


class _GitLab(Struct):
    id: int | str
    author_id: int
    entity_id: int
    entity_type: str
    created_at: datetime
    details: _GitLabDetails


def gitlab(e: _GitLab, name: str) -> Out:
    d = e.details
    action = d.event_name or d.change or str(d.custom_message or "audit")
    return Out(
        id=name, time=e.created_at, app="gitlab", action=action, category=category(action), native_id=str(e.id),
        outcome="failure" if d.failed_login else "success",
        actor=Actor("user", str(e.author_id), d.author_name, d.author_email),
        target=Target(d.target_type, None if d.target_id is None else str(d.target_id), d.target_details),
        workspace=d.entity_path, source_ip=d.ip_address,
        changes={d.change: {"from": d.before, "to": d.after}} if d.change else None,
        metadata=redact({"entity": e.entity_id, "type": e.entity_type, "message": d.custom_message}),
    )  # fmt: skip


class _KeycloakWho(Struct):
    userId: str | None = None
    username: str | None = None
    ipAddress: str | None = None
    clientId: str | None = None


class _Keycloak(Struct):
    id: str
    time: int
    realmId: str
    type: str | None = None
    operationType: str | None = None
    userId: str | None = None
    sessionId: str | None = None
    ipAddress: str | None = None
    clientId: str | None = None
    error: str | None = None
    authDetails: _KeycloakWho | None = None
    resourceType: str | None = None
    resourcePath: str | None = None
    representation: str | None = None
    details: Json | None = None


def keycloak(e: _Keycloak, name: str) -> Out:
    action = e.operationType or e.type or ""
    who, details = e.authDetails or _KeycloakWho(), e.details or {}
    return Out(
        id=name, time=epoch(e.time), app="keycloak", action=action, category=category(action), native_id=e.id,
        outcome="failure" if e.error else "success", reason=e.error,
        actor=Actor("user", who.userId or e.userId, who.username or details.get("username")),
        target=Target(e.resourceType, (e.resourcePath or "").rpartition("/")[2]), workspace=e.realmId,
        source_ip=e.ipAddress or who.ipAddress,
        metadata=redact({"details": details, "client": e.clientId, "session": e.sessionId, "is": e.representation}),
    )  # fmt: skip


class _MailtrapOf(Struct):
    id: int | str | None = None
    type: str | None = None
    name: str | None = None


class _Mailtrap(Struct):
    event: str
    timestamp: int
    description: str | None = None
    actor: _MailtrapOf | None = None
    resource: _MailtrapOf | None = None
    changes: Json | None = None
    provider: str | None = None


def mailtrap(e: _Mailtrap, name: str) -> Out:
    who, what = e.actor or _MailtrapOf(), e.resource or _MailtrapOf()
    return Out(
        id=name, time=epoch(e.timestamp), app="mailtrap", action=e.event, category=category(e.event),
        outcome="failure" if "attempted" in e.event else "success", actor=Actor(who.type, str(who.id), who.name),
        target=Target(what.type, str(what.id), what.name), changes=redact(e.changes) if e.changes else None,
        metadata={"description": e.description, "provider": e.provider},
    )  # fmt: skip


def normaliser(form: type[Struct], make: Callable[[Any, str], Out]) -> Callable[[bytes], bytes]:
    """A function from a line to its bulk lines."""
    decode = msgspec.json.Decoder(form).decode
    encode = msgspec.json.Encoder().encode

    def bulk(line: bytes) -> bytes:
        name = hashlib.blake2b(line, digest_size=16).hexdigest()
        return b'{"create":{"_index":"x","_id":"%b"}}\n%b\n' % (name.encode(), encode(make(decode(line), name)))

    return bulk


BARE: Mapping[str, Callable[[bytes], bytes]] = {
    "aws-cloudtrail": normaliser(_CloudTrail, cloudtrail),
    "kubernetes-audit": normaliser(_Kubernetes, kubernetes),
    "gcp-audit": normaliser(_Gcp, gcp),
    "github-audit": normaliser(_GitHub, github),
    "okta-system-log": normaliser(_Okta, okta),
    "google-workspace": normaliser(_Workspace, workspace),
    "auth0": normaliser(_Auth0, auth0),
    "teleport": normaliser(_Teleport, teleport),
    "vault-audit": normaliser(_Vault, vault),
    "gitlab-audit": normaliser(_GitLab, gitlab),
    "keycloak-events": normaliser(_Keycloak, keycloak),
    "mailtrap": normaliser(_Mailtrap, mailtrap),
}
