"""Limits from readings to the status line: loaded, built, published, shown."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.warehouse.publish import publish_new_runs
from tests.dbt.records import delivered
from tests.dbt.telemetry import api_request
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


def request(
    request_id: str, at: datetime, cost_usd: float | None, developer: str, session: str
) -> Envelope:
    """Without a cost it is of a model that has no price either."""
    reported: dict[str, Any] = {} if cost_usd is None else {"cost_usd": cost_usd}
    sent = api_request(
        request_id, "claude-opus-4-6" if reported else "nobody-knows", f"{at:%Y-%m-%d %H:%M:%S}",
        session=session, input_tokens=10, output_tokens=5, **reported,
    )  # fmt: skip
    return replace(sent, headers={"x-developer-id": developer})


def reading(agent: str, at: datetime, session: str = "s", **payload: Any) -> dict[str, Any]:
    told = {key: v.timestamp() if isinstance(v, datetime) else v for key, v in payload.items()}
    return {"agent": agent, "session_id": session, "kind": "rate_limit",
            "timestamp": at.isoformat(), "payload": told}  # fmt: skip


REQUESTS = [
    ("r-before", NOW - 3 * HOUR, 1.0, "jo", "s"),
    ("r-in", NOW - HOUR, 10.0, "jo", "s"),
    ("r-after", NOW - HOUR / 4, 2.0, "jo", "s-idle"),
    ("r-unknown", NOW - HOUR / 8, None, "jo", "s"),
    ("r-other", NOW - 2 * HOUR / 3, 4.0, "ann", "t"),
]
READINGS = [
    reading("claude_code", NOW - 3 * HOUR / 4, window="five_hour", used_percentage=10,
            resets_at=NOW + 3 * HOUR, source="status_line"),
    reading("claude_code", NOW - HOUR / 2, window="five_hour", used_percentage=20,
            resets_at=NOW + 3 * HOUR, source="status_line"),
    reading("claude_code", NOW - HOUR / 4, "s-idle", window="five_hour", used_percentage=10,
            resets_at=NOW + 3 * HOUR, source="status_line"),
    reading("codex", NOW, "c", window="seven_day", used_percentage=90, window_minutes=10080,
            resets_at=NOW + 144 * HOUR, limit_id="codex", plan_type="pro", source="session_file"),
    reading("codex", NOW, "c", window="primary", window_minutes=60),
]  # fmt: skip


@pytest.fixture(scope="module")
def limits(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Built and published; everything in it is of the last hours."""
    warehouse = Warehouse(tmp_path_factory.mktemp("limits"))
    warehouse.load(request(*given) for given in REQUESTS)
    warehouse.load([delivered(Signal.SESSION_RECORDS, READINGS)])
    wanted = ("+fct_limit_windows", "+fct_agent_costs", "+dim_agents")
    warehouse.build("--indirect-selection", "buildable", "-s", *wanted)
    with warehouse.open() as connection:
        assert publish_new_runs(connection, warehouse.home, Settings(time_zone="UTC")) is not None
    return warehouse


def run(warehouse: Warehouse, *arguments: str, told: object = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "agent_analytics_cli.main", *arguments],
        input=json.dumps(told) if told is not None else "", capture_output=True, text=True,
        env={"AGENT_ANALYTICS_HOME": str(warehouse.home.root), "PATH": ""}, check=True,
    )  # fmt: skip
    return done.stdout


def test_a_window_has_the_highest_reading_its_pace_and_what_a_percent_costs(
    limits: Warehouse,
) -> None:
    """Requests before the window, after the reading and of others are not in it.

    An idle session told its own, lower percentage later.
    """
    assert limits.rows(
        "SELECT developer_id, used_percentage, round(pace, 4), requests, cost_usd, "
        "list_usd_per_percent, observed_at, started_at, resets_at, runs_out_at "
        "FROM marts.fct_limit_windows WHERE agent = 'claude_code' AND NOT estimated"
    ) == [("jo", 20.0, round(0.2 / 0.3, 4), 1, Decimal(10), Decimal("0.5"),
           NOW - HOUR / 2, NOW - 2 * HOUR, NOW + 3 * HOUR, None)]  # fmt: skip


def test_a_reading_of_an_unknown_session_is_whose_machine_sent_it(limits: Warehouse) -> None:
    (found,) = limits.rows(
        'SELECT developer_id, limit_id, plan_type, "window", used_percentage, round(pace, 4), '
        "cost_usd, list_usd_per_percent, runs_out_at FROM marts.fct_limit_windows "
        "WHERE agent = 'codex'"
    )
    runs_out_at = NOW - 24 * HOUR + 24 * HOUR / 0.9
    assert found[:-1] == ("dev_abc", "codex", "pro", "seven_day", 90.0, 6.3, None, None)
    assert abs(found[-1] - runs_out_at) < timedelta(seconds=1)


def test_who_told_nothing_has_a_block_that_says_it_is_estimated(limits: Warehouse) -> None:
    at = NOW - 2 * HOUR / 3
    started_at = at.replace(minute=0, second=0)
    assert limits.rows(
        'SELECT developer_id, "window", used_percentage, cost_usd, started_at, resets_at, '
        "observed_at FROM marts.fct_limit_windows WHERE estimated"
    ) == [("ann", "five_hour", None, Decimal(4), started_at, started_at + 5 * HOUR, at)]


def test_the_run_says_what_today_cost_and_which_windows_are_open(limits: Warehouse) -> None:
    today = json.loads(limits.home.today.read_bytes())
    midnight = NOW.replace(hour=0, minute=0, second=0)
    cost = sum(cost or 0 for _, at, cost, *_ in REQUESTS if at >= midnight)
    assert today == {
        "day": f"{NOW:%Y-%m-%d}",
        "begins_at": midnight.timestamp(),
        "ends_at": (midnight + 24 * HOUR).timestamp(),
        "cost_usd": cost,
        "is_lower_bound": midnight <= NOW - HOUR / 8,
        "windows": [{"window": "five_hour", "used_percentage": 20.0, "cost_usd": 10.0,
                     "estimated": False, "resets_at": (NOW + 3 * HOUR).timestamp()}],
    }  # fmt: skip
    assert stat.S_IMODE(limits.home.today.stat().st_mode) == 0o600


def test_the_status_line_shows_what_was_published_until_claude_code_tells(
    limits: Warehouse,
) -> None:
    told = json.loads(run(limits, "statusline", "--json"))
    published = json.loads(limits.home.today.read_bytes())
    assert told["today_cost_usd"] == published["cost_usd"]
    assert [(w["window"], w["used_percentage"]) for w in told["windows"]] == [("five_hour", 20)]
    window = {"used_percentage": 30, "resets_at": (NOW + 2 * HOUR).timestamp()}
    told = json.loads(run(limits, "statusline", "--json", told={"rate_limits": {"new": window}}))
    assert [(w["window"], w["used_percentage"]) for w in told["windows"]] == [("new", 30)]


def test_limits_lists_all_of_them_by_the_agents_names(limits: Warehouse) -> None:
    listed = run(limits, "limits")
    assert [line.split("  ")[0] for line in listed.splitlines()[2:]] == [
        "Claude Code", "Claude Code", "Codex",
    ]  # fmt: skip
    rows = json.loads(run(limits, "limits", "--json"))["limits"]
    assert [(row["agent"], row["window"], row["estimated"]) for row in rows] == [
        ("claude_code", "five_hour", False),
        ("claude_code", "five_hour", True),
        ("codex", "seven_day", False),
    ]
