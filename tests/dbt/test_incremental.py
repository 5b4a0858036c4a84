"""What a run leaves as it was is what a full refresh would make of it, whatever came meanwhile."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.warehouse.fact_archive import RAW
from tests.conftest import FIXTURES
from tests.dbt import commit_news
from tests.dbt.agents import session_files as files_of_others
from tests.dbt.agents import telemetry as telemetry_of_others
from tests.dbt.records import Record, delivered, session_records
from tests.dbt.telemetry import counter, event
from tests.dbt.test_lines import commit, full, work
from tests.dbt.test_retention import retire
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

QUIET_S = 600
"""After which metrics of a session count that no event explains."""


def records(*lists: list[Record]) -> Envelope:
    return delivered(Signal.SESSION_RECORDS, [record for each in lists for record in each])


def copied(told: list[Record], session: str) -> list[Record]:
    """What the file of a fork repeats of another session, without saying so, minutes later."""
    return [
        record
        | {
            "session_id": session,
            "source_file": f"{session}.jsonl",
            "timestamp": (
                datetime.fromisoformat(record["timestamp"]) + timedelta(minutes=5)
            ).isoformat(),
        }
        for record in told
    ]


def claude_files() -> list[list[Record]]:
    scenarios = sorted((FIXTURES / "claude").iterdir())
    return [session_records(each) for each in scenarios if (each / "home").is_dir()]


def put(warehouse: Warehouse, kind: str, row: Record) -> None:
    warehouse.execute(
        "INSERT INTO raw_user_overrides VALUES (?, ?, now())", [kind, json.dumps(row)]
    )


@pytest.fixture(scope="module")
def states(
    tmp_path_factory: pytest.TempPathFactory, recordings: dict[str, list[Envelope]]
) -> dict[str, dict[str, list[str]]]:
    """The marts after some, after incremental runs with the rest, and after a full refresh."""
    warehouse = Warehouse(tmp_path_factory.mktemp("incremental"))
    claude = [envelope for name in sorted(recordings) for envelope in recordings[name]]
    others, files = telemetry_of_others(), claude_files()
    parent = work("parent", 0, {"kept.py": [f"value_{n} = {n}" for n in range(9)]})
    quiet_at = datetime.now(UTC) + timedelta(seconds=60 - QUIET_S)
    moment = quiet_at.strftime("%Y-%m-%d %H:%M:%S")
    warehouse.load(
        [
            *claude[::2], *others[::2], *files_of_others()[1::2],
            records(*files[::2]), records(copied(parent, "child")),
            records(work("untouched", 30, {"other.py": ["untouched = 1"]})),
            delivered(Signal.COMMITS, [
                commit("f1", 1, {"kept.py": [f"value_{n} = {n}" for n in range(9)]}),
                commit("d2", 31, {"other.py": ["untouched = 1"]}),
            ]),
            event("user_prompt", moment, "metered", prompt__id="p"),
            counter("cost.usage", [(moment, 0.5, {"model": "claude-opus-4-5"})], "metered"),
            *commit_news.first(),
        ]
    )  # fmt: skip
    warehouse.build()
    found = {"some": warehouse.marts()}

    # Of everybody: settings, names, prices and what models are called.
    warehouse.execute("INSERT INTO raw_settings VALUES ('time_zone', 'Asia/Tokyo', now())")
    put(warehouse, "developer_identities", {"identity": "dev_abc", "developer_id": "abby"})
    put(warehouse, "model_aliases", {"alias": "my-weird-model", "model": "claude-opus-4-5"})
    warehouse.execute(
        "INSERT INTO raw_price_epochs VALUES ('2026-11-01', now(), now(), 'recompute')"
    )
    warehouse.build()
    found["other settings"] = warehouse.marts()

    # Late, out of order, from the original of a copy, by an amended commit; and first runs that
    # ended before the models that are kept by session, and between those that are kept by commit.
    time.sleep(
        max(0.0, (quiet_at + timedelta(seconds=QUIET_S) - datetime.now(UTC)).total_seconds())
    )
    warehouse.load(
        [
            *reversed(claude[1::2]), *reversed(others[1::2]), *files_of_others()[::2],
            records(*files[1::2]), records(parent),
            records(work("parent", -48, {"kept.py": ["value_0 = 0"]})),
            *commit_news.rest(),
        ]
    )  # fmt: skip
    for last in ("stg_changed_units", "int_commit_line_matches", "fct_commit_sessions"):
        assert warehouse.dbt("build", "--select", f"+{last}", "--indirect-selection",
                             "empty").success  # fmt: skip
    warehouse.load(
        [
            delivered(Signal.COMMITS, [
                commit("a3", 1.01, {"kept.py": [f"value_{n} = {n}" for n in range(8)]}),
            ]),
            delivered(Signal.REWRITES, [{
                "old_hash": full("f1"), "new_hash": full("a3"), "kind": "amend",
                "repository": "https://github.com/acme/widgets",
            }]),
        ]
    )  # fmt: skip
    warehouse.build()
    found["incremental"] = warehouse.marts()
    units = warehouse.rows("SELECT DISTINCT unit FROM staging.stg_changed_units")
    commits = warehouse.rows("SELECT DISTINCT commit_key FROM intermediate.int_retold_commits")
    found["made anew"] = {
        "sessions": [str(unit) for (unit,) in units],
        "commits": [str(key) for (key,) in commits],
    }
    warehouse.build("--full-refresh")
    found["full refresh"] = warehouse.marts()
    went = retire(warehouse)
    assert set(went.rows) == set(RAW)
    assert went.unread == 0
    warehouse.build("--full-refresh")
    found["without raw rows"] = warehouse.marts()
    return found


def test_incremental_runs_come_to_what_a_full_refresh_comes_to(
    states: dict[str, dict[str, list[str]]],
) -> None:
    incremental, whole = states["incremental"], states["full refresh"]
    assert incremental.keys() == whole.keys()
    differ = {name for name in whole if incremental[name] != whole[name]}
    assert not differ, {
        name: (set(incremental[name]) ^ set(whole[name])) for name in sorted(differ)
    }


def test_no_mart_changes_when_raw_rows_have_gone(states: dict[str, dict[str, list[str]]]) -> None:
    whole, without = states["full refresh"], states["without raw rows"]
    assert whole.keys() == without.keys()
    assert [name for name in whole if whole[name] != without[name]] == []


def test_only_sessions_with_news_are_made_anew(states: dict[str, dict[str, list[str]]]) -> None:
    """With them those that theirs were copied to, and those whose metrics count by now."""
    anew = states["made anew"]["sessions"]
    assert "untouched" not in anew
    assert {"parent", "child"} <= set(anew)
    assert any("metered" in row for row in states["incremental"]["fct_metric_remainders"])


def test_only_commits_with_news_are_made_anew(states: dict[str, dict[str, list[str]]]) -> None:
    """With them earlier ones whose lines are more common now, and later ones of the same files."""
    anew = set(states["made anew"]["commits"])
    assert {full(name) for name in ("10", "11", "13", "14", "15", "16", "17", "20")} <= anew
    assert not anew & {full("12"), full("18"), full("d2")}


def test_what_holds_changed_sessions_alone_is_read_by_session(built: Warehouse) -> None:
    """Else a model would take for all sessions what the last run made anew."""
    nodes = json.loads((built.home.dbt_target / "manifest.json").read_bytes())["nodes"]
    by_session = {
        key for key, node in nodes.items()
        if node["config"].get("incremental_strategy") == "by_session"
    }  # fmt: skip
    alone = {key for key in nodes if key.endswith(".stg_changed_units")}
    assert alone
    assert by_session
    while more := {
        key for key, node in nodes.items()
        if node["resource_type"] == "model" and alone.intersection(node["depends_on"]["nodes"])
    } - alone - by_session:  # fmt: skip
        alone |= more
    assert {nodes[key]["path"].split("/")[0] for key in alone} == {"staging"}
    assert not {
        key for key, node in nodes.items()
        if node["resource_type"] == "test" and node["path"].startswith("assert_")
        and alone.intersection(node["depends_on"]["nodes"])
    }  # fmt: skip


def test_each_step_changed_something(states: dict[str, dict[str, list[str]]]) -> None:
    steps = ("some", "other settings", "incremental")
    for mart in ("fct_agent_requests", "fct_tool_calls", "fct_agent_sessions"):
        assert len({str(states[step][mart]) for step in steps}) == len(steps), mart
    for mart in ("fct_git_commits", "fct_attributed_lines", "fct_outcomes_monthly"):
        assert states["some"][mart] != states["incremental"][mart], mart
    booked = [[row for row in states[step]["fct_agent_requests"] if "'child'" in row]
              for step in ("some", "incremental")]  # fmt: skip
    assert booked[0]
    assert not booked[1]
