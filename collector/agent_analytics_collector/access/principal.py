"""Who a request comes from, and what that allows."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from agent_analytics_collector.errors import NotAllowed


class Scope(StrEnum):
    """What a key may be used for."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"


class Role(StrEnum):
    """Whose data somebody who may read sees: their own, their teams' sums, everybody's."""

    DEVELOPER = "developer"
    LEAD = "lead"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True):
    """Who a request comes from."""

    key_id: str
    """"installation" for the installation's own token, "local" for OTLP that needs no key."""
    developer_id: str | None
    """Whose key it is; None where the sender says by itself who the data is about: the
    installation's token, open OTLP on loopback, a gateway's key."""
    organisation: str | None
    scopes: frozenset[Scope]
    role: Role
    teams: tuple[str, ...] = ()
    expires_at: int | None = None
    """Seconds since 1970; None never."""

    @property
    def is_bound(self) -> bool:
        """Whether everything sent is this developer's, whatever headers and bodies say."""
        return self.developer_id is not None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


LOCAL = Principal("local", None, None, frozenset({Scope.INGEST}), Role.DEVELOPER)
"""An agent on this machine, where no keys were ever made."""
INSTALLATION = Principal("installation", None, None, frozenset(Scope), Role.ADMIN)
"""Who can read the home: the command line and whoever runs the server."""


def require(principal: Principal, scope: Scope) -> None:
    """Raises NotAllowed where the principal lacks the scope."""
    if not principal.may(scope):
        raise NotAllowed(
            f"Key {principal.key_id} may not {scope.value}; it has "
            f"{', '.join(sorted(principal.scopes))}. Whoever runs the server makes another with "
            f"`agent-analytics keys create --scope {scope.value}`."
        )
