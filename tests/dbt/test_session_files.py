"""Session files alone say what the CLI reported; beside telemetry they change no total."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from agent_analytics_collector.envelope import Envelope, Signal
from tests.conftest import FIXTURES
from tests.dbt.conftest import SCENARIOS
from tests.dbt.records import delivered, session_files, session_records
from tests.dbt.telemetry import api_request, counter, event
from tests.dbt.test_recordings import reported_by_cli
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

NewWarehouse = Callable[[], Warehouse]
Recordings = dict[str, list[Envelope]]

SESSION_WITHOUT_ID_IN_TELEMETRY = "7f3ef1be-61ac-4c2f-a95f-ced2a728cacc"
RESUMED = "43435f56-77de-4449-93a5-21f004e8972b"

FACTS = (
    "input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, "
    "cost_usd, cost_source, requested_at, duration_ms, query_source, is_subagent, model"
)
TOTALS = (
    "requests", "prompts", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "output_tokens", "tool_calls", "edits_accepted", "edits_rejected",
    "lines_added", "lines_removed", "active_seconds", "cost_usd", "unpriced_requests",
)  # fmt: skip


@pytest.fixture(scope="session")
def files() -> list[Envelope]:
    """The session files of every scenario."""
    return [session_files(FIXTURES / "claude" / name) for name in SCENARIOS]


@pytest.fixture(scope="module")
def by_files(tmp_path_factory: pytest.TempPathFactory, files: list[Envelope]) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("by_files"))
    warehouse.load(files)
    warehouse.build()
    return warehouse


@pytest.fixture(scope="module")
def by_both(
    tmp_path_factory: pytest.TempPathFactory, recordings: Recordings, files: list[Envelope]
) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("by_both"))
    warehouse.load([*(e for name in SCENARIOS for e in recordings[name]), *files])
    warehouse.build()
    return warehouse


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_tokens_and_cost_of_session_files_are_what_the_cli_reported(
    scenario: str, by_files: Warehouse
) -> None:
    """Computed by list price; a model without one has tokens and no cost."""
    names = dict(
        by_files.rows("SELECT model_reported, model FROM intermediate.int_model_names")
    ) | {"claude-opus-4-8[1m]": "claude-opus-4-8", "claude-sonnet-4-5": "claude-sonnet-4-5"}
    session_ids = {r["session_id"] for r in session_records(FIXTURES / "claude" / scenario)}
    expected = {
        (session or SESSION_WITHOUT_ID_IN_TELEMETRY, model): usage
        for (session, model), usage in reported_by_cli(scenario, names).items()
    }
    found = by_files.rows(
        "SELECT session_id, model, sum(input_tokens), sum(cache_read_tokens), "
        "sum(cache_write_5m_tokens + cache_write_1h_tokens), sum(output_tokens), sum(cost_usd) "
        "FROM marts.fct_agent_requests GROUP BY ALL"
    )
    assert {
        (session, model): (*tokens, usd) for session, model, *tokens, usd in found
        if session in session_ids
    } == {
        (session, model): (*tokens, None if model == "my-weird-model" else usd)
        for (session, model), (*tokens, usd) in expected.items()
    }  # fmt: skip


def test_requests_prompts_and_tool_calls_of_session_files_are_telemetrys(
    by_files: Warehouse, built: Warehouse
) -> None:
    counted = (
        "SELECT session_id, requests, prompts, tool_calls, tool_failures, edits_accepted, "
        "edits_rejected, commits_reported FROM marts.fct_agent_sessions "
        f"WHERE session_id <> '{SESSION_WITHOUT_ID_IN_TELEMETRY}' ORDER BY 1"
    )
    assert by_files.rows(counted) == built.rows(counted)
    assert by_files.rows(
        "SELECT requests, prompts, tool_calls, commits_reported, commits, agent_version, "
        f"developer_id FROM marts.fct_agent_sessions "
        f"WHERE session_id = '{SESSION_WITHOUT_ID_IN_TELEMETRY}'"
    ) == [(6, 1, 5, 1, 1, "2.1.330", "dev_abc")]


def test_a_session_of_files_alone_has_folder_branch_times_and_lines_of_its_edits(
    by_files: Warehouse,
) -> None:
    """Three lines, where the metric counts four: it takes the last newline for one."""
    [(project, branch, started, ended, lines)] = by_files.rows(
        "SELECT project_id, git_branch, started_at::varchar, ended_at::varchar, lines_added "
        "FROM marts.fct_agent_sessions WHERE session_id LIKE '13e67a82-%'"
    )
    assert (project, branch, lines) == ("~/src/claude-c-commit", "main", 3)
    assert (started, ended) == ("2026-11-22 03:39:05.065+00", "2026-11-22 03:39:05.941+00")


def test_what_only_telemetry_knows_is_unknown_from_files_alone(by_files: Warehouse) -> None:
    assert by_files.rows(
        "SELECT DISTINCT seen_in, billing_mode, query_source, duration_ms, machine, cost_source "
        "FROM marts.fct_agent_requests WHERE model <> 'my-weird-model'"
    ) == [("session_file", "unknown", None, None, None, "computed")]


def test_the_events_facts_win_where_both_saw_a_request(
    by_both: Warehouse, built: Warehouse
) -> None:
    facts = f"SELECT request_key, {FACTS} FROM marts.fct_agent_requests ORDER BY 1"
    assert by_both.rows(facts) == built.rows(facts)
    # Title requests would be in events alone (telemetry.md 23); a run with -p makes none.
    assert by_both.rows("SELECT DISTINCT seen_in FROM marts.fct_agent_requests") == [
        ("event+session_file",)
    ]
    assert by_both.rows("SELECT DISTINCT seen_in FROM marts.fct_tool_calls") == [
        ("event+session_file",)
    ]


def test_the_file_fills_in_what_the_event_does_not_know(by_both: Warehouse) -> None:
    assert by_both.rows(
        "SELECT count(*) FILTER (WHERE reasoning_tokens IS NULL), count(DISTINCT git_branch), "
        "count(*) FILTER (WHERE session_id IS NULL) FROM marts.fct_agent_requests "
        "WHERE agent_version <> '2.1.197'"
    ) == [(0, 1, 0)]
    assert by_both.rows(
        "SELECT requests, prompts, tool_calls, cost_usd FROM marts.fct_agent_sessions "
        f"WHERE session_id = '{SESSION_WITHOUT_ID_IN_TELEMETRY}'"
    ) == [(6, 1, 5, Decimal("0.087528"))]
    # 2.1.197 names no request on a tool call and its model is known by none but the file.
    assert by_both.rows(
        "SELECT DISTINCT model FROM marts.fct_tool_calls WHERE session_id LIKE 'b87cb8da-%'"
    ) == [("claude-opus-4-8",)]


def test_telemetry_and_files_together_have_telemetrys_totals(
    by_both: Warehouse, built: Warehouse
) -> None:
    totals = ", ".join(f"sum({column})" for column in TOTALS)
    by_day = f"SELECT usage_date, {totals} FROM marts.fct_daily_agent_usage GROUP BY ALL"
    assert by_both.rows(by_day) == built.rows(by_day)
    assert by_both.rows("SELECT * FROM marts.fct_metric_remainders") == []
    columns = ", ".join(
        f"{column}" for column in (
            "session_id", "prompts", "requests", "tool_calls", "tool_failures", "edits_accepted",
            "edits_rejected", "lines_added", "lines_removed", "errors", "commits_reported",
            "total_tokens", "cost_usd", "active_seconds",
        )
    )  # fmt: skip
    sessions = (
        f"SELECT {columns} FROM marts.fct_agent_sessions "
        f"WHERE session_id <> '{SESSION_WITHOUT_ID_IN_TELEMETRY}' ORDER BY 1"
    )
    assert by_both.rows(sessions) == built.rows(sessions)


def test_import_again_and_in_any_order_changes_nothing(
    by_both: Warehouse, recordings: Recordings, files: list[Envelope], new_warehouse: NewWarehouse
) -> None:
    """Record by record, twice, before and after telemetry, with builds in between."""
    chance = random.Random(20261122)
    warehouse = new_warehouse()
    records = [r for name in SCENARIOS for r in session_records(FIXTURES / "claude" / name)]
    chance.shuffle(records)
    half = len(records) // 2
    warehouse.load([delivered(Signal.SESSION_RECORDS, records[:half])])
    warehouse.build()
    some = warehouse.marts()
    telemetry = [envelope for name in SCENARIOS for envelope in recordings[name]]
    warehouse.load(chance.sample(telemetry, len(telemetry)))
    warehouse.load([delivered(Signal.SESSION_RECORDS, records[half:])])
    warehouse.load(files)
    warehouse.build()
    incremental = warehouse.marts()
    warehouse.build("--full-refresh")
    assert some != incremental
    assert incremental == warehouse.marts()
    assert incremental == by_both.marts()


@pytest.mark.parametrize("says_so", [True, False])
# telemetry.md 26
def test_a_forks_file_is_booked_on_the_session_that_first_made_it(
    new_warehouse: NewWarehouse, says_so: bool
) -> None:
    """The fork repeats j-resume and goes on; its id sorts first and its file comes first."""
    first = session_records(FIXTURES / "claude" / "j-resume")
    other = session_records(FIXTURES / "claude" / "a-simple")
    copied = {"forked_from": RESUMED} if says_so else {}
    fork = [
        record | {"session_id": "0-fork", "payload": record["payload"] | copied} for record in first
    ]
    later = {"session_id": "0-fork", "timestamp": "2026-11-22T03:40:00Z"}
    own = [record | later for record in other]
    warehouse = new_warehouse()
    warehouse.load([delivered(Signal.SESSION_RECORDS, fork + own)])
    warehouse.load([delivered(Signal.SESSION_RECORDS, first)])
    warehouse.build("--exclude-resource-type", "test")
    assert warehouse.rows(
        "SELECT session_id, requests, prompts, tool_calls, started_at::varchar "
        "FROM marts.fct_agent_sessions ORDER BY 1"
    ) == [
        ("0-fork", 1, 1, 0, "2026-11-22 03:40:00+00"),
        (RESUMED, 3, 2, 1, "2026-11-22 03:39:35.942+00"),
    ]


# telemetry.md 3 and 23
def test_metrics_book_nothing_that_session_files_saw(new_warehouse: NewWarehouse) -> None:
    """Telemetry of metrics alone, a title request in them that no file has, edits of both."""
    records = session_records(FIXTURES / "claude" / "c-commit")
    session = records[0]["session_id"]
    opus = {"model": "claude-opus-5-5", "query_source": "main"}
    points = [("2026-11-22 03:39:06", 0.043764, opus), ("2026-11-22 03:39:06", 0.001, {
        "model": "claude-haiku-4-5", "query_source": "auxiliary"})]  # fmt: skip
    tool = {"tool_name": "Write", "decision": "accept"}
    warehouse = new_warehouse()
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, [
            r | {"payload": {k: v for k, v in r["payload"].items() if k != "decision"}}
            for r in records
        ]),
        counter("cost.usage", points, session),
        counter("lines_of_code.count", [("2026-11-22 03:39:06", 4, {"type": "added"})], session),
        counter("code_edit_tool.decision", [("2026-11-22 03:39:06", 1, tool)], session),
        # Two processes on one session at once, by sums that overlap.
        *(
            counter("cost.usage", [("2026-11-22 03:01:00", first, opus),
                                   ("2026-11-22 03:02:00", second, opus)], "shared", process)
            for process, first, second in (("1", 0.01, 0.03), ("2", 0.02, 0.05))
        ),
    ])  # fmt: skip
    warehouse.build()
    assert warehouse.rows(
        "SELECT model, cost_usd FROM marts.fct_metric_remainders ORDER BY model"
    ) == [("claude-haiku-4-5", Decimal("0.001")), ("claude-opus-5-5", Decimal("0.08"))]
    counted = "sum(cost_usd), sum(lines_added), sum(edits_accepted)"
    assert warehouse.rows(
        f"SELECT {counted} FROM marts.fct_agent_sessions WHERE session_id <> 'shared'"
    ) == [(Decimal("0.044764"), 4, 1)]
    assert warehouse.rows(f"SELECT {counted} FROM marts.fct_daily_agent_usage") == [
        (Decimal("0.043764"), 4, 1)
    ]


def test_telemetry_switched_on_in_the_middle_leaves_the_rest_to_the_file(
    new_warehouse: NewWarehouse, recordings: Recordings
) -> None:
    """j-resume with telemetry of its second process alone."""
    records = session_records(FIXTURES / "claude" / "j-resume")
    [first] = {
        r["payload"]["request_id"] for r in records
        if r["kind"] == "request" and r["timestamp"] < "2026-11-22T03:39:36.2"
    }  # fmt: skip
    second = [e for e in recordings["j-resume"] if first.encode() not in e.body]
    warehouse = new_warehouse()
    warehouse.load([*second, delivered(Signal.SESSION_RECORDS, records)])
    warehouse.build()
    seen = dict(warehouse.rows("SELECT request_key, seen_in FROM marts.fct_agent_requests"))
    assert seen.pop(f"claude_code:{first}") == "session_file"
    assert list(seen.values()) == ["event+session_file"] * 2
    assert warehouse.rows("SELECT requests, prompts, cost_usd FROM marts.fct_agent_sessions") == [
        (3, 2, Decimal("0.043764"))
    ]


# telemetry.md 8, 11, 23 and 24
def test_what_the_agent_wrote_itself_and_failures_are_no_requests(
    new_warehouse: NewWarehouse,
) -> None:
    """Nor prompts; a broken stream is one as far as it came; a tool may fail without events."""
    records = session_records(FIXTURES / "claude" / "a-simple")
    [request] = [r for r in records if r["kind"] == "request"]
    itself = {"model": "<synthetic>", "request_id": None, "message_id": "own"}
    failed = {"is_api_error": True, "request_id": "failed"}
    broken = {"request_id": "broken", "message_id": "msg_broken", "output_tokens": 41}
    lines = [request | {"payload": request["payload"] | more} for more in (itself, failed, broken)]
    call = {"request_id": "broken", "tool_use_id": "edit", "tool_name": "Edit"}
    lines += [
        request | {"kind": "tool_call", "payload": call},
        request | {"kind": "tool_result", "payload": {"tool_use_id": "edit", "is_error": True}},
    ]
    session = request["session_id"]
    warehouse = new_warehouse()
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, [*records, *lines]),
        event("api_error", "2026-11-22 03:38:40", session, request_id="failed",
              model="claude-opus-5-5", status_code=529, attempt=3),
        api_request("title", "claude-haiku-4-5", "2026-11-22 03:38:39", input_tokens=100,
                    session=session, query_source="generate_session_title"),
        api_request("broken", "claude-opus-5-5", "2026-11-22 03:38:40", session=session,
                    input_tokens=request["payload"]["input_tokens"], output_tokens=59),
    ])  # fmt: skip
    warehouse.build()
    assert warehouse.rows(
        "SELECT seen_in, is_error, query_source, output_tokens FROM marts.fct_agent_requests "
        "ORDER BY ALL"
    ) == [
        ("event", False, "generate_session_title", None), ("event", True, None, None),
        ("event+session_file", False, "sdk", 59),
        ("session_file", False, None, request["payload"]["output_tokens"]),
    ]  # fmt: skip
    assert warehouse.rows(
        "SELECT prompts, requests, errors, tool_calls, tool_failures FROM marts.fct_agent_sessions"
    ) == [(1, 4, 1, 1, 1)]
