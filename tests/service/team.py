"""A collector that runs as a team's server, and a key of each sort."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_collector.access.keys import Key, create_key
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from tests.service.conftest import RunningService

INGEST, READ = Scope.INGEST, Scope.READ


@dataclass(frozen=True)
class TeamServer:
    home: Home
    running: RunningService
    tokens: dict[str, str]
    keys: dict[str, Key]

    def make(self, developer_id: str | None, **properties: object) -> tuple[str, Key]:
        """A key beside those that are there."""
        return make_key(self.home, developer_id, **properties)


def make_key(home: Home, developer_id: str | None, **properties: object) -> tuple[str, Key]:
    wanted: dict[str, object] = {"scopes": [INGEST]} | properties
    return create_key(home, Settings(), developer_id=developer_id, **wanted)  # type: ignore[arg-type]


@contextmanager
def team_server(root: Path, **flags: object) -> Iterator[TeamServer]:
    """One with keys of ada (two: only sending, and reading), bo, grace who leads, and root."""
    home = Home(root)
    home.create()
    made = {
        "ada": make_key(home, "ada", scopes=[INGEST, READ]),
        "ingest": make_key(home, "ada"),
        "read": make_key(home, "ada", scopes=[READ]),
        "bo": make_key(home, "bo", scopes=[INGEST, READ]),
        "lead": make_key(home, "grace", role=Role.LEAD, scopes=[INGEST, READ], teams=["core"]),
        "admin": make_key(home, "root", role=Role.ADMIN, scopes=list(Scope)),
        "gateway": make_key(home, None),
        "ending": make_key(home, "ada", days=3),
    }
    running = RunningService(home, **{"limits.requests_per_minute": 100_000} | flags)
    try:
        yield TeamServer(
            home,
            running,
            {who: token for who, (token, _) in made.items()},
            {who: key for who, (_, key) in made.items()},
        )
    finally:
        running.stop()
