"""One build of all Claude recordings for the tests that only look, and homes for the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_collector.envelope import Envelope
from tests.conftest import FIXTURES
from tests.dbt.warehouse import Warehouse, problems, recorded

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


@dataclass(frozen=True)
class Compiled:
    """The project as dbt understands and documents it."""

    manifest: dict[str, Any]
    catalog: dict[str, Any]
    whole: dict[str, str]
    """Model → SQL of a full refresh."""

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """The models' nodes of the manifest by unique id."""
        nodes = self.manifest["nodes"]
        return {key: node for key, node in nodes.items() if node["resource_type"] == "model"}

    def variants(self, model: str) -> set[str]:
        """A model's SQL of a full refresh and of a run that adds to what is there."""
        [node] = [node for node in self.models.values() if node["name"] == model]
        return {self.whole[model], node["compiled_code"]}


@pytest.fixture(scope="session")
def compiled(built: Warehouse) -> Compiled:
    """`dbt compile` and `dbt docs generate` of `built`."""
    target = built.home.dbt_target
    run = built.dbt("compile", "--full-refresh")
    assert run.success, problems(run)
    whole = json.loads((target / "manifest.json").read_bytes())["nodes"].values()
    docs = built.dbt("docs", "generate")
    assert docs.success, problems(docs)
    return Compiled(
        json.loads((target / "manifest.json").read_bytes()),
        json.loads((target / "catalog.json").read_bytes()),
        {node["name"]: node["compiled_code"] for node in whole if "compiled_code" in node},
    )
