"""How long Claude Code waits for its status line: with limits it told before, and with new ones."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from agent_analytics_collector.home import Home
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import Failed, command, environment, scratch_home, wait_for

AIM = Aim(100.0, of="subject")
ROUNDS = {Size.FULL: 40, Size.QUICK: 15, Size.TINY: 1}
_KEPT_S = 20.0


def measure(size: Size) -> Measurement:
    """The command as Claude Code calls it, until its output is read to the end."""
    nothing: list[float] = []
    known: list[float] = []
    new: list[float] = []
    with scratch_home() as home:
        _publish_today(home)
        called, env = [*command(), "statusline"], environment(home)
        for used in range(1, ROUNDS[size] + 2):
            told = _told(used)
            new.append(_milliseconds(called, told, env))
            _wait_until_kept(home, used)
            known.append(_milliseconds(called, told, env))
            nothing.append(_milliseconds([sys.executable, "-c", "pass"], b"", env))
    # The first round compiles and caches what is not yet.
    return Measurement(
        "statusline: `agent-analytics statusline`",
        "`python -c pass`",
        [
            Figure("limits as before", "ms", known[1:], nothing[1:], AIM),
            Figure("new limits, kept in the background", "ms", new[1:], nothing[1:], AIM),
        ],
    )


def _told(used: int) -> bytes:
    windows = {
        name: {"used_percentage": used / 10, "resets_at": int(time.time()) // 3600 * 3600 + ahead}
        for name, ahead in (("five_hour", 9000), ("seven_day", 300_000))
    }
    told = {
        "session_id": "5d7c2a5e-6c50-4cf5-8fd4-0e3a0d3f4f11",
        "version": "2.1.330",
        "model": {"id": "claude-opus-4-5-20251101", "display_name": "Opus 4.5"},
        "cost": {"total_cost_usd": 1.25},
        "rate_limits": windows,
    }
    return json.dumps(told).encode()


def _publish_today(home: Home) -> None:
    folder = home.published / "run"
    folder.mkdir()
    (home.published / "current").symlink_to("run")
    now = time.time()
    today = {"begins_at": now - 3600, "ends_at": now + 86_400, "cost_usd": 12.5, "windows": []}
    (folder / "today.json").write_text(json.dumps(today), encoding="utf-8")


def _wait_until_kept(home: Home, used: int) -> None:
    """Until the outbox has the readings of this round and the child that put them there is gone."""
    kept = Path(home.outbox / "events.jsonl")
    wait_for(
        lambda: kept.exists() and f'"used_percentage":{used / 10},' in kept.read_text(),
        _KEPT_S,
        "the readings in the outbox",
    )
    time.sleep(0.3)


def _milliseconds(called: list[str], told: bytes, env: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(called, input=told, stdout=subprocess.PIPE, env=env, check=True)
    took_ms = (time.perf_counter() - began) * 1000
    if told and b"5h " not in done.stdout:
        raise Failed(f"the status line says {done.stdout!r}")
    return took_ms
