"""One build of all Claude recordings for the tests that only look, and homes for the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent_analytics_collector.envelope import Envelope
from tests.conftest import FIXTURES
from tests.dbt.warehouse import Warehouse, recorded

SCENARIOS = sorted(path.name for path in (FIXTURES / "claude").iterdir())


@pytest.fixture(scope="session")
def recordings() -> dict[str, list[Envelope]]:
    """The requests of every Claude scenario by its name."""
    return {name: recorded(FIXTURES / "claude" / name) for name in SCENARIOS}


@pytest.fixture(scope="session")
def built(
    tmp_path_factory: pytest.TempPathFactory, recordings: dict[str, list[Envelope]]
) -> Warehouse:
    """All scenarios, loaded in order and built once. Look, do not change."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    warehouse.load(envelope for name in SCENARIOS for envelope in recordings[name])
    warehouse.build()
    return warehouse


@pytest.fixture
def new_warehouse(tmp_path: Path) -> Callable[[], Warehouse]:
    """Makes empty warehouses."""
    numbers = iter(range(1000))
    return lambda: Warehouse(tmp_path / f"warehouse_{next(numbers)}")
