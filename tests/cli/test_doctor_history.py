"""`doctor` on what Claude Code deletes, from its settings files in their order of say."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent_analytics_cli.agents.claude_code import settings_files
from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

from ..service.conftest import RunningService
from .test_doctor import Line, configure, line

DAY_S = 24 * 3600.0


@pytest.fixture(autouse=True)
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's Claude Code folder; the session's project is another one, nothing is managed."""
    (tmp_path / "work/.claude").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(settings_files, "managed_files", lambda: [tmp_path / "managed.json"])
    folder = Path.home() / ".claude"
    folder.mkdir()
    return folder


@pytest.fixture
def running(home: Home) -> Iterator[RunningService]:
    service = RunningService(home)
    yield service
    service.stop()


def write_session(claude: Path, name: str, days_ago: float) -> None:
    path = claude / "projects" / "-p" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "type": "user", "sessionId": name, "cwd": "/nowhere", "uuid": name,
        "timestamp": "2026-11-22T03:39:05.065Z", "message": {"content": "say hello"},
    }  # fmt: skip
    path.write_text(json.dumps(told) + "\n")
    at = time.time() - days_ago * DAY_S
    os.utime(path, (at, at))


def history() -> tuple[str, str, str | None]:
    found: Line = line("history")
    return found["status"], found["detail"], found["next_step"]


def test_sessions_that_are_not_imported_and_when_they_go_are_told(home: Home, claude: Path) -> None:
    write_session(claude, "old", 20.5)
    write_session(claude, "older", 27.9)
    write_session(claude, "of today", 0.1)
    assert history() == (
        "warn",
        "Claude Code deletes sessions unused for 30 days (its default). 2 session files are not "
        "imported, and the oldest goes in 2 days.",
        "agent-analytics up",
    )
    write_session(claude, "past", 31)
    assert (
        "3 session files are not imported, and the oldest goes at its next start." in history()[1]
    )


def test_once_imported_all_is_well_and_stays_so_when_the_file_is_gone(
    home: Home, claude: Path, running: RunningService
) -> None:
    write_session(claude, "old", 20)
    assert history()[2] == "agent-analytics import"
    assert CliRunner().invoke(cli, ["import"]).exit_code == 0
    kept = (
        "ok",
        "Claude Code deletes sessions unused for 30 days (its default). All are imported, and what "
        "is imported stays.",
        None,
    )
    assert history() == kept
    (claude / "projects/-p/old.jsonl").unlink()
    assert history() == kept


@pytest.mark.parametrize(
    ("files", "origin", "days"),
    [
        ({"user": 90}, "user", 90),
        ({"user": 90, "project": 60}, "project", 60),
        ({"user": 90, "project": 60, "local": 50}, "local", 50),
        ({"user": 90, "local": 50, "managed": 40}, "managed", 40),
        ({"user": 90, "managed": "forty"}, "user", 90),
        ({"user": True}, None, 30),
    ],
)
def test_the_file_with_the_last_word_counts(
    claude: Path, tmp_path: Path, files: dict[str, object], origin: str | None, days: int
) -> None:
    paths = {
        "user": claude / "settings.json",
        "project": tmp_path / "work/.claude/settings.json",
        "local": tmp_path / "work/.claude/settings.local.json",
        "managed": tmp_path / "managed.json",
    }
    for name, value in files.items():
        paths[name].write_text(json.dumps({"cleanupPeriodDays": value}))
    status, said, _ = history()
    assert status == "ok"
    assert f"unused for {days} days{'' if origin else ' (its default)'}." in said
    # With so few that it is worth a word, the file to change is named.
    if origin:
        paths[origin].write_text('{"cleanupPeriodDays": 2}')
        assert history() == (
            "warn",
            "Claude Code deletes sessions unused for 2 days. All are imported so far.",
            f'Set "cleanupPeriodDays": 365 in {paths[origin]}',
        )


def test_keeping_nothing_at_all_is_a_warning(claude: Path) -> None:
    (claude / "settings.json").write_text('{\n  // none\n  "cleanupPeriodDays": 0\n}')
    status, said, step = history()
    assert status == "warn"
    assert f"cleanupPeriodDays is 0 in {claude / 'settings.json'}" in said
    assert step == f'Set "cleanupPeriodDays": 365 in {claude / "settings.json"}'


def test_without_claude_code_there_is_nothing_to_lose(home: Home, claude: Path) -> None:
    claude.rmdir()
    assert history() == ("ok", "Claude Code has no sessions here.", None)
    configure(home, "enabled_agents: [codex]\n")
    assert history() == ("ok", "Claude Code is not enabled.", None)
