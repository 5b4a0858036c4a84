"""A laptop that sends to a server itself: away for weeks, over a bad way, killed in between."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_analytics_cli.outbound.flusher import flush_outbox, has_work
from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.warehouse.flush import flush

from ..cli.repositories import commit, make_repository
from ..forward.receiver import passing_to, receiving
from ..service.conftest import RunningService
from .conftest import query

pytestmark = pytest.mark.slow

RECORDS = "SELECT record_key, developer_id, agent, kind FROM raw_agent_session_records ORDER BY ALL"
COMMITS = "SELECT commit_hash, developer_id FROM raw_git_commits ORDER BY ALL"
IMPORT = [sys.executable, "-m", "agent_analytics_cli.main", "import", "--json"]


class Team:
    """A server with a key for Ada."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.create()
        self.key = create_key(
            self.home, Settings(), developer_id="ada@example.com", scopes=[Scope.INGEST]
        )[0]
        self.running = RunningService(self.home, **{"limits.requests_per_minute": 100_000})

    def stored(self, sql: str) -> list[tuple[Any, ...]]:
        flush(self.home, load_settings(self.home).settings, 60)
        return query(self.home.database, sql)


@pytest.fixture
def teams(tmp_path: Path) -> Iterator[tuple[Team, Team]]:
    """The server behind a bad way, and one that is reached at once, to compare with."""
    found = Team(tmp_path / "server"), Team(tmp_path / "compared")
    yield found
    for team in found:
        team.running.stop()


def send_to(home: Home, url: str, team: Team) -> None:
    """As `init --server --direct` has it."""
    home.config_file.write_text(yaml.safe_dump({"backend_url": url, "api_key": team.key}))


def run_import(timeout_s: int = 60) -> dict[str, Any]:
    done = subprocess.run(
        [*IMPORT, "--timeout", str(timeout_s)], capture_output=True, text=True, check=False
    )
    said: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(said["files_left"] or said["rejected"]), done.stderr
    return said


def import_and_kill(after_s: float) -> None:
    process = subprocess.Popen(IMPORT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(after_s)
    process.kill()
    process.wait()


def note(home: Home, made: str, git_dir: Path) -> None:
    with open(home.outbox / "noted", "a", encoding="utf-8") as file:
        file.write(f"commit\t{made}\t{git_dir}\n")


def test_what_was_kept_while_away_is_stored_exactly_once(
    home: Home, teams: tuple[Team, Team], fixtures: Path, tmp_path: Path
) -> None:
    for folder in sorted(fixtures.glob("*/*/home")):
        shutil.copytree(folder, Path.home(), dirs_exist_ok=True)
    repository = make_repository(tmp_path / "widgets")
    made = [commit(repository, f"change {number}", {f"f{number}": b"1\n"}) for number in range(6)]
    server, compared = teams
    chance = random.Random(11)

    with receiving() as closed:
        pass
    send_to(home, closed.url, server)  # offline
    for one in made[:3]:
        note(home, one, repository / ".git")
    flush_outbox(home, linger_s=0)
    assert has_work(home), "commits wait in the outbox"
    assert run_import(timeout_s=0)["files_left"] > 0

    url = server.running.state.api_url
    fates = ["well", "refused", "lost", "unanswered"]
    with receiving(passing_to(url, lambda: chance.choice(fates))) as way:
        send_to(home, way.url, server)
        for one in made[3:]:
            note(home, one, repository / ".git")
        for _ in range(4):
            import_and_kill(chance.uniform(0.5, 1.5))
        assert run_import()["files_left"] == 0
        give_up_at = time.monotonic() + 60
        while has_work(home) and time.monotonic() < give_up_at:
            flush_outbox(home, linger_s=0)
        assert not has_work(home)
        assert len(way.came) > len(way.taken)
        assert run_import()["records"] == 0, "nothing is left, and nothing is sent again"

    send_to(home, compared.running.state.api_url, compared)
    assert run_import()["duplicate"] == 0
    expected = compared.stored(RECORDS)
    assert len(expected) > 100
    assert server.stored(RECORDS) == expected
    assert server.stored(COMMITS) == sorted((one, "ada@example.com") for one in made)
