"""The watcher in trouble; what it does in peace is shown with the real `up`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import watchfiles

from agent_analytics_cli.sessions import watch as session_watch
from agent_analytics_cli.sessions.watch import watch_sessions
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

from ..service.conftest import RunningService
from .conftest import StartCollector


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SETTLE_S", 0.05), ("PAUSE_S", 0.2), ("LONGEST_PAUSE_S", 0.4)):
        monkeypatch.setattr(session_watch, name, seconds)


def say(name: str) -> None:
    """Append a prompt to a session of Claude Code's."""
    path = Path.home() / ".claude" / "projects" / "-p" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        line = {
            "type": "user", "sessionId": name, "timestamp": "2026-11-22T03:39:05.065Z",
            "message": {"content": "say hello"},
        }  # fmt: skip
        file.write(json.dumps(line) + "\n")


def imported(home: Home) -> set[str]:
    """Names of the files that were delivered."""
    try:
        return {Path(path).stem for path in json.loads((home.data / "imported.json").read_text())
                ["files"]}  # fmt: skip
    except FileNotFoundError:
        return set()


def watch(home: Home, steps: list[tuple[Callable[[], object], str]]) -> None:
    """Watch while each step is taken; after each, wait until a session of that name arrived."""

    async def run() -> None:
        welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(watch_sessions(home, Settings(), welcomed))
        await asyncio.sleep(0.3)
        welcomed.set_result(None)
        try:
            async with asyncio.timeout(120):
                for take, name in steps:
                    await asyncio.to_thread(take)
                    while name and name not in imported(home):
                        assert not task.done()
                        await asyncio.sleep(0.05)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_what_nobody_tells_of_is_found_by_looking(
    home: Home, start_collector: StartCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_watches(*_: object, **__: object) -> None:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "awatch", no_watches)
    monkeypatch.setattr(session_watch, "LOOK_S", 0.2)
    start_collector()
    say("first")
    watch(home, [(lambda: None, "first"), (lambda: say("second"), "second")])


def test_an_agent_that_comes_later_is_watched_too(
    home: Home, start_collector: StartCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_watch, "_FOLDERS_S", 0.2)
    start_collector()
    watch(home, [(lambda: say("first"), "first"), (lambda: say("second"), "second")])


def test_an_import_that_fails_is_tried_again(home: Home, start_collector: StartCollector) -> None:
    say("before")
    started: list[RunningService] = []

    def wait_for_the_failure() -> None:
        say("during")
        output = home.logs / "import.out"
        for _ in range(1200):
            if output.exists() and "No collector is running" in output.read_text():
                return
            time.sleep(0.05)
        raise AssertionError("the import did not fail")

    watch(home, [(wait_for_the_failure, ""), (lambda: started.append(start_collector()), "during")])
    assert imported(home) == {"before", "during"}
