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
