"""Every test gets a home, a time zone and a git identity of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from agent_analytics_collector.home import Home

FIXTURES = Path(__file__).parent / "fixtures"

# Here too: tzlocal remembers the first zone it finds, which may be that of a module's fixture.
os.environ["TZ"] = "UTC"
time.tzset()

LONGEST = (
    "test_dbt_beside_loading.py", "test_benchmarks.py", "test_incremental.py", "test_prices.py",
    "test_agents.py", "test_commits.py", "test_costs.py", "test_kill.py", "test_watch.py",
    "test_recipes.py", "test_recorded_commits.py", "test_bad_input.py", "test_sdk_exporters.py",
)  # fmt: skip
"""Files of which one takes a minute: the last one begun decides when the run ends."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest first, then others with slow tests, the quick ones at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    places = {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        return places.get(item.path.name, len(places)) if item.path in slow else len(places) + 1

    items.sort(key=place)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The test's own state folder, made; the user's home is another one, empty."""
    root = tmp_path / "home"
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(root))
    user_home = tmp_path / "user"
    user_home.mkdir()
    monkeypatch.setenv("HOME", str(user_home))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME", "GEMINI_CLI_HOME",
                 "GIT_DIR", "GIT_INDEX_FILE", "XDG_CONFIG_HOME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test Dev")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "dev@example.com")
    made = Home(root)
    made.create()
    return made


@pytest.fixture
def fixtures() -> Path:
    """The folder of recordings."""
    return FIXTURES
