"""`POST /v1/copilot-metrics` and `/v1/vendor-usage`, from HTTP into DuckDB."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agent_analytics_collector.home import Home

from .conftest import RunningService, Start
from .test_api import client, rows

# As the specification of the API has it.
LEGACY: dict[str, Any] = {
    "day": "2026-05-07", "total_suggestions": 100, "total_acceptances": 25,
    "total_lines_suggested": 400, "total_lines_accepted": 80, "total_active_users": 7,
    "language_breakdown": [{"language": "python", "suggestions": 60, "acceptances": 20}],
}  # fmt: skip
USAGE: dict[str, Any] = {
    "vendor": "cursor", "day": "2026-05-07", "actor": "jo@acme.com", "model": "gpt-5",
    "input_tokens": 126, "cache_read_tokens": 11964, "cost_usd": 0.2136232,
    "payload": {"events": 1},
}  # fmt: skip


def test_the_payload_of_the_specification_is_taken_as_it_is(start: Start, home: Home) -> None:
    with client(start(), home, **{"x-developer-id": "dev_abc123"}) as api:
        answer = api.post("/v1/copilot-metrics", json=LEGACY)
    assert answer.json() == {"accepted": 1, "duplicate": 0, "rejected": 0, "problems": []}
    (found,) = rows(
        home,
        "SELECT id, date, developer_id, total_suggestions, total_acceptances, "
        "total_lines_suggested, total_lines_accepted, total_active_users, language_breakdown "
        "FROM raw_copilot_metrics",
    )
    assert found[:-1] == (1, date(2026, 5, 7), "dev_abc123", 100, 25, 400, 80, 7)
    assert json.loads(found[-1]) == LEGACY["language_breakdown"]


def test_a_correction_that_is_taken_back_is_taken_back(start: Start, home: Home) -> None:
    corrected = LEGACY | {"total_suggestions": 101}
    with client(start(), home) as api:
        for day in (LEGACY, corrected, LEGACY):
            assert api.post("/v1/copilot-metrics", json=[day]).json()["accepted"] == 1
            assert rows(home, "SELECT total_suggestions FROM raw_copilot_metrics") == [
                (day["total_suggestions"],)
            ]


def test_usage_lands_with_its_tokens_and_exact_cost(start: Start, home: Home) -> None:
    with client(start(), home) as api:
        assert api.post("/v1/vendor-usage", json=[USAGE, USAGE]).json()["duplicate"] == 1
    assert rows(
        home,
        "SELECT vendor, usage_date, actor, model, input_tokens, cache_read_tokens, output_tokens, "
        "cost_usd, payload FROM raw_vendor_usage",
    ) == [
        ("cursor", date(2026, 5, 7), "jo@acme.com", "gpt-5", 126, 11964, None,
         Decimal("0.213623200"), '{"events":1}'),
    ]  # fmt: skip


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("copilot-metrics", LEGACY | {"day": "yesterday"}, "day: "),
    ("copilot-metrics", LEGACY | {"total_suggestions": -1}, "total_suggestions: "),
    ("copilot-metrics", LEGACY | {"ai_credits_used": "NaN"}, "ai_credits_used: "),
    ("copilot-metrics", {"total_suggestions": 1}, "day: "),
    ("copilot-metrics", LEGACY | {"payload": {"x": "y" * 2**20}}, "payload: "),
    ("vendor-usage", USAGE | {"vendor": "Drop Table"}, "vendor: "),
    ("vendor-usage", USAGE | {"cost_usd": "0.0000000001"}, "cost_usd: "),
    ("vendor-usage", USAGE | {"cost_usd": "NaN"}, "cost_usd: "),
    ("vendor-usage", USAGE | {"input_tokens": 2**63}, "input_tokens: "),
    ("vendor-usage", USAGE | {"actor": "a\0b"}, "actor: "),
]


@pytest.mark.parametrize(("path", "good"), [("copilot-metrics", LEGACY), ("vendor-usage", USAGE)])
def test_what_the_tables_could_not_hold_is_refused_by_its_field(
    start: Start, home: Home, path: str, good: dict[str, Any]
) -> None:
    wrong = [(record, problem) for where, record, problem in WRONG if where == path]
    with client(start(), home) as api:
        answer = api.post(f"/v1/{path}", json=[*(record for record, _ in wrong), good]).json()
    assert (answer["accepted"], answer["rejected"]) == (1, len(wrong))
    for told, (record, problem) in zip(answer["problems"], wrong, strict=True):
        assert told["reason"].startswith(problem), record
    table = path.replace("-", "_")
    assert rows(home, f"SELECT count(*) FROM raw_{table}") == [(1,)]


def test_both_are_described_and_want_the_token(running: RunningService) -> None:
    with client(running, running.home) as api:
        paths = api.get("/openapi.json").json()["paths"]
        for path in ("/v1/copilot-metrics", "/v1/vendor-usage"):
            content = paths[path]["post"]["requestBody"]["content"]["application/json"]
            assert "day" in content["schema"]["oneOf"][0]["properties"]
            assert api.post(path, json=[], headers={"Authorization": ""}).status_code == 401
