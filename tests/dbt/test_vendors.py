"""What vendors' APIs report, as the connectors read it: what is spend, what is only compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from agent_analytics_collector.connectors.records import Record
from agent_analytics_collector.envelope import Envelope, Signal
from tests.connectors import test_cursor as cursor
from tests.connectors import test_github_copilot as copilot
from tests.dbt.records import delivered
from tests.dbt.telemetry import api_request, at, counter
from tests.dbt.warehouse import Warehouse
from tests.service.test_vendor_records import LEGACY

pytestmark = pytest.mark.slow

JO = "jo@acme.com"
MODEL = "claude-opus-5-5"
OLD = "2026-11-09"
"""Jo's first day with telemetry."""


def sent(signal: Signal, records: Iterable[Record]) -> Envelope:
    """The records as `sync` sends and the API keeps them."""
    return delivered(signal, [msgspec.to_builtins(record) for record in records])


def claude(day: str, tokens: int, usd: str = "0.01", actor: str | None = JO) -> dict[str, Any]:
    return {
        "vendor": "claude_code", "day": day, "actor": actor, "model": "claude-opus-5-5-20261001",
        "input_tokens": tokens, "cache_write_tokens": 0, "output_tokens": 10, "cost_usd": usd,
    }  # fmt: skip


def asked(when: str, tokens: int = 100) -> Envelope:
    """A request of Jo's, as telemetry tells it: 10 tokens of output, one cent."""
    return api_request(
        f"{when} {tokens}", MODEL, when, session=f"session of {when}", input_tokens=tokens,
        output_tokens=10, cost_usd_micros=10_000, cost_usd=0.01,
    )  # fmt: skip


def by_nobody(envelope: Envelope) -> Envelope:
    """The same of somebody without a name."""
    return replace(envelope, headers={})


def asked_by_file(when: str) -> Envelope:
    """The same as a session file alone tells it."""
    payload = {"request_id": when, "model": MODEL, "input_tokens": 100, "output_tokens": 10}
    return delivered(
        Signal.SESSION_RECORDS,
        [
            {
                "agent": "claude_code", "session_id": "by file", "kind": "request",
                "timestamp": when.replace(" ", "T") + "Z", "payload": payload,
            },
        ],
    )  # fmt: skip


