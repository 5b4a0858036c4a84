"""What all records of one resource and scope share, worked out once."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from agent_analytics_collector.envelope import Envelope
from agent_analytics_collector.otlp.record_key import origin_digest
from agent_analytics_collector.otlp.values import Attributes, Json, attributes, encode
from agent_analytics_collector.text_policy import TextPolicy

_SESSION = ("session.id", "conversation.id", "gen_ai.conversation.id")
_OWN_ID = ("user.id", "installation.id")


@dataclass(frozen=True, slots=True)
class Origin:
    """Resource and scope of some records of one request."""

    resource: Attributes
    resource_attributes: bytes
    """JSON, after the text policy."""
    service_name: str | None
    scope_name: str | None
    scope_version: str | None
    session: str | None
    developer: str | None
    """Developer that header or resource name, whatever the record says."""
    digest: bytes
    created_at: int
    """Microseconds since 1970, as all times of the rows."""

    def session_id(self, record: Attributes) -> str | None:
        """The session of a record with these attributes."""
        return _first(_SESSION, record) or self.session

    def developer_id(self, record: Attributes) -> str | None:
        """Who sent a record with these attributes.

        An agent's own id, which is one per home directory and no person, is marked by a prefix.
        """
        named = self.developer or _label(record.get("developer.id"))
        if named:
            return named
        for found in (record, self.resource):
            for name in _OWN_ID:
                if own := _label(found.get(name)):
                    return f"{name}:{own}"
        return None


def origin(
    resource: Resource, scope: InstrumentationScope, envelope: Envelope, policy: TextPolicy
) -> Origin:
    """The origin of the records under one scope."""
    found = attributes(resource.attributes)
    gateway = _label(found.get("agent_analytics.developer_id"))
    developer = (
        envelope.headers.get("x-developer-id", "").strip()
        or (gateway if gateway != "unknown" else None)
        or _label(found.get("developer.id"))
    )
    return Origin(
        resource=found,
        resource_attributes=policy.attributes(found, encode(found)),
        service_name=_label(found.get("service.name")),
        scope_name=scope.name or None,
        scope_version=scope.version or None,
        session=_first(_SESSION, found),
        developer=developer,
        digest=origin_digest(found, scope.name, scope.version, attributes(scope.attributes)),
        created_at=envelope.received_at_ns // 1000,
    )


def _first(names: tuple[str, ...], found: Attributes) -> str | None:
    for name in names:
        value = found.get(name)
        if value and (label := _label(value)):
            return label
    return None


def _label(value: Json) -> str | None:
    """A value that names something, as text; None for empty, nested or absent ones."""
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None
