"""All routes that read, for the API's application."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from agent_analytics_collector.api.reads.looks import looks_router
from agent_analytics_collector.api.reads.me import me_router
from agent_analytics_collector.api.reads.reader import Reader
from agent_analytics_collector.api.reads.usage import usage_router
from agent_analytics_collector.api.reads.views import views_router
from agent_analytics_collector.dashboards import load_dashboards
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings


def read_router(home: Home, settings: Settings, dashboards: Path) -> APIRouter:
    """The routes; `dashboards` is the folder of the views. Raises BadDashboard."""
    reader = Reader(home, settings)
    router = APIRouter()
    for each in (
        views_router(reader, load_dashboards(dashboards)),
        usage_router(reader),
        me_router(reader),
        looks_router(reader),
    ):
        router.include_router(each)
    return router
