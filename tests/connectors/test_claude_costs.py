"""Anthropic's cost report from a server on this machine: days, models, cents and pages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent_analytics_collector.connectors.claude_analytics import open_api
from agent_analytics_collector.connectors.claude_costs import PATH, fetch
from agent_analytics_collector.connectors.http import UnexpectedAnswer
from agent_analytics_collector.connectors.records import VendorUsage

from .vendor_server import Question, Reply, replies, vendor_server

SINCE, UNTIL = date(2026, 10, 1), date(2026, 10, 3)
INPUT: dict[str, Any] = {
    "currency": "USD", "amount": "123.78912", "workspace_id": None, "cost_type": "tokens",
    "description": "Claude Sonnet 4.5 Usage - Input Tokens, 0-200k",
    "model": "claude-sonnet-4-5", "context_window": "0-200k", "service_tier": "standard",
    "token_type": "uncached_input_tokens",
}  # fmt: skip
OUTPUT = INPUT | {"amount": "1000", "token_type": "output_tokens"}
SEARCH = INPUT | dict.fromkeys(("model", "context_window", "token_type", "service_tier")) | {
    "cost_type": "web_search", "amount": "50",
}  # fmt: skip


def day(number: int, *results: dict[str, Any]) -> dict[str, Any]:
    return {
        "starting_at": f"2026-10-{number:02}T00:00:00Z",
        "ending_at": f"2026-10-{number + 1:02}T00:00:00Z", "results": results,
    }  # fmt: skip


def page(*days: dict[str, Any], following: str | None = None) -> Reply:
    return Reply(200, {"data": days, "has_more": following is not None, "next_page": following})


def fetched(*pages: Reply) -> tuple[list[list[VendorUsage]], list[Question]]:
    with vendor_server(replies(*pages)) as server, open_api("sk-ant-admin01-x", server.url) as api:
        return [*fetch(api, SINCE, UNTIL)], server.asked


def test_a_day_has_a_record_for_each_model_and_one_for_what_has_none() -> None:
    ((sonnet, other),), asked = fetched(page(day(1, INPUT, OUTPUT, SEARCH)))
    assert (sonnet.vendor, sonnet.day, sonnet.actor, sonnet.model) == (
        "anthropic", SINCE, None, "claude-sonnet-4-5",
    )  # fmt: skip
    assert (sonnet.cost_usd, other.model, other.cost_usd) == (
        Decimal("11.237891200"), None, Decimal("0.5"),
    )  # fmt: skip
    assert (sonnet.input_tokens, sonnet.output_tokens) == (None, None)
    (question,) = asked
    assert (question.method, question.path) == ("GET", PATH)
    assert question.query == {
        "starting_at": "2026-10-01T00:00:00Z", "bucket_width": "1d", "limit": "31",
        "group_by[]": "description",
    }  # fmt: skip
    assert question.headers["x-api-key"] == "sk-ant-admin01-x"


def test_descriptions_are_left_out_and_amounts_by_kind_of_token_are_kept() -> None:
    ((sonnet,),), _ = fetched(page(day(1, INPUT, OUTPUT)))
    parts = sonnet.payload["parts"]
    assert [(part["token_type"], part["amount_cents"]) for part in parts] == [
        ("uncached_input_tokens", 123.78912), ("output_tokens", 1000.0),
    ]  # fmt: skip
    assert "description" not in parts[0]
    assert "Usage" not in str(sonnet.payload)


def test_pages_are_followed_and_days_outside_or_without_cost_left_out() -> None:
    days, asked = fetched(
        page(day(1, OUTPUT), day(2), following="2"), page(day(3, OUTPUT), day(4, OUTPUT))
    )
    assert [records[0].day.day for records in days] == [1, 3]
    assert [question.query.get("page") for question in asked] == [None, "2"]


def test_an_amount_in_another_currency_is_unknown_in_dollars() -> None:
    ((sonnet,),), _ = fetched(page(day(1, OUTPUT, OUTPUT | {"currency": "EUR"})))
    assert sonnet.cost_usd is None
    assert [part["currency"] for part in sonnet.payload["parts"]] == ["USD", "EUR"]


@pytest.mark.parametrize(
    "pages",
    [
        [page(day(1), following="2"), page(day(2), following="2")],
        [Reply(200, {"data": [], "has_more": True, "next_page": None})],
        [page(day(1, OUTPUT | {"amount": "a lot"}))],
        [page(day(1, OUTPUT) | {"starting_at": "yesterday"})],
        [Reply(200, {"results": []})],
    ],
    ids=["the same page again", "no next page", "no amount", "no day", "no data"],
)
def test_an_answer_that_cannot_be_right_is_refused(pages: list[Reply]) -> None:
    with pytest.raises(UnexpectedAnswer):
        fetched(*pages)
