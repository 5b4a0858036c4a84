"""One line for Claude Code's status line, whatever it is told; new limits are kept and sent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.statusline import readings as statusline_readings
from agent_analytics_cli.statusline.facts import Facts, Window, read_facts
from agent_analytics_cli.statusline.readings import keep_readings, store_readings
from agent_analytics_cli.statusline.text import as_json, as_line, duration
from agent_analytics_collector.home import Home
from tests.warehouse.test_replacing import query

from .conftest import StartCollector

NOW = 1_795_345_200.0
MODEL = {"id": "claude-opus-4-5-20251101", "display_name": "Opus 4.5"}
# As Claude Code's documentation has it, without what is not read.
TOLD: dict[str, Any] = {
    "session_id": "5d7c2a5e-6c50-4cf5-8fd4-0e3a0d3f4f11",
    "transcript_path": "/home/me/.claude/projects/x/5d7c.jsonl",
    "cwd": "/home/me/x",
    "version": "2.1.330",
    "model": MODEL,
    "workspace": {"current_dir": "/home/me/x", "project_dir": "/home/me/x"},
    "cost": {"total_cost_usd": 1.234, "total_duration_ms": 45000, "total_lines_added": 156},
    "context_window": {"used_percentage": 8, "context_window_size": 200000},
    "rate_limits": {
        "five_hour": {"used_percentage": 24.4, "resets_at": NOW + 7800},
        "seven_day": {"used_percentage": 81, "resets_at": NOW + 300_000},
    },
}
PROGRAM = (sys.executable, "-m", "agent_analytics_cli.main", "statusline")


def line(told: object, home: Home, now: float = NOW) -> str:
    return as_line(read_facts(json.dumps(told).encode(), home, now), now)


def run(told: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*PROGRAM, *arguments], input=told, capture_output=True, check=False)
    return subprocess.CompletedProcess((), done.returncode, done.stdout.decode(),
                                       done.stderr.decode())  # fmt: skip


def told_now(**limits: float) -> bytes:
    """Windows by their used percentages, which reset in an hour."""
    resets_at = int(time.time()) + 3600
    windows = {name: {"used_percentage": u, "resets_at": resets_at} for name, u in limits.items()}
    return json.dumps(TOLD | {"rate_limits": windows}).encode()


def wait_for(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def publish_today(home: Home, **changes: Any) -> None:
    folder = home.published / "run-1"
    folder.mkdir(parents=True)
    (home.published / "current").symlink_to("run-1")
    today = {"day": "2026-11-22", "begins_at": NOW - 3600, "ends_at": NOW + 3600,
             "cost_usd": 4.5, "is_lower_bound": False, "windows": []}  # fmt: skip
    (folder / "today.json").write_text(json.dumps(today | changes))


def test_it_says_model_costs_and_each_window_with_its_pace(home: Home) -> None:
    publish_today(home)
    assert line(TOLD, home) == (
        "Opus 4.5 · session $1.23 · today $4.50 · 5h 24% (pace 0.4, resets 2h10m) · "
        "7d 81% (pace 1.6, out in 19h51m)"
    )


def test_json_has_the_exact_numbers(home: Home) -> None:
    facts = read_facts(json.dumps(TOLD).encode(), home, NOW)
    told = as_json(facts, NOW)
    assert (told["session_cost_usd"], told["today_cost_usd"]) == (1.234, None)
    five, seven = told["windows"]
    assert five == {
        "window": "five_hour", "used_percentage": 24.4, "resets_at": "2026-11-22T13:10:00+00:00",
        "pace": pytest.approx(0.244 / (1 - 7800 / 18000)), "runs_out_at": None,
        "cost_usd": None, "estimated": False,
    }  # fmt: skip
    elapsed = 7 * 86_400 - 300_000
    assert seven["pace"] == pytest.approx(0.81 / (elapsed / (7 * 86_400)))
    assert seven["runs_out_at"].startswith("2026-11-23T06:51:36")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_lower_bound": True}, "today ≥ $4.50"),
        ({"cost_usd": 0.0}, "today $0.00"),
        ({"cost_usd": 0.001}, "today <$0.01"),
        ({"cost_usd": 1234.5}, "today $1,234.50"),
        ({"cost_usd": None, "is_lower_bound": True}, "today —"),
        ({"ends_at": NOW}, "today —"),
        ({"begins_at": NOW + 1}, "today —"),
    ],
)
def test_what_is_not_known_of_today_is_no_zero(
    home: Home, changes: dict[str, Any], expected: str
) -> None:
    """A run that was published yesterday says nothing of today."""
    publish_today(home, **changes)
    assert line({"model": MODEL}, home) == f"Opus 4.5 · session — · {expected}"


def test_published_windows_show_until_claude_code_tells_its_own(home: Home) -> None:
    windows = [
        {"window": "five_hour", "used_percentage": None, "resets_at": NOW + 300, "cost_usd": 3.25},
        {"window": "seven_day", "used_percentage": 50.0, "resets_at": NOW - 1, "cost_usd": 9},
    ]
    publish_today(home, windows=windows)
    assert line({}, home).endswith("today $4.50 · 5h $3.25 (estimated, ends 5m)")
    assert "estimated" not in line(TOLD, home)


def test_what_has_ended_or_is_no_percentage_is_left_out(home: Home) -> None:
    limits = {
        "five_hour": {"used_percentage": 50, "resets_at": NOW},
        "seven_day": {"used_percentage": 1001, "resets_at": NOW + 60},
        "minus": {"used_percentage": -1, "resets_at": NOW + 60},
        "most": {"used_percentage": 1000, "resets_at": NOW + 60},
    }
    assert line({"rate_limits": limits}, home).split(" · ")[3:] == ["most 1000% (resets 1m)"]
    del limits["most"]
    publish_today(home, windows=[{"window": "seven_day", "used_percentage": 7,
                                  "resets_at": NOW + 60, "cost_usd": 1}])  # fmt: skip
    facts = read_facts(json.dumps({"rate_limits": limits}).encode(), home, NOW)
    assert ([w.used_percentage for w in facts.windows], facts.told) == ([7], False)


def test_a_window_beyond_its_limit_and_one_of_a_model(home: Home) -> None:
    limits = {
        "five_hour": {"used_percentage": 105, "resets_at": NOW + 1800},
        "seven_day_opus": {"used_percentage": 3.6, "resets_at": NOW + 604_800},
        "unheard_of": {"used_percentage": 7},
        "without": {"resets_at": NOW},
    }
    assert line({"rate_limits": limits}, home).split(" · ")[3:] == [
        "5h 105% (pace 1.2, resets 30m)", "7d opus 4% (resets 7d0h)", "unheard_of 7%",
    ]  # fmt: skip


def test_a_window_runs_out_when_its_even_pace_says() -> None:
    window = Window("five_hour", 50.0, NOW + 4 * 3600)
    assert window.pace(NOW) == pytest.approx(2.5)
    assert window.runs_out_at(NOW) == pytest.approx(NOW + 3600)
    assert Window("five_hour", 10.0, NOW + 3600).runs_out_at(NOW) is None
    assert Window("five_hour", 0.0, NOW + 3600).runs_out_at(NOW) is None
    assert Window("weekly", 10.0, NOW + 3600).pace(NOW) is None
    assert [duration(s) for s in (-5, 59, 3600, 90_000)] == ["0m", "0m", "1h00m", "1d1h"]


@pytest.mark.parametrize(
    "told",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"model": 5, "cost": []}',
     b'{"cost": {"total_cost_usd": "1"}, "rate_limits": {"five_hour": 3, "": {}}}',
     b'{"model": {"display_name": "\\u001b[31mred\\nline"}, "cost": {"total_cost_usd": -1}}',
     b'{"cost": {"total_cost_usd": 1e999}, "rate_limits": {"a": {"used_percentage": true}}}'],
)  # fmt: skip
def test_nonsense_is_unknown_and_still_one_line(told: bytes, home: Home) -> None:
    done = run(told)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "— · session — · today —\n"


def test_damage_in_the_home_is_no_trouble(home: Home) -> None:
    publish_today(home)
    home.today.write_bytes(b"\xff")
    home.outbox.rmdir()
    home.outbox.write_text("no folder")
    done = run(told_now(five_hour=5))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Opus 4.5 · session $1.23 · today — · 5h 5% ")
    home.run.rmdir()
    home.root.chmod(0o500)
    try:
        assert run(b"{}").stdout == "— · session — · today —\n"
    finally:
        home.root.chmod(0o700)


def test_who_keeps_standard_input_open_is_not_waited_for_long(home: Home) -> None:
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"model": MODEL}).encode())
        process.stdin.flush()
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read().decode() == "Opus 4.5 · session — · today —\n"


def waiting(home: Home) -> list[dict[str, Any]]:
    """What the outbox has."""
    try:
        lines = (home.outbox / "events.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def test_new_readings_wait_in_the_outbox_each_once(home: Home) -> None:
    (Path.home() / ".claude.json").write_text('{"oauthAccount": {"accountUuid": "acc-1"}, "x": 1}')
    told = told_now(five_hour=24.4, seven_day=81)
    run(told)
    wait_for(lambda: (home.run / "limits.json").exists())
    run(told)
    entries = waiting(home)
    assert [entry["path"] for entry in entries] == ["/v1/session-records"] * 2
    assert entries[0]["body"] == {
        "agent": "claude_code", "session_id": TOLD["session_id"], "kind": "rate_limit",
        "timestamp": entries[0]["body"]["timestamp"],
        "payload": {
            "window": "five_hour", "used_percentage": 24.4, "account": "acc-1",
            "resets_at": json.loads(told)["rate_limits"]["five_hour"]["resets_at"],
            "agent_version": "2.1.330", "source": "status_line",
        },
    }  # fmt: skip
    changed = json.loads(told)
    changed["rate_limits"]["five_hour"]["used_percentage"] = 25
    run(json.dumps(changed).encode())
    wait_for(lambda: len(waiting(home)) > 2)
    assert [e["body"]["payload"]["used_percentage"] for e in waiting(home)] == [24.4, 81, 25]


def facts(resets_at: float | None = NOW + 60, **used: float) -> Facts:
    windows = tuple(Window(name, percent, resets_at) for name, percent in used.items())
    return Facts("s", None, None, None, None, False, windows, told=True)


def test_two_sessions_that_hear_the_same_keep_it_once(home: Home) -> None:
    for now in (NOW, NOW + 1):
        store_readings(facts(five_hour=1.5), home, now)
    store_readings(facts(five_hour=1.5, seven_day=2), home, NOW + 2)
    assert [entry["body"]["payload"]["window"] for entry in waiting(home)] == [
        "five_hour", "seven_day",
    ]  # fmt: skip


def percentages(home: Home) -> list[tuple[str | None, float]]:
    """(account, used percentage) of what waits."""
    payloads = [entry["body"]["payload"] for entry in waiting(home)]
    return [(payload.get("account"), payload["used_percentage"]) for payload in payloads]


def test_an_idle_session_that_redraws_an_old_percentage_tells_nothing(home: Home) -> None:
    for now, used in enumerate((20, 30, 20, 30, 20, 31, 30)):
        store_readings(facts(five_hour=used), home, NOW + now)
    assert percentages(home) == [(None, 20), (None, 30), (None, 31)]


def test_a_newer_window_counts_from_its_first_reading_and_an_older_one_no_more(
    home: Home,
) -> None:
    old, new = NOW + 1200, NOW + 18_000
    told = [(old, 90), (old + 20, 80), (new, 2), (old, 99), (new - 20, 2), (new, 3), (None, 50)]
    for resets_at, used in told:
        store_readings(facts(resets_at, five_hour=used), home, NOW)
    assert [used for _, used in percentages(home)] == [90, 2, 3]


def test_a_reset_that_no_window_has_does_not_keep_out_what_follows(home: Home) -> None:
    for resets_at, used in ((NOW * 1000, 9), (NOW + 3600, 5), (NOW + 3600, 6)):
        store_readings(facts(resets_at, five_hour=used), home, NOW)
    assert [used for _, used in percentages(home)] == [9, 5, 6]


def log_in(account: str) -> None:
    (Path.home() / ".claude.json").write_text(f'{{"oauthAccount": {{"accountUuid": "{account}"}}}}')


def test_two_accounts_have_percentages_of_their_own(home: Home) -> None:
    for account, used in (("one", 50), ("two", 10), ("one", 50), ("two", 10), ("two", 11)):
        log_in(account)
        store_readings(facts(five_hour=used), home, NOW)
    assert percentages(home) == [("one", 50), ("two", 10), ("two", 11)]


def test_redraws_of_two_sessions_and_two_accounts_start_no_process(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [("one", 50), ("one", 40), ("two", 10)]
    for account, used in told:
        log_in(account)
        store_readings(facts(five_hour=used), home, NOW)
    started: list[Callable[[], None]] = []
    monkeypatch.setattr(statusline_readings, "_in_background", started.append)
    for account, used in told * 2:
        log_in(account)
        keep_readings(facts(five_hour=used), home, NOW + 1)
    assert started == []
    keep_readings(facts(five_hour=12), home, NOW + 1)
    assert len(started) == 1


@pytest.mark.parametrize(
    "damage", ["[]", "{", '{"": 5}', '{"": {"five_hour": [1]}}', '{"five_hour": [20, 1e10]}']
)
def test_damaged_memory_is_none(home: Home, damage: str) -> None:
    (home.run / "limits.json").write_text(damage)
    store_readings(facts(five_hour=20), home, NOW)
    assert percentages(home) == [(None, 20)]


def test_nothing_is_written_where_nothing_is_set_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(tmp_path / "nowhere"))
    assert "5h 5%" in run(told_now(five_hour=5)).stdout
    time.sleep(0.3)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
def test_a_running_collector_has_the_reading_in_its_own_table(
    home: Home, start_collector: StartCollector
) -> None:
    start_collector()
    run(told_now(five_hour=33))
    wait_for(lambda: (home.run / "limits.json").exists())
    wait_for(lambda: not waiting(home))
    subprocess.run([*PROGRAM[:-1], "flush"], check=True, capture_output=True)
    assert query(
        home.database,
        'SELECT agent, session_id, "window", used_percentage, source FROM raw_rate_limits',
    ) == [("claude_code", TOLD["session_id"], "five_hour", 33.0, "status_line")]
    assert query(home.database, "SELECT count(*) FROM raw_agent_session_records") == [(0,)]


def test_nothing_heavy_is_imported_for_the_line(home: Home) -> None:
    script = (
        "import sys\nfrom agent_analytics_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'dbt', 'duckdb', 'httpx', 'pydantic', 'msgspec', 'yaml', 'grpc', 'structlog',"
        " 'rich.console'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "statusline"],
        input=told_now(five_hour=5), capture_output=True, check=True,
        env={"AGENT_ANALYTICS_HOME": str(home.root), "LC_ALL": "POSIX", "PYTHONUTF8": "0"},
    )  # fmt: skip
    line, imported = done.stdout.decode().splitlines()
    assert line.startswith("Opus 4.5 · session $1.23 · today — · 5h 5% ")
    assert imported == "[]"
