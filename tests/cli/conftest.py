"""A real collector and a real repository for tests of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent_analytics_collector.home import Home

from ..service.conftest import RunningService
from .repositories import make_repository

StartCollector = Callable[[], RunningService]


@pytest.fixture
def start_collector(home: Home) -> Iterator[StartCollector]:
    """Start a collector of the test's home; it ends with the test."""
    started: list[RunningService] = []

    def start() -> RunningService:
        started.append(RunningService(home))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty git repository."""
    return make_repository(tmp_path / "widgets")
