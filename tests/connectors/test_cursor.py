"""Cursor's Admin API from a server on this machine: days, events, pages and refusals."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent_analytics_collector.connectors.cursor import DAYS, EVENTS, fetch, open_api
from agent_analytics_collector.connectors.http import UnexpectedAnswer, VendorRefused
from agent_analytics_collector.connectors.records import VendorUsage

from .vendor_server import Question, Reply, replies, vendor_server

DAY = date(2025, 6, 26)
MEMBER: dict[str, Any] = {
    "userId": 12345, "day": "2025-06-26", "date": 1750896000000, "isActive": True,
    "totalLinesAdded": 1543, "acceptedLinesAdded": 1102, "totalTabsShown": 342,
    "agentRequests": 12, "mostUsedModel": "gpt-5", "email": "developer@company.com",
}  # fmt: skip
EVENT: dict[str, Any] = {
    "timestamp": "1750979225854", "userEmail": "developer@company.com",
    "model": "claude-4.5-sonnet", "kind": "Usage-based", "maxMode": True, "requestsCosts": 5,
    "isTokenBasedCall": True, "isChargeable": True, "isHeadless": False,
    "tokenUsage": {
        "inputTokens": 126, "outputTokens": 450, "cacheWriteTokens": 6112,
        "cacheReadTokens": 11964, "totalCents": 20.18232,
    },
    "chargedCents": 21.36232, "cursorTokenFee": 1.18, "isFreeBugbot": False,
}  # fmt: skip
INCLUDED: dict[str, Any] = {
    "timestamp": "1750978339901", "userEmail": "developer@company.com",
    "model": "claude-4.5-sonnet", "kind": "Included in Business", "maxMode": True,
    "requestsCosts": 1.4, "isTokenBasedCall": False, "isChargeable": False, "isHeadless": False,
    "chargedCents": 8, "isFreeBugbot": False,
}  # fmt: skip


class Cursor:
    """Answers as Cursor does, in pages of the given rows."""

    def __init__(self, days: list[list[Any]], events: list[list[Any]]) -> None:
        self.pages = {DAYS: ("data", days), EVENTS: ("usageEvents", events)}

    def __call__(self, question: Question) -> Reply:
        name, pages = self.pages[question.path]
        number = question.body["page"]
        more = number < len(pages)
        rows = pages[number - 1] if pages else []
        return Reply(200, {name: rows, "pagination": {"hasNextPage": more}})


def fetched(
    cursor: Callable[[Question], Reply], since: date = DAY, until: date = DAY
) -> tuple[list[list[VendorUsage]], list[Question]]:
    with vendor_server(cursor) as server, open_api("key_x", server.url) as api:
        return [*fetch(api, since, until)], server.asked


def test_a_member_has_its_day_and_one_record_for_each_model() -> None:
    ((member, model),), asked = fetched(Cursor([[MEMBER]], [[EVENT, INCLUDED]]))
    assert (member.vendor, member.day, member.actor) == ("cursor", DAY, "developer@company.com")
    assert (member.model, member.input_tokens, member.cost_usd) == (None, None, None)
    assert member.payload == {
        name: value for name, value in MEMBER.items() if name not in ("email", "day", "date")
    }
    assert (model.day, model.actor, model.model) == (DAY, member.actor, "claude-4.5-sonnet")
    assert (
        model.input_tokens, model.cache_read_tokens, model.cache_write_tokens, model.output_tokens,
    ) == (126, 11964, 6112, 450)  # fmt: skip
    assert model.cost_usd == Decimal("0.2936232")
    assert model.payload == {
        "events": 2, "chargeable_events": 1, "headless_events": 0, "max_mode_events": 2,
        "model_cents": 20.18232, "token_fee_cents": 1.18, "requests_costs": 6.4,
        "chargeable_cents": 21.36232, "kinds": {"Usage-based": 1, "Included in Business": 1},
    }  # fmt: skip
    assert [question.path for question in asked] == [DAYS, EVENTS]
    basic = base64.b64encode(b"key_x:").decode()
    assert asked[0].headers["authorization"] == f"Basic {basic}"
    assert asked[0].body == {
        "startDate": 1750896000000, "endDate": 1750982399999, "page": 1, "pageSize": 1000,
    }  # fmt: skip


def test_pages_are_read_to_the_last_and_events_of_both_add_up() -> None:
    bot = EVENT | {"model": "composer-1", "userEmail": None, "serviceAccountId": "sa1"}
    idle = MEMBER | {"email": "idle@company.com", "isActive": False}
    second = MEMBER | {"email": "other@company.com"}
    ((*found,),), asked = fetched(
        Cursor([[MEMBER, idle], [second]], [[EVENT], [EVENT], [bot]])
    )  # fmt: skip
    assert [(usage.actor, usage.model) for usage in found] == [
        ("developer@company.com", None),
        ("other@company.com", None),
        ("developer@company.com", "claude-4.5-sonnet"),
        ("service_account:sa1", "composer-1"),
    ]
    assert found[2].input_tokens == 252
    assert found[2].cost_usd == Decimal("0.4272464")
    assert [question.body["page"] for question in asked] == [1, 2, 1, 2, 3]
    assert len({question.body["endDate"] for question in asked}) == 1


def test_days_are_utc_days_and_models_without_name_are_unknown() -> None:
    last = int(datetime(2025, 6, 26, 23, 59, 59, tzinfo=UTC).timestamp() * 1000)
    events = [
        EVENT | {"timestamp": str(last)}, EVENT | {"timestamp": last + 1000, "model": None},
    ]  # fmt: skip
    undated = {name: value for name, value in MEMBER.items() if name != "day"}
    ((member, first, second),), _ = fetched(
        Cursor([[undated]], [events]), DAY, DAY + timedelta(days=1)
    )
    assert member.day == DAY
    assert (first.day, first.model) == (DAY, "claude-4.5-sonnet")
    assert (second.day, second.model) == (DAY + timedelta(days=1), "unknown")


def test_long_spans_are_asked_for_thirty_days_at_a_time() -> None:
    parts, asked = fetched(Cursor([], []), DAY, DAY + timedelta(days=64))
    assert parts == [[], [], []]
    spans = [
        ((question.body["endDate"] + 1) - question.body["startDate"]) / 86_400_000
        for question in asked[::2]
    ]
    assert spans == [30, 30, 5]
    starts = [question.body["startDate"] for question in asked[::2]]
    assert starts[1] == asked[0].body["endDate"] + 1


def test_today_is_asked_for_as_far_as_it_has_gone() -> None:
    today = datetime.now(UTC).date()
    _, asked = fetched(Cursor([], []), today, today)
    assert asked[0].body["endDate"] <= time.time() * 1000


def test_tokens_and_cost_that_are_not_told_are_unknown_and_not_zero() -> None:
    bare = {"timestamp": "1750979225854", "userEmail": "developer@company.com", "model": "m"}
    ((usage,),), _ = fetched(Cursor([], [[bare]]))
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (None, None, None)
    assert usage.payload["events"] == 1


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor([[]], [[EVENT | {"timestamp": "noon"}]]),
        Cursor([[]], [[EVENT | {"timestamp": "9" * 30}]]),
        Cursor([[MEMBER | {"day": None, "date": None}]], []),
        Cursor([[], [MEMBER]], []),
        replies(Reply(200, {"items": []})),
    ],
    ids=["no time", "no year", "no day", "an empty page with more", "no rows"],
)
def test_an_answer_that_cannot_be_whole_gives_nothing(cursor: Callable[[Any], Reply]) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        fetched(cursor)
    assert "noon" not in str(raised.value)


@pytest.mark.parametrize(("status", "step"), [(401, "Admin API key"), (403, "Enterprise plan")])
def test_a_refusal_says_which_key_and_plan_it_takes(status: int, step: str) -> None:
    said = {"error": "Unauthorized", "message": "Invalid Team API Key"}
    with pytest.raises(VendorRefused) as raised:
        fetched(replies(Reply(status, said)))
    assert "“Invalid Team API Key”" in str(raised.value)
    assert step in str(raised.value)
