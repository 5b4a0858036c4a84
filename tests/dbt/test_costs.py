"""What requests cost whose like no recording has: by the shipped prices and the user's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from agent_analytics_collector.envelope import Signal
from tests.dbt.records import delivered
from tests.dbt.telemetry import api_request, at, counter, event
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

NewWarehouse = Callable[[], Warehouse]
MILLION = 1_000_000

REQUESTS = [
    api_request("1h", "claude-opus-4-6", cache_creation_tokens=MILLION,
                cache_creation_5m_tokens=0, cache_creation_1h_tokens=MILLION),
    api_request("5m", "claude-opus-4-6", cache_creation_tokens=MILLION),
    api_request("long before", "claude-opus-4-6", "2026-03-12 23:59:59", input_tokens=300_000),
    api_request("long after", "claude-opus-4-6", "2026-03-13 00:00:00", input_tokens=300_000),
    api_request("gpt", "gpt-5.5", input_tokens=MILLION, output_tokens=MILLION),
    api_request("cache read", "claude-opus-5-5", cache_read_tokens=MILLION),
    api_request("input", "claude-opus-5-5[1m]", input_tokens=MILLION),
    api_request("fast", "claude-opus-5-5", input_tokens=MILLION, speed="fast"),
    api_request("huge", "us.anthropic.claude-opus-5-5-20261001-v1:0",
                input_tokens=10**9, output_tokens=3),
    api_request("unknown", "my-weird-model", input_tokens=MILLION),
    api_request("nothing", "claude-opus-5-5", input_tokens=0, output_tokens=0),
    api_request("own price", "house-model", input_tokens=MILLION),
    api_request("own alias", "house-alias", input_tokens=MILLION),
    api_request("served by another", "claude-haiku-4-5", input_tokens=MILLION, cost_usd=10.0,
                cost_usd_micros=10_000_000),
    delivered(Signal.SESSION_RECORDS, [{
        "agent": "claude_code", "session_id": "s", "kind": "request",
        "timestamp": "2026-11-22T03:00:00Z", "source_file": "s.jsonl", "payload": {
            "request_id": "served by another", "requested_model": "house-opus",
            "model": "claude-haiku-4-5", "input_tokens": MILLION,
        },
    }]),
    event("api_error", "2026-11-22 03:01:00", request_id="failed", model="claude-opus-5-5",
          status_code=529, attempt=3, duration_ms=5000),
    event("api_retries_exhausted", "2026-11-22 03:01:00", total_attempts=3),
]  # fmt: skip


def override(warehouse: Warehouse, kind: str, changed_at: str, **row: str) -> None:
    warehouse.execute(
        "INSERT INTO raw_user_overrides VALUES (?, ?, ?)", [kind, json.dumps(row), at(changed_at)]
    )


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("priced"))
    warehouse.load(REQUESTS)
    override(
        warehouse, "model_price_overrides", "2026-11-22 05:00:00",
        model="house-model", input="2.5", output="10", cache_read="", valid_from="",
    )  # fmt: skip
    override(
        warehouse, "model_aliases", "2026-11-22 05:00:00",
        alias="house-alias", model="claude-opus-5-5",
    )  # fmt: skip
    warehouse.build()
    return warehouse


@pytest.mark.parametrize(
    ("request_id", "usd"),
    [
        ("1h", "10.00"),
        ("5m", "6.25"),
        ("long before", "3.00"),
        ("long after", "1.50"),
        ("gpt", "55.00"),
        ("cache read", "0.20"),
        ("input", "4.00"),
        ("fast", "8.00"),
        ("huge", "4000.00006"),
        ("nothing", "0"),
        ("own price", "2.50"),
        ("own alias", "4.00"),
    ],
)
def test_the_facts_about_prices_hold(priced: Warehouse, request_id: str, usd: str) -> None:
    assert priced.rows(
        "SELECT computed_cost_usd, cost_usd, cost_source FROM marts.fct_agent_requests "
        f"WHERE request_key = 'claude_code:{request_id}'"
    ) == [(Decimal(usd), Decimal(usd), "computed")]


def test_a_model_without_a_price_is_unpriced_and_never_free(priced: Warehouse) -> None:
    assert priced.rows(
        "SELECT cost_usd, computed_cost_usd, cost_source, price_version, cache_savings_usd "
        "FROM marts.fct_agent_requests WHERE request_key = 'claude_code:unknown'"
    ) == [(None, None, "unpriced", None, None)]
    assert priced.rows(
        "SELECT cost_usd, unpriced_requests, requests FROM marts.fct_daily_agent_usage "
        "WHERE model = 'my-weird-model'"
    ) == [(None, 1, 1)]


# telemetry.md 27
def test_a_reported_cost_stands_where_another_model_served_the_request(priced: Warehouse) -> None:
    assert priced.rows(
        "SELECT model_requested, model, cost_usd, cost_source, computed_cost_usd "
        "FROM marts.fct_agent_requests WHERE request_key = 'claude_code:served by another'"
    ) == [("house-opus", "claude-haiku-4-5", 10, "agent_reported", 1)]


def test_a_failed_request_is_one_error_without_tokens(priced: Warehouse) -> None:
    assert priced.rows(
        "SELECT is_error, total_tokens, cost_usd, status_code FROM marts.fct_agent_requests "
        "WHERE is_error"
    ) == [(True, None, None, 529)]
    assert priced.rows("SELECT errors, retries, outcome FROM marts.fct_agent_sessions") == [
        (1, 2, "errored")
    ]


def test_cache_reads_save_the_difference_to_input(priced: Warehouse) -> None:
    assert priced.rows(
        "SELECT cache_savings_usd FROM marts.fct_agent_requests "
        "WHERE request_key = 'claude_code:cache read'"
    ) == [(Decimal("3.80"),)]


def test_a_changed_price_counts_from_then_on_and_earlier_only_when_recomputed(
    new_warehouse: NewWarehouse,
) -> None:
    warehouse = new_warehouse()
    warehouse.load(
        api_request(name, "claude-opus-5-5", day, input_tokens=MILLION, received_at=day)
        for name, day in (("before", "2026-11-23 10:00:00"), ("after", "2026-11-25 10:00:00"))
    )
    override(
        warehouse, "model_price_overrides", "2026-11-24 00:00:00",
        model="claude-opus-5-5", service_tier="standard", input="1", output="1",
    )  # fmt: skip
    query = "SELECT request_key, computed_cost_usd FROM marts.fct_agent_requests ORDER BY 2 DESC"
    warehouse.build()
    assert warehouse.rows(query) == [("claude_code:before", 4), ("claude_code:after", 1)]
    warehouse.execute(
        "INSERT INTO raw_price_epochs VALUES (?, ?, now(), 'recompute')",
        [at("2026-11-23 00:00:00"), at("2026-11-24 12:00:00")],
    )
    warehouse.build()
    assert {usd for _, usd in warehouse.rows(query)} == {1}


def test_spend_that_only_metrics_saw_is_booked_on_its_session(new_warehouse: NewWarehouse) -> None:
    """The classifier of Claude Code's auto mode: in no event, in metrics under its own model."""
    when = "2026-11-22 03:00:30"
    small = {"model": "claude-haiku-4-5", "query_source": "auxiliary"}
    main = {"model": "claude-opus-5-5[1m]", "query_source": "main"}
    warehouse = new_warehouse()
    warehouse.load(
        [
            event("user_prompt", "2026-11-22 02:59:59", prompt_length="9"),
            api_request("seen", "claude-opus-5-5", input_tokens=100, output_tokens=10,
                        cost_usd_micros=600, cost_usd=0.0006),
            counter("token.usage", [
                (when, 100.0, {**main, "type": "input"}),
                (when, 10.0, {**main, "type": "output"}),
                (when, 500.0, {**small, "type": "input"}),
                (when, 70.0, {**small, "type": "cacheCreation"}),
            ]),
            counter("cost.usage", [(when, 0.0006000000001, main), (when, 0.0005875, small)]),
            counter("active_time.total", [(when, 12.5, {"type": "cli"})]),
        ]
    )  # fmt: skip
    warehouse.build()
    assert warehouse.rows(
        "SELECT session_id, model, input_tokens, cache_write_5m_tokens, output_tokens, cost_usd, "
        "booked_at FROM marts.fct_metric_remainders"
    ) == [("s", "claude-haiku-4-5", 500, 70, 0, Decimal("0.0005875"), at("2026-11-22 03:00:00"))]
    assert warehouse.rows(
        "SELECT model, cost_source, requests, cost_usd FROM marts.fct_agent_costs ORDER BY model"
    ) == [
        ("claude-haiku-4-5", "metric_remainder", None, Decimal("0.0005875")),
        ("claude-opus-5-5", "agent_reported", 1, Decimal("0.0006")),
    ]
    assert warehouse.rows(
        "SELECT requests, prompts, total_tokens, cost_usd, active_seconds, started_at, ended_at "
        "FROM marts.fct_agent_sessions"
    ) == [
        (1, 1, 680, Decimal("0.0011875"), Decimal("12.5"),
         at("2026-11-22 02:59:59"), at("2026-11-22 03:00:00")),
    ]  # fmt: skip
    assert warehouse.rows(
        "SELECT model, requests, cost_usd FROM marts.fct_daily_agent_usage ORDER BY cost_usd"
    ) == [("claude-opus-5-5", 1, Decimal("0.0006"))]


