"""What stays of a spooled request when one person's records are taken out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from agent_analytics_collector.envelope import DEVELOPER_HEADER, OTLP_SIGNALS, Encoding, Envelope
from agent_analytics_collector.errors import Undecodable
from agent_analytics_collector.otlp.check import points
from agent_analytics_collector.otlp.messages import Request, parse
from agent_analytics_collector.otlp.origin import Origin, origin
from agent_analytics_collector.otlp.values import Attributes, attributes
from agent_analytics_collector.privacy.subject import Subject
from agent_analytics_collector.spool.erasing import Rest
from agent_analytics_collector.text_policy import TextPolicy

_NAMES = ("author_email", "actor", "contributor", "developer_id")
_SESSIONS = ("session_id", "agent_session_id")
_COMMITS = ("commit_hash", "old_hash", "new_hash")
_EMAIL = "user.email"
_POLICY = TextPolicy(include_text=True)


def rest_of(envelope: Envelope, subject: Subject) -> Rest | None:
    """The request without the person's records; None when it holds none of them."""
    if envelope.signal in OTLP_SIGNALS:
        return _otlp_rest(envelope, subject)
    return _api_rest(envelope, subject)


def _api_rest(envelope: Envelope, subject: Subject) -> Rest | None:
    sender = envelope.headers.get(DEVELOPER_HEADER)
    records = orjson.loads(envelope.body)
    kept = [record for record in records if not _is_theirs(record, sender, subject)]
    headers = envelope.headers
    if subject.is_named(sender):
        # Commits of others that the person reported stay, without saying who did.
        headers = {name: value for name, value in headers.items() if name != DEVELOPER_HEADER}
    elif len(kept) == len(records):
        return None
    body = orjson.dumps(kept)
    return Rest(dataclasses.replace(envelope, body=body, headers=headers), len(kept))


def _is_theirs(record: dict[str, Any], sender: str | None, subject: Subject) -> bool:
    """As `rows.is_about` says it of stored rows."""
    get = record.get
    if any(get(name) in subject.commits for name in _COMMITS):
        return True
    if subject.is_named(sender) and not get("author_email"):
        return True
    if any(subject.is_named(get(name)) for name in _NAMES):
        return True
    is_commit = "author_email" in record
    return not is_commit and any(get(name) in subject.sessions for name in _SESSIONS)


def _otlp_rest(envelope: Envelope, subject: Subject) -> Rest | None:
    if subject.is_named(envelope.headers.get(DEVELOPER_HEADER)):
        return Rest(envelope, 0)
    try:
        message = parse(envelope.signal, envelope.encoding, envelope.body).message
    except Undecodable:
        return Rest(envelope, 0) if subject.is_found_in(envelope.body) else None
    gone, left = 0, 0
    for home, records in _containers(message, envelope):
        kept = [one for one in records if not _is_from(home, attributes(one.attributes), subject)]
        gone, left = gone + len(records) - len(kept), left + len(kept)
        if len(kept) < len(records):
            del records[:]
            records.extend(kept)
        gone += sum([_forget_account(one.attributes, subject) for one in kept])
    gone += sum([_forget_account(one.resource.attributes, subject) for one in _resources(message)])
    if not gone:
        return None
    _drop_empty(message)
    body = message.SerializeToString()
    return Rest(dataclasses.replace(envelope, body=body, encoding=Encoding.PROTOBUF), left)


def _is_from(home: Origin, found: Attributes, subject: Subject) -> bool:
    developer = home.developer_id(found)
    if subject.is_named(developer) or home.session_id(found) in subject.sessions:
        return True
    # Another developer's record is theirs, whose account it was that they used.
    is_anothers = developer is not None and ".id:" not in developer
    return not is_anothers and any(
        subject.is_named(named.get(_EMAIL)) for named in (found, home.resource)
    )


def _forget_account(pairs: Any, subject: Subject) -> bool:
    """Take the person's address out of attributes of others; whether it was there."""
    kept = [
        one for one in pairs
        if one.key != _EMAIL or not subject.is_named(one.value.string_value)
    ]  # fmt: skip
    is_changed = len(kept) < len(pairs)
    if is_changed:
        del pairs[:]
        pairs.extend(kept)
    return is_changed


def _containers(message: Request, envelope: Envelope) -> Iterator[tuple[Origin, Any]]:
    """Each list of records with what they have in common."""
    for resource, scope in _scopes(message):
        home = origin(resource.resource, scope.scope, envelope, _POLICY)
        if hasattr(scope, "metrics"):
            for metric in scope.metrics:
                kind, _ = points(metric)
                if kind is not None:
                    yield home, getattr(metric, kind).data_points
        else:
            yield home, scope.log_records if hasattr(scope, "log_records") else scope.spans


def _scopes(message: Any) -> Iterator[tuple[Any, Any]]:
    for resource in _resources(message):
        for scope in _list_of(resource, ("scope_logs", "scope_metrics", "scope_spans")):
            yield resource, scope


def _resources(message: Any) -> Any:
    return _list_of(message, ("resource_logs", "resource_metrics", "resource_spans"))


def _list_of(message: Any, names: tuple[str, ...]) -> Any:
    return next(getattr(message, name) for name in names if hasattr(message, name))


def _drop_empty(message: Any) -> None:
    """Take out what holds no record any more: resources name persons, too."""

    def filled(resource: Any) -> bool:
        scopes = _list_of(resource, ("scope_logs", "scope_metrics", "scope_spans"))
        return any(any(_records(scope)) for scope in scopes)

    _keep(_resources(message), filled)


def _records(scope: Any) -> Iterator[bool]:
    if hasattr(scope, "metrics"):
        for metric in scope.metrics:
            kind, found = points(metric)
            yield kind is not None and any(True for _ in found)
    else:
        yield bool(scope.log_records if hasattr(scope, "log_records") else scope.spans)


def _keep(items: Any, wanted: Callable[[Any], bool]) -> None:
    kept = [item for item in items if wanted(item)]
    del items[:]
    items.extend(kept)
