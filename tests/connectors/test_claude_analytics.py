"""Claude Code Analytics from a server on this machine: pages, terminals, cents and refusals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent_analytics_collector.connectors.claude_analytics import PATH, fetch, open_api
from agent_analytics_collector.connectors.http import UnexpectedAnswer, VendorRefused
from agent_analytics_collector.connectors.records import VendorUsage

from .vendor_server import Question, Reply, replies, vendor_server

DAY = date(2025, 9, 1)
SONNET = {
    "model": "claude-sonnet-4-5-20250929",
    "tokens": {"input": 100000, "output": 35000, "cache_read": 10000, "cache_creation": 5000},
    "estimated_cost": {"currency": "USD", "amount": 1025},
}
ROW: dict[str, Any] = {
    "date": "2025-09-01T00:00:00Z",
    "actor": {"type": "user_actor", "email_address": "dev@company.com"},
    "organization_id": "org", "customer_type": "api", "terminal_type": "vscode",
    "core_metrics": {
        "num_sessions": 5, "lines_of_code": {"added": 1543, "removed": 892},
        "commits_by_claude_code": 12, "pull_requests_by_claude_code": 2,
    },
    "tool_actions": {"edit_tool": {"accepted": 45, "rejected": 5}},
    "model_breakdown": [SONNET],
}  # fmt: skip


def page(*rows: dict[str, Any], following: str | None = None) -> Reply:
    return Reply(200, {"data": rows, "has_more": following is not None, "next_page": following})


def fetched(*pages: Reply, days: int = 1) -> tuple[list[list[VendorUsage]], list[Question]]:
    with vendor_server(replies(*pages)) as server, open_api("sk-ant-admin01-x", server.url) as api:
        return [*fetch(api, DAY, DAY + timedelta(days=days - 1))], server.asked


def test_an_actor_has_its_activity_and_one_record_for_each_model() -> None:
    ((activity, sonnet),), asked = fetched(page(ROW))
    assert (activity.vendor, activity.day, activity.actor) == ("claude_code", DAY, ROW["actor"]
            ["email_address"])  # fmt: skip
    assert (activity.model, activity.input_tokens, activity.cost_usd) == (None, None, None)
    (row,) = activity.payload["rows"]
    assert row["core_metrics"] == ROW["core_metrics"]
    assert row["tool_actions"] == ROW["tool_actions"]
    assert "model_breakdown" not in row
    assert sonnet.model == SONNET["model"]
    assert (
        sonnet.input_tokens, sonnet.cache_read_tokens, sonnet.cache_write_tokens,
        sonnet.output_tokens,
    ) == (100000, 10000, 5000, 35000)  # fmt: skip
    assert sonnet.cost_usd == Decimal("10.25")
    (question,) = asked
    assert (question.method, question.path) == ("GET", PATH)
    assert question.query == {"starting_at": "2025-09-01", "limit": "1000"}
    assert question.headers["x-api-key"] == "sk-ant-admin01-x"
    assert question.headers["anthropic-version"] == "2023-06-01"


def test_terminals_of_one_actor_add_up_over_pages() -> None:
    cents = {"currency": "USD", "amount": "0.1"}
    iterm = ROW | {"terminal_type": "iTerm.app", "subscription_type": "team"} | {
        "model_breakdown": [SONNET | {"tokens": {"input": 1}, "estimated_cost": cents}]
    }  # fmt: skip
    ((activity, sonnet),), asked = fetched(page(ROW, following="2"), page(iterm))
    assert len(activity.payload["rows"]) == 2
    assert (sonnet.input_tokens, sonnet.output_tokens) == (100001, 35000)
    assert sonnet.cost_usd == Decimal("10.251")
    terminals = sonnet.payload["terminals"]
    assert [terminal["terminal_type"] for terminal in terminals] == ["vscode", "iTerm.app"]
    assert [terminal["estimated_cost_cents"] for terminal in terminals] == [1025, 0.1]
    assert terminals[1]["subscription_type"] == "team"
    assert [question.query.get("page") for question in asked] == [None, "2"]


def test_every_day_is_a_question_and_a_day_without_use_is_empty() -> None:
    days, asked = fetched(page(), page(ROW), page(), days=3)
    assert [len(day) for day in days] == [0, 2, 0]
    assert [question.query["starting_at"][-2:] for question in asked] == ["01", "02", "03"]


def test_what_is_not_told_is_unknown_and_not_zero() -> None:
    key = ROW | {
        "actor": {"type": "api_actor", "api_key_name": "ci"},
        "model_breakdown": [
            {"model": "m", "tokens": {"output": 0}},
            {"model": "n", "estimated_cost": {"currency": "EUR", "amount": 5}},
        ],
    }
    ((_, m, n),), _ = fetched(page(key))
    assert m.actor == "api_key:ci"
    assert (m.input_tokens, m.output_tokens, m.cost_usd) == (None, 0, None)
    assert n.cost_usd is None
    assert n.payload["terminals"][0]["currency"] == "EUR"


@pytest.mark.parametrize(
    "pages",
    [
        [page(ROW, following="2"), page(ROW, following="2")],
        [Reply(200, {"data": [ROW], "has_more": True, "next_page": None})],
        [page(ROW | {"date": "yesterday"})],
        [page(ROW | {"model_breakdown": [{"tokens": {}}]})],
        [Reply(200, {"rows": []})],
    ],
    ids=["the same page again", "no next page", "no date", "no model", "no data"],
)
def test_an_answer_that_cannot_be_whole_gives_nothing_of_its_day(pages: list[Reply]) -> None:
    with pytest.raises(UnexpectedAnswer):
        fetched(*pages)


def test_a_models_key_is_refused_with_the_kind_of_key_that_it_takes() -> None:
    wrong = {"type": "error", "error": {"type": "authentication_error", "message": "invalid key"}}
    with pytest.raises(VendorRefused) as raised:
        fetched(Reply(401, wrong))
    assert "“invalid key”. It takes an Admin API key (sk-ant-admin…)" in str(raised.value)
