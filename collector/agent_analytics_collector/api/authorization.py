"""What a route of the API asks of a request before it answers: a key that may do this.

A route says `principal: Ingesting` (or `Reading`, `Administering`) and is given who asks; or, for
its router, `dependencies=[Depends(wants(Scope.READ))]` and `request.state.principal`. The
application has its `Authenticator` in `app.state.authenticator`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.principal import Principal, Scope, require

_WHAT = "A key made with `agent-analytics keys create`, or the installation's token"
_BEARER = HTTPBearer(auto_error=False, description=_WHAT, bearerFormat="JWT")
_API_KEY = APIKeyHeader(name="x-api-key", auto_error=False, description=_WHAT)


def wants(scope: Scope | None) -> Callable[..., Awaitable[Principal]]:
    """A dependency that gives who asks; with None any key will do.

    Raises Unauthenticated, NotAllowed, KeysUnusable.
    """

    async def authorized(
        request: Request,
        _bearer: Annotated[Any, Security(_BEARER)],
        _api_key: Annotated[Any, Security(_API_KEY)],
    ) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        principal = authenticator.principal(request.headers, otlp=False)
        request.state.principal = principal
        if scope is not None:
            require(principal, scope)
        return principal

    return authorized


Known = Annotated[Principal, Depends(wants(None))]
Ingesting = Annotated[Principal, Depends(wants(Scope.INGEST))]
Reading = Annotated[Principal, Depends(wants(Scope.READ))]
Administering = Annotated[Principal, Depends(wants(Scope.ADMIN))]
