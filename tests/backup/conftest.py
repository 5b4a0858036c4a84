"""Loading without pauses."""

from __future__ import annotations

import pytest

from agent_analytics_collector.warehouse import loader as loader_module


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else needs the file in these tests."""
    monkeypatch.setattr(loader_module, "LEAST_PAUSE_S", 0.0)
    monkeypatch.setattr(loader_module, "PROBLEM_PAUSE_S", 0.0)
