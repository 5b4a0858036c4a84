"""What Codex, Gemini CLI and Copilot CLI sent and left on disk is what the marts say.

By telemetry alone, by session files alone and by both: the same requests, tokens, sessions and tool
calls. What one of the two never carries is named here.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_collector.envelope import Signal
from tests.dbt.agents import AGENTS, CASES, Tokens, Usage, scenario_of, session_files, telemetry
from tests.dbt.records import Record, delivered
from tests.dbt.test_rebuilds import through_a_collector
from tests.dbt.varied import varied
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

SOURCES = ("telemetry", "files", "both")
ROUTER = "gemini-3.5-flash-lite"
"""The model that Gemini CLI 0.61.0 asks which model to ask; its session files leave it out (31)."""


@pytest.fixture(scope="session")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """All scenarios from each source. Look, do not change."""
    envelopes = {"telemetry": telemetry(), "files": session_files()}
    envelopes["both"] = [*envelopes["files"], *envelopes["telemetry"]]
    built = {}
    for source in SOURCES:
        built[source] = Warehouse(tmp_path_factory.mktemp(source))
        built[source].load(envelopes[source])
        built[source].build()
    return built


def in_marts(warehouse: Warehouse, agent: str, sessions: set[str]) -> Usage:
    rows = warehouse.rows(
        "SELECT session_id, model_reported, count(*), sum(input_tokens), sum(cache_read_tokens), "
        "sum(coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)), "
        "sum(output_tokens), sum(coalesce(reasoning_tokens, 0)) FROM marts.fct_agent_requests "
        f"WHERE agent = '{agent}' AND NOT is_error GROUP BY ALL"
    )
    return {
        (session, model): Tokens(*map(int, tokens))
        for session, model, *tokens in rows
        if session in sessions
    }


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("agent", "scenario"), CASES)
def test_requests_and_tokens_by_class_are_what_the_agent_recorded(
    agent: str, scenario: str, source: str, warehouses: dict[str, Warehouse]
) -> None:
    truth = AGENTS[agent].truth(scenario_of(agent, scenario))
    sessions = {session for session, _ in truth}
    if source == "files":
        truth = {key: tokens for key, tokens in truth.items() if key[1] != ROUTER}
    assert truth
    assert in_marts(warehouses[source], agent, sessions) == truth


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("agent", AGENTS)
def test_a_session_is_one_whatever_tells_of_it(
    agent: str, source: str, warehouses: dict[str, Warehouse]
) -> None:
    expected = sorted(
        {
            session
            for scenario in AGENTS[agent].scenarios()
            for session, _ in AGENTS[agent].truth(scenario)
        }
    )
    rows = warehouses[source].rows(
        f"SELECT session_id FROM marts.fct_agent_sessions WHERE agent = '{agent}' ORDER BY 1"
    )
    assert [session for (session,) in rows] == expected


def compared(warehouse: Warehouse, sql: str) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for agent, *row in warehouse.rows(sql):
        found.setdefault(agent, []).append(tuple(row))
    return found


def test_tool_calls_and_prompts_are_the_same_from_either_source_and_once_from_both(
    warehouses: dict[str, Warehouse],
) -> None:
    sql = (
        "SELECT agent, session_id, tool_calls, prompts, requests - (SELECT count(*) "
        "FROM marts.fct_agent_requests AS requests WHERE requests.session_key = "
        "sessions.session_key AND query_source = 'utility_router') "
        "FROM marts.fct_agent_sessions AS sessions ORDER BY ALL"
    )
    by_source = {source: compared(warehouses[source], sql) for source in SOURCES}
    assert by_source["telemetry"] == by_source["files"] == by_source["both"]
    assert sum(row[1] for row in by_source["both"]["codex"]) == 13
    assert sum(row[1] for row in by_source["both"]["gemini_cli"]) == 8
    assert sum(row[1] for row in by_source["both"]["copilot_cli"]) == 8


def test_a_request_seen_both_ways_says_so(warehouses: dict[str, Warehouse]) -> None:
    rows = warehouses["both"].rows(
        "SELECT agent, seen_in, count(*) FROM marts.fct_agent_requests GROUP BY ALL ORDER BY ALL"
    )
    assert rows == [
        ("codex", "event+session_file", 20), ("copilot_cli", "span+session_file", 11),
        ("gemini_cli", "event", 3), ("gemini_cli", "event+session_file", 11),
    ]  # fmt: skip


def test_halves_shuffled_and_through_a_collector_give_the_same_marts(
    warehouses: dict[str, Warehouse], tmp_path: Path
) -> None:
    """Incremental equals full refresh, whatever came first and however often it came."""
    chance = random.Random(20261122)
    records = [
        record
        for name, scenario in CASES
        for record in AGENTS[name].session_records(scenario_of(name, scenario))
    ]
    chance.shuffle(records)
    envelopes = through_a_collector(telemetry(), chance)
    for start in range(0, len(records), 20):
        some = delivered(Signal.SESSION_RECORDS, records[start : start + 20])
        envelopes.insert(chance.randrange(len(envelopes)), some)
    warehouse = Warehouse(tmp_path / "home")
    for envelope in envelopes[::2]:
        warehouse.load([envelope])
    warehouse.build()
    half = warehouse.marts()
    warehouse.load([*envelopes[1::2], *envelopes[:10]])
    warehouse.build()
    incremental = warehouse.marts()
    warehouse.build("--full-refresh")
    assert half != incremental
    assert incremental == warehouse.marts()
    assert incremental == warehouses["both"].marts()


def without_responses(records: list[Record]) -> list[Record]:
    """As Codex before `token_usage_record` wrote, and Copilot CLI before usage records."""
    return [record for record in records if record["kind"] != "request"]


@pytest.fixture(scope="session")
def poorer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """Files of older versions, alone and beside telemetry, and telemetry that lost its logs.

    Beside telemetry stand recordings with other tokens, in sessions of their own.
    """
    files = [
        delivered(
            Signal.SESSION_RECORDS,
            without_responses(AGENTS[name].session_records(scenario_of(name, scenario))),
        )
        for name, scenario in CASES
    ]
    sent = telemetry()
    other_tokens = [varied(AGENTS[name], scenario_of(name, scenario)) for name, scenario in CASES]
    envelopes = {
        "older files": files,
        "older files and telemetry": [
            *sent,
            *files,
            *(envelope for some, _ in other_tokens for envelope in some),
            *(delivered(Signal.SESSION_RECORDS, records) for _, records in other_tokens),
        ],
        "metrics": [envelope for envelope in sent if envelope.signal is Signal.METRICS],
    }
    built = {}
    for source, some in envelopes.items():
        built[source] = Warehouse(tmp_path_factory.mktemp("poorer"))
        built[source].load(some)
        built[source].build()
    return built


def test_codex_sums_tell_the_same_as_its_responses(poorer: dict[str, Warehouse]) -> None:
    truth: Usage = {}
    for scenario in AGENTS["codex"].scenarios():
        truth |= AGENTS["codex"].truth(scenario)
    sessions = {session for session, _ in truth}
    assert in_marts(poorer["older files"], "codex", sessions) == truth
    assert in_marts(poorer["older files and telemetry"], "codex", sessions) == truth


@pytest.mark.parametrize(("agent", "scenario"), CASES)
def test_each_answer_is_taken_for_itself_where_their_tokens_differ(
    agent: str, scenario: str, poorer: dict[str, Warehouse]
) -> None:
    sent, records = varied(AGENTS[agent], scenario_of(agent, scenario))
    truth = [answer for envelope in sent for answer in AGENTS[agent].answers(envelope)]
    found = poorer["older files and telemetry"].rows(
        "SELECT session_id, model_reported, input_tokens, cache_read_tokens, "
        "coalesce(cache_write_5m_tokens, 0), output_tokens, coalesce(reasoning_tokens, 0), "
        "CASE WHEN seen_in LIKE '%+session_file' THEN request_key END "
        f"FROM marts.fct_agent_requests WHERE agent = '{agent}'"
    )
    sessions = {session for session, _, _ in truth}
    assert Counter((s, m, tuple(t)) for s, m, *t, _ in found if s in sessions) == Counter(truth)
    # The name is the file's, the tokens are telemetry's. Gemini writes thoughts beside the output.
    outside = int(agent == "gemini_cli")
    assert {
        key.rpartition(":")[2]: output for session, *_, output, _, key in found
        if session in sessions and key
    } == {
        told["request_id"]: told["output_tokens"] + outside * told.get("reasoning_tokens", 0)
        for told in (record["payload"] for record in records)
    }  # fmt: skip


def remainders(warehouse: Warehouse, agent: str) -> Usage:
    rows = warehouse.rows(
        "SELECT session_id, model_reported, 1, input_tokens, cache_read_tokens, "
        "cache_write_5m_tokens, output_tokens, 0 FROM marts.fct_metric_remainders AS remainders "
        "INNER JOIN intermediate.int_model_names AS names ON remainders.model = names.model "
        f"WHERE agent = '{agent}' AND cost_usd > 0"
    )
    return {(session, model): Tokens(*map(int, tokens)) for session, model, *tokens in rows}


def only_tokens(usage: Usage) -> Usage:
    return {key: tokens._replace(requests=1, reasoning=0) for key, tokens in usage.items()}


# telemetry.md 3 and 17
def test_what_only_metrics_of_gemini_saw_is_spend_and_no_request(
    poorer: dict[str, Warehouse], warehouses: dict[str, Warehouse]
) -> None:
    truth: Usage = {}
    for scenario in AGENTS["gemini_cli"].scenarios():
        truth |= AGENTS["gemini_cli"].truth(scenario)
    assert remainders(poorer["metrics"], "gemini_cli") == only_tokens(truth)
    assert poorer["metrics"].rows("SELECT count(*) FROM marts.fct_agent_requests") == [(0,)]
    for source in SOURCES:
        assert remainders(warehouses[source], "gemini_cli") == {}


def test_the_sums_of_an_older_copilot_session_are_spend_and_no_request(
    poorer: dict[str, Warehouse], warehouses: dict[str, Warehouse]
) -> None:
    truth: Usage = {}
    for scenario in AGENTS["copilot_cli"].scenarios():
        truth |= AGENTS["copilot_cli"].truth(scenario)
    assert remainders(poorer["older files"], "copilot_cli") == only_tokens(truth)
    assert remainders(poorer["older files and telemetry"], "copilot_cli") == {}
    for source in SOURCES:
        assert remainders(warehouses[source], "copilot_cli") == {}


# telemetry.md 3, 4, 7, 14 and 2.3: the metrics of Codex and Copilot CLI, deltas and sums of a
# process, name no session, so nothing is booked from them.
def test_metrics_of_codex_and_copilot_make_neither_requests_nor_sessions_nor_spend(
    poorer: dict[str, Warehouse],
) -> None:
    assert poorer["metrics"].rows(
        "SELECT DISTINCT metric_name, temporality FROM raw_otel_metrics WHERE metric_name IN "
        "('codex.turn.token_usage', 'gen_ai.client.inference.usage.input_tokens') ORDER BY 1"
    ) == [
        ("codex.turn.token_usage", "delta"),
        ("gen_ai.client.inference.usage.input_tokens", "cumulative"),
    ]
    agents = "SELECT DISTINCT agent FROM marts.fct_agent_sessions"
    assert poorer["metrics"].rows(agents) == [("gemini_cli",)]
    assert poorer["metrics"].rows(
        "SELECT count(*) FROM marts.fct_agent_costs WHERE agent <> 'gemini_cli'"
    ) == [(0,)]


# telemetry.md 14 and 21
def test_times_are_the_agents_own(warehouses: dict[str, Warehouse]) -> None:
    for source in SOURCES:
        assert warehouses[source].rows(
            "SELECT DISTINCT cast(requested_at AT TIME ZONE 'UTC' AS date) || '' "
            "FROM marts.fct_agent_requests"
        ) == [("2026-11-22",)]


# telemetry.md 7 and 2.4: `conversation_starts` comes again with each resume.
def test_a_resumed_codex_session_is_one(warehouses: dict[str, Warehouse]) -> None:
    [(session, _)] = AGENTS["codex"].truth(scenario_of("codex", "f-resume"))
    for source in SOURCES:
        assert warehouses[source].rows(
            "SELECT prompts, requests, tool_calls FROM marts.fct_agent_sessions "
            f"WHERE session_id = '{session}'"
        ) == [(2, 3, 1)]


# telemetry.md 12 and 30: lines are what the edits that were made changed.
def test_edits_lines_and_commits_are_told_alike_by_either_source(
    warehouses: dict[str, Warehouse],
) -> None:
    sql = (
        "SELECT agent, sum(edits_accepted), sum(lines_added), sum(lines_removed), "
        "sum(commits_reported) FROM marts.fct_agent_sessions GROUP BY ALL ORDER BY ALL"
    )
    assert warehouses["both"].rows(sql) == [
        ("codex", 1, 3, 0, 1), ("copilot_cli", 2, 5, 1, 1), ("gemini_cli", 4, 10, 2, 2),
    ]  # fmt: skip
    assert warehouses["files"].rows(sql) == warehouses["both"].rows(sql)
    # Only Codex's telemetry has what a command printed, and Copilot's spans no lines.
    assert warehouses["telemetry"].rows(sql) == [
        ("codex", 1, 3, 0, 1), ("copilot_cli", 2, None, None, 0), ("gemini_cli", 4, 10, 2, 0),
    ]  # fmt: skip
