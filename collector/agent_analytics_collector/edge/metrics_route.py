"""`GET /metrics`: for Prometheus, which comes with an administrator's key."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from agent_analytics_collector.access.principal import Role
from agent_analytics_collector.api.authorization import Reading
from agent_analytics_collector.api.openapi import problems
from agent_analytics_collector.edge.metrics import CONTENT_TYPE, Metrics
from agent_analytics_collector.errors import NotAllowed


def metrics_router(metrics: Metrics) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/metrics",
        summary="Figures of the collector itself",
        description="Prometheus' text format. Wants a key that reads, with the role admin.",
        responses={
            200: {
                "content": {"text/plain": {"schema": {"type": "string"}}},
                "description": "All metrics",
            },
            **problems(401, 403, 503),
        },
        response_class=Response,
    )
    async def read(principal: Reading) -> Response:
        if principal.role is not Role.ADMIN:
            raise NotAllowed(
                f"Key {principal.key_id} has the role {principal.role.value}; the collector's own "
                "figures need admin."
            )
        return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE)

    return router