def test_days_are_counted_in_the_users_time_zone(new_warehouse: NewWarehouse) -> None:
    warehouse = new_warehouse()
    warehouse.load(
        [
            api_request("late", "claude-opus-5-5", "2026-11-22 01:30:00", input_tokens=1),
            api_request("early", "claude-opus-5-5", "2026-11-22 03:30:00", input_tokens=1),
        ]
    )
    days = "SELECT request_key, requested_date::varchar FROM marts.fct_agent_requests ORDER BY 1"
    warehouse.build()
    assert dict(warehouse.rows(days)) == {
        "claude_code:late": "2026-11-22", "claude_code:early": "2026-11-22",
    }  # fmt: skip
    warehouse.execute(
        "INSERT INTO raw_settings VALUES ('time_zone', 'Europe/Berlin', now()), "
        "('day_rollover_hour', '4', now()), ('project_id', 'proj', now())"
    )
    warehouse.build()
    assert dict(warehouse.rows(days)) == {
        "claude_code:late": "2026-11-21", "claude_code:early": "2026-11-22",
    }  # fmt: skip
    assert warehouse.rows("SELECT project_id, project_name FROM marts.dim_projects") == [
        ("proj", "proj")
    ]


def test_identities_of_a_developer_are_one(new_warehouse: NewWarehouse) -> None:
    warehouse = new_warehouse()
    warehouse.load([api_request("r", "claude-opus-5-5", input_tokens=1)])
    override(
        warehouse, "developer_identities", "2026-11-22 05:00:00",
        identity="dev_abc", developer_id="jo@example.com",
    )  # fmt: skip
    warehouse.build()
    assert warehouse.rows(
        "SELECT developer_id, merged_identities, is_identified FROM marts.dim_developers"
    ) == [("jo@example.com", 1, True)]
    assert warehouse.rows("SELECT DISTINCT developer_id FROM marts.fct_agent_sessions") == [
        ("jo@example.com",)
    ]