TELEMETRY = [
    asked(f"{OLD} 10:00:00"),
    asked("2026-11-10 10:00:00"),
    by_nobody(asked("2026-11-12 10:00:00")),
    asked("2026-11-13 10:00:00"),
    asked("2026-11-15 00:05:00"),
    asked("2026-11-16 10:00:00", 500),
    asked("2026-11-17 10:00:00"),
    counter("token.usage", [
        ("2026-11-18 10:00:00", 100.0, {"model": MODEL, "type": "input"}),
        ("2026-11-18 10:00:00", 10.0, {"model": MODEL, "type": "output"}),
    ], session="by metrics"),
    counter("cost.usage", [("2026-11-18 10:00:00", 0.01, {"model": MODEL})], session="by metrics"),
    asked("2026-11-19 10:00:00"),
    asked_by_file("2026-11-21 10:00:00"),
    asked("2026-11-22 03:00:00", 500),
]  # fmt: skip
CLAUDE = [
    claude(OLD, 300),
    claude("2026-11-10", 100),
    claude("2026-11-10", 50, actor="amy@acme.com"),
    claude("2026-11-11", 70, "0.07"),
    claude("2026-11-12", 80),
    claude("2026-11-13", 300),
    claude("2026-11-14", 90),
    claude("2026-11-16", 100),
    claude("2026-11-17", 100, "0.05"),
    claude("2026-11-18", 100),
    claude("2026-11-19", 1, actor="amy@acme.com"),
    claude("2026-11-21", 100),
    claude("2026-11-22", 100),
    {"vendor": "claude_code", "day": "2026-11-20", "actor": JO, "payload": {"rows": []}},
]
BILL = {"vendor": "anthropic", "day": "2026-11-11", "model": "claude-opus-5-5", "cost_usd": "7.5"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One build of all of it. Look, do not change."""
    (days,), _ = cursor.fetched(cursor.Cursor([[cursor.MEMBER]], [[cursor.EVENT, cursor.INCLUDED]]))
    (reports,), _ = copilot.fetched(
        copilot.Github([copilot.lines(copilot.WHOLE)], [copilot.lines(copilot.USER)])
    )
    warehouse = Warehouse(tmp_path_factory.mktemp("vendors"))
    warehouse.load(
        [
            *TELEMETRY,
            sent(Signal.VENDOR_USAGE, days),
            delivered(Signal.VENDOR_USAGE, [*CLAUDE, BILL]),
            sent(Signal.COPILOT_METRICS, reports),
            delivered(Signal.COPILOT_METRICS, [LEGACY]),
        ]
    )
    warehouse.execute(
        "INSERT INTO raw_user_overrides VALUES ('developer_identities', ?, now())",
        [json.dumps({"identity": "dev_abc", "developer_id": JO})],
    )
    warehouse.build()
    return warehouse


def test_a_cost_report_is_a_bill_and_never_spend(built: Warehouse) -> None:
    assert built.rows("SELECT count(*) FROM raw_vendor_usage WHERE vendor = 'anthropic'") == [(1,)]
    for mart in ("fct_vendor_spend", "fct_agent_costs", "fct_daily_agent_usage"):
        assert built.rows(f"SELECT count(*) FROM marts.{mart} WHERE agent = 'anthropic'") == [(0,)]
    spent = "SELECT sum(cost_usd) FROM marts.fct_agent_costs WHERE agent = 'claude_code'"
    assert built.rows(f"{spent} AND usage_date = '2026-11-11'") == [(Decimal("0.07"),)]


def test_cursor_is_spend_at_its_own_list_and_paid_is_what_it_charged(built: Warehouse) -> None:
    spend = (Decimal("0.293623200"), Decimal("0.213623200"))
    assert built.rows(
        "SELECT usage_date, booked_at, developer_id, model, cost_source, requests, input_tokens, "
        "cache_read_tokens, cache_write_5m_tokens, output_tokens, total_tokens, cost_usd, paid_usd "
        "FROM marts.fct_vendor_spend WHERE agent = 'cursor'"
    ) == [
        (date(2025, 6, 26), at("2025-06-26 12:00:00"), "developer@company.com",
         "claude-sonnet-4-5", "vendor_billed", 2, 126, 11964, 6112, 450, 18652, *spend),
    ]  # fmt: skip
    assert built.rows(
        "SELECT cost_source, requests, output_tokens, cost_usd, paid_usd, "
        "computed_cost_usd BETWEEN 0.03 AND 0.04 FROM marts.fct_agent_costs WHERE agent = 'cursor'"
    ) == [("vendor_billed", 2, 450, *spend, True)]
    for mart in ("fct_daily_agent_usage", "fct_usage_15min"):
        assert built.rows(
            f"SELECT requests, input_tokens, cost_usd FROM marts.{mart} WHERE agent = 'cursor'"
        ) == [(2, 126, spend[0])]


def test_the_vendor_adds_only_days_of_developers_whom_nothing_else_tells_of(
    built: Warehouse,
) -> None:
    assert built.rows(
        "SELECT reported_on::varchar, developer_id, cost_source, requests, input_tokens, cost_usd, "
        "paid_usd FROM marts.fct_vendor_spend WHERE agent = 'claude_code' ORDER BY 1"
    ) == [
        ("2026-11-10", "amy@acme.com", "agent_reported", None, 50, Decimal("0.01"), None),
        ("2026-11-11", JO, "agent_reported", None, 70, Decimal("0.07"), None),
        ("2026-11-19", "amy@acme.com", "agent_reported", None, 1, Decimal("0.01"), None),
    ]
    assert built.rows(
        "SELECT cost_source, sum(requests), sum(cost_usd) FROM marts.fct_agent_costs "
        "WHERE agent = 'claude_code' GROUP BY 1 ORDER BY 1"
    ) == [
        ("agent_reported", 9, Decimal("0.09") + Decimal("0.09")),
        ("computed", 1, Decimal("0.0006")),
        ("metric_remainder", None, Decimal("0.01")),
    ]


def test_each_day_of_a_vendor_is_compared_and_its_gap_has_a_reason(built: Warehouse) -> None:
    found = built.rows(
        "SELECT usage_date::varchar, developer_id, left_source, gap_tokens, explanation "
        "FROM intermediate.int_vendor_reconciliation ORDER BY 1, 2"
    )
    unknown = "only the vendor tells: not counted, a developer of that day is no known actor"
    assert [(day, who, *rest) for day, who, *rest in found if ".id:" not in who] == [
        (OLD, JO, "telemetry_events", -200, "telemetry began later"),
        ("2026-11-10", "amy@acme.com", "telemetry_events", -60, "only the vendor tells: counted"),
        ("2026-11-10", JO, "telemetry_events", 0, "equal"),
        ("2026-11-11", JO, "telemetry_events", -80, "only the vendor tells: counted"),
        ("2026-11-12", JO, "telemetry_events", -90, unknown),
        ("2026-11-13", JO, "telemetry_events", -200, "requests without telemetry"),
        ("2026-11-14", JO, "telemetry_events", -100, "counted on the next or previous day"),
        ("2026-11-16", JO, "telemetry_events", 400, "unexplained"),
        ("2026-11-17", JO, "telemetry_events", 0, "other prices"),
        ("2026-11-18", JO, "telemetry_metrics", 0, "equal"),
        ("2026-11-19", "amy@acme.com", "telemetry_events", -11, "only the vendor tells: counted"),
        ("2026-11-19", JO, "telemetry_events", 110, "not reported by the vendor"),
        ("2026-11-21", JO, "session_file", 0, "equal"),
        ("2026-11-22", JO, "telemetry_events", 400, "vendor reports later"),
    ]
    ((day, _, *rest),) = [row for row in found if ".id:" in row[1]]
    assert (day, *rest) == ("2026-11-12", "telemetry_events", 110, "developer is no known actor")


def test_a_comparison_shows_both_sides_whole(built: Warehouse) -> None:
    assert built.rows(
        "SELECT agent, session_key, right_source, left_requests, right_requests, left_input_tokens,"
        " right_input_tokens, left_output_tokens, right_output_tokens, left_cost_usd, "
        "right_cost_usd, gap_cost_usd FROM intermediate.int_vendor_reconciliation "
        "WHERE usage_date = '2026-11-17'"
    ) == [
        ("claude_code", None, "vendor", 1, None, 100, 100, 10, 10, Decimal("0.01"),
         Decimal("0.05"), Decimal("-0.04")),
    ]  # fmt: skip


def test_copilots_agent_edits_stand_apart_from_what_somebody_could_accept(
    built: Warehouse,
) -> None:
    assert built.rows(
        "SELECT breakdown, coalesce(feature, language, editor, model), suggestions, acceptances, "
        "lines_suggested, lines_accepted, agent_lines_added, ai_credits "
        "FROM marts.fct_copilot_daily WHERE developer_id = 'octocat' ORDER BY ALL"
    ) == [
        ("feature", "agent_edit", None, None, None, None, 300, None),
        ("feature", "code_completion", 20, 5, 40, 8, None, None),
        ("language", "python", 20, 5, 40, 8, 300, None),
        ("total", None, 20, 5, 40, 8, 300, Decimal("57.864515")),
    ]


def test_an_organisation_and_the_legacy_form_are_days_as_they_were_summed(
    built: Warehouse,
) -> None:
    assert built.rows(
        "SELECT developer_id, organisation, is_organisation, breakdown, language, suggestions, "
        "acceptances, active_users FROM marts.fct_copilot_daily WHERE developer_id <> 'octocat' "
        "ORDER BY ALL"
    ) == [
        (JO, None, False, "language", "python", 60, 20, None),
        (JO, None, False, "total", None, 100, 25, 7),
        ("org:acme", "acme", True, "total", None, 2000, 800, 150),
    ]


def test_whom_vendors_name_are_developers_and_organisations_are_not(built: Warehouse) -> None:
    assert built.rows(
        "SELECT developer_id FROM marts.dim_developers WHERE is_identified ORDER BY 1"
    ) == [("amy@acme.com",), ("developer@company.com",), (JO,), ("octocat",)]
    assert built.rows(
        "SELECT agent FROM marts.dim_agents WHERE last_seen_at IS NOT NULL ORDER BY 1"
    ) == [("claude_code",), ("cursor",), ("github_copilot",)]
