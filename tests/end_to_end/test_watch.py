"""What agents write while `up` runs arrives by itself."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from agent_analytics_collector.home import Home
from agent_analytics_collector.state import read_loader

from .conftest import Collector, StartUp, query, wait_for

pytestmark = pytest.mark.slow

ARRIVES_S = 120.0


def say(path: Path, *prompts: str) -> None:
    """Append prompts to a session file of Claude Code's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for prompt in prompts:
            line = {
                "type": "user", "sessionId": path.stem, "uuid": prompt,
                "timestamp": "2026-11-22T03:39:05.065Z", "message": {"content": "say hello"},
            }  # fmt: skip
            file.write(json.dumps(line) + "\n")


def arrived(home: Home) -> set[tuple[str, str]]:
    """(session, prompt) of the stored prompts."""
    if not read_loader(home).records.get("session_records"):
        return set()
    return set(
        query(
            home.database,
            "select session_id, payload->>'message_uuid' from raw_agent_session_records",
        )
    )


def only_the_loader_is_left(running: Collector) -> bool:
    """Whether no other child works; the loader waits half a minute for more, then ends."""
    with suppress(psutil.Error):
        commands = [" ".join(each.cmdline()) for each in running.group()]
        return sum("loader_process" not in command for command in commands) == 1
    return False


def test_new_lines_new_sessions_and_new_folders_arrive_while_it_runs(
    home: Home, up: StartUp
) -> None:
    projects = Path.home() / ".claude" / "projects"
    say(projects / "-p" / "before.jsonl", "1")
    running = up()
    wait_for("the first import", lambda: ("before", "1") in arrived(home), ARRIVES_S)

    say(projects / "-p" / "before.jsonl", "2", "3")
    wait_for("new lines", lambda: ("before", "3") in arrived(home), ARRIVES_S)
    assert arrived(home) == {("before", number) for number in "123"}
    # Only what was new was read.
    assert "2 records: 2 accepted" in (home.logs / "import.out").read_text()

    say(projects / "-new" / "folder" / "subagents" / "agent-1.jsonl", "4")
    wait_for("a new folder", lambda: ("agent-1", "4") in arrived(home), ARRIVES_S)
    with (projects / "-p" / "before.jsonl").open("a") as file:
        file.write('{"type":"user","sessionId":"before","uuid":"5","timestamp":"2026-11-22T')
    time.sleep(1)
    with (projects / "-p" / "before.jsonl").open("a") as file:
        file.write('03:40:05.065Z","message":{"content":"hi"}}\n')
    wait_for("a line in two halves", lambda: ("before", "5") in arrived(home), ARRIVES_S)
    assert running.stop() == 0
    assert "Error" not in running.err


def test_nothing_is_imported_by_itself_when_that_is_off(home: Home, up: StartUp) -> None:
    projects = Path.home() / ".claude" / "projects"
    say(projects / "-p" / "a.jsonl", "1")
    up(sessions_watch=False)
    wait_for("the first import", lambda: arrived(home), ARRIVES_S)
    say(projects / "-p" / "a.jsonl", "2")
    time.sleep(15)
    assert arrived(home) == {("a", "1")}


def test_watching_costs_next_to_nothing_while_nothing_changes(home: Home, up: StartUp) -> None:
    projects = Path.home() / ".claude" / "projects"
    for number in range(300):
        say(projects / f"-p-{number}" / "a.jsonl", str(number))
    running = up()
    wait_for("the first import", lambda: len(arrived(home)) == 300, ARRIVES_S)
    wait_for("the import's end", lambda: only_the_loader_is_left(running))
    process = psutil.Process(running.process.pid)
    before = process.cpu_times()
    time.sleep(20)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    assert used < 0.2  # a hundredth of a core, on a machine that does other things too
