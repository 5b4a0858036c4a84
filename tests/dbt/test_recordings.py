"""What the CLI reported of each recorded run is what the marts say."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import pytest

from agent_analytics_collector.envelope import Envelope
from agent_analytics_collector.warehouse.batch import RawBatch
from tests.conftest import FIXTURES
from tests.dbt.conftest import SCENARIOS
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

MICRO = Decimal("0.000001")
SENT_WITHOUT_SESSION = "t-no-session-id"

Usage = dict[tuple[str | None, str], tuple[int, int, int, int, Decimal]]
"""(session, canonical model) → input, cache read, cache write, output tokens, cost."""


def model_names(built: Warehouse) -> dict[str, str]:
    return dict(built.rows("SELECT model_reported, model FROM intermediate.int_model_names"))


def reported_by_cli(scenario: str, names: dict[str, str]) -> Usage:
    """Of a resumed session its last entry: the figures go on from run to run."""
    entries = json.loads((FIXTURES / "claude" / scenario / "cli_report.json").read_text())
    last = {entry["session_id"]: entry["model_usage"] for entry in entries}
    return {
        (None if scenario == SENT_WITHOUT_SESSION else session, names[model]): (
            usage["inputTokens"],
            usage["cacheReadInputTokens"],
            usage["cacheCreationInputTokens"],
            usage["outputTokens"],
            Decimal(str(usage["costUSD"])).quantize(MICRO),
        )
        for session, models in last.items()
        for model, usage in models.items()
    }


def in_marts(built: Warehouse, sessions: set[str | None]) -> Usage:
    found = built.rows(
        "SELECT session_id, model, sum(input_tokens), sum(cache_read_tokens), "
        "sum(cache_write_5m_tokens + cache_write_1h_tokens), sum(output_tokens), sum(cost_usd) "
        "FROM marts.fct_agent_requests GROUP BY ALL"
    )
    return {
        (session, model): (*tokens, cost.quantize(MICRO))
        for session, model, *tokens, cost in found
        if session in sessions
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_tokens_and_cost_are_what_the_cli_reported(scenario: str, built: Warehouse) -> None:
    expected = reported_by_cli(scenario, model_names(built))
    assert in_marts(built, {session for session, _ in expected}) == expected


@pytest.mark.parametrize("scenario", SCENARIOS)
# telemetry.md 1 and 10
def test_requests_are_the_api_request_events(
    scenario: str, built: Warehouse, recordings: dict[str, list[Envelope]]
) -> None:
    raw = RawBatch()
    for envelope in recordings[scenario]:
        raw.add(envelope)
    events = raw.tables()["raw_otel_logs"].select(["session_id", "event_name"]).to_pylist()
    sent = Counter(e["session_id"] for e in events if e["event_name"] == "api_request")
    found = dict(
        built.rows("SELECT session_id, count(*) FROM marts.fct_agent_requests GROUP BY ALL")
    )
    assert {session: found.get(session) for session in sent} == sent


def test_every_cost_is_reported_and_computed_to_the_same_micro_dollar(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT model, cost_source, cost_usd - computed_cost_usd, is_priced "
        "FROM marts.fct_agent_requests JOIN marts.dim_models USING (model)"
    )
    assert {source for _, source, _, _ in rows} == {"agent_reported"}
    assert {model for model, _, _, priced in rows if not priced} == {"my-weird-model"}
    assert all(abs(gap) < MICRO for _, _, gap, priced in rows if priced)
    assert all(gap is None for _, _, gap, priced in rows if not priced)


def test_requests_without_a_session_form_none(built: Warehouse) -> None:
    [(requests, developers)] = built.rows(
        "SELECT count(*), min(developer_id) FROM marts.fct_agent_requests WHERE session_id IS NULL"
    )
    assert (requests, developers) == (6, "dev_abc")
    assert built.rows("SELECT 1 FROM marts.fct_agent_sessions WHERE session_id IS NULL") == []


# telemetry.md 1
def test_metrics_leave_no_remainder_and_nothing_is_counted_double(built: Warehouse) -> None:
    assert built.rows("SELECT * FROM marts.fct_metric_remainders") == []
    [(events, metrics)] = built.rows(
        "SELECT (SELECT sum(cost_usd) FROM marts.fct_agent_requests WHERE session_id IS NOT NULL), "
        "(SELECT sum(cost_usd) FROM intermediate.int_spend_by_metrics)"
    )
    assert events == metrics
    assert built.rows("SELECT sum(cost_usd) FROM marts.fct_agent_costs") == built.rows(
        "SELECT sum(cost_usd) FROM marts.fct_agent_requests"
    )


# telemetry.md 7
def test_a_resumed_session_is_one_and_its_throw_away_id_none(built: Warehouse) -> None:
    [(prompts, requests)] = built.rows(
        "SELECT prompts, requests FROM marts.fct_agent_sessions "
        "WHERE session_id = '43435f56-77de-4449-93a5-21f004e8972b'"
    )
    assert (prompts, requests) == (2, 3)
    assert not built.rows(
        "SELECT 1 FROM marts.fct_agent_sessions WHERE session_id LIKE 'ace8eb78-%'"
    )


# telemetry.md 8
def test_a_prompt_put_in_by_a_subagent_is_not_counted(built: Warehouse) -> None:
    assert built.rows(
        "SELECT prompts, requests FROM marts.fct_agent_sessions "
        "WHERE session_id = '567fddab-0d68-4c1b-91fa-e29cc0a034b5'"
    ) == [(1, 4)]
    assert built.rows(
        "SELECT count(*) FROM marts.fct_agent_requests "
        "WHERE session_id = '567fddab-0d68-4c1b-91fa-e29cc0a034b5' AND is_subagent"
    ) == [(1,)]


# telemetry.md 11
def test_a_rejected_call_has_a_decision_and_no_result(built: Warehouse) -> None:
    assert built.rows(
        "SELECT tool_name, decision, success, duration_ms FROM marts.fct_tool_calls "
        "WHERE decision = 'reject'"
    ) == [("Write", "reject", None, None)]
    assert built.rows(
        "SELECT edits_accepted, edits_rejected, tool_calls FROM marts.fct_agent_sessions "
        "WHERE session_id = 'ff7346b0-2ec2-4e6e-8de5-4dd53615f65e'"
    ) == [(0, 1, 2)]


# telemetry.md 3
def test_cumulative_metrics_say_the_same_as_deltas(built: Warehouse) -> None:
    """i-cumulative exported twice; a-simple's neighbours did the same work with deltas."""
    found = built.rows(
        "SELECT lines_added, lines_removed, commits_reported FROM marts.fct_agent_sessions "
        "WHERE session_id IN ('40a4c4ba-9115-4411-98fc-294f7eff964d', "
        "'b341cbd8-4e8a-4dcd-bc7f-968cbbce1e36')"
    )
    assert found == [(6, 1, 1), (6, 1, 1)]


def test_a_repository_and_branch_come_from_the_agents_own_records(built: Warehouse) -> None:
    assert built.rows(
        "SELECT DISTINCT project_id, git_branch FROM marts.fct_agent_requests "
        "WHERE session_id = '1c0ce677-23ae-44c0-93bc-ef961694d0b0'"
    ) == [("https://github.com/acme/widgets", "main")]
