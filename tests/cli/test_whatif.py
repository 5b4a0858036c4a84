"""`agent-analytics whatif`: the same requests at other prices, added up again by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

from .two_weeks import publish

APP, LIB = "https://github.com/acme/app", "https://github.com/acme/lib"
CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
MILLION = Decimal(1_000_000)

Row = dict[str, Any]


def request(key: str, day: str, *tokens: int | None, **changes: Any) -> Row:
    """`tokens` by class, in the order of CLASSES."""
    counts = dict(zip((f"{name}_tokens" for name in CLASSES), tokens, strict=True))
    told = [count for count in tokens if count is not None]
    return {
        "request_key": key, "agent": "claude_code", "developer_id": "ada", "project_id": APP,
        "model": "opus", "service_tier": "standard", "requested_at": f"{day} 12:00:00+00",
        "total_tokens": sum(told) if told else None, "cost_usd": "1.00",
        "cost_source": "computed", "is_error": False, **counts, **changes,
    }  # fmt: skip


def price(model: str, *usd: str | None, **changes: Any) -> Row:
    """`usd` per million by class, in the order of CLASSES."""
    per_million = dict(zip((f"{name}_usd_per_million" for name in CLASSES), usd, strict=True))
    return {
        "model_price_key": f"{model} {usd} {changes}", "model": model, "service_tier": "standard",
        "origin": "seed", "price_version": "v", "tier_from_tokens": 0, "is_current": True,
        **per_million, **changes,
    }  # fmt: skip


SMALL = request("small", "2026-10-05", 1_000, 90_000, 5_000, 4_000, 700)
AT_THE_BOUND = request("bound", "2026-10-20", 100_000, 100_000, 0, 0, 100)
LONG = request("long", "2026-10-20", 100_001, 100_000, 0, 0, 100, developer_id="grace")
OTHERS = request("other", "2026-11-02", 10_000, 0, None, None, 500, agent="codex", model="gpt",
                 project_id=LIB, developer_id=None)  # fmt: skip
NOTHING_TOLD = request("nothing", "2026-11-02", None, None, None, None, None)
UNPRICED = request("unpriced", "2026-11-02", 10, 0, 0, 0, 10, cost_usd=None,
                   cost_source="unpriced")  # fmt: skip
FAILED = request("failed", "2026-11-02", 10, 0, 0, 0, 10, is_error=True)
STANDARD = ("2", "0.2", "2.5", "4", "10")
ABOVE = ("4", "0.4", "5", "8", "15")
ROWS: dict[str, list[Row]] = {
    "fct_agent_requests": [SMALL, AT_THE_BOUND, LONG, OTHERS, NOTHING_TOLD, UNPRICED, FAILED],
    "dim_model_prices": [
        price("tiered", *STANDARD),
        price("tiered", *ABOVE, tier_from_tokens=200_000),
        # What was believed once does not count.
        price("tiered", *["99"] * 5, is_current=False),
        price("tiered", *["77"] * 5, service_tier="batch"),
        price("no-writes", "1", "0.1", None, None, "5"),
        price("moved", *["1"] * 5, valid_to="2026-10-10"),
        price("moved", *["3"] * 5, valid_from="2026-10-10", valid_to="2026-11-01"),
        price("mine", *["1"] * 5),
        price("mine", *["6"] * 5, origin="user"),
        price("quick", *["1"] * 5),
        price("quick", *["2"] * 5, service_tier="fast"),
    ],
    "dim_agents": [
        {"agent": "claude_code", "display_name": "Claude Code", "vendor": "Anthropic"},
        {"agent": "claude_web", "display_name": "Claude", "vendor": "Anthropic"},
        {"agent": "codex", "display_name": "Codex", "vendor": "OpenAI"},
    ],
    "dim_plans": [
        {"plan_key": "1", "plan": "seat", "agent": "claude_web", "display_name": "A Seat",
         "origin": "seed", "monthly_usd": "30"},
        {"plan_key": "2", "plan": "seat", "agent": "claude_web", "display_name": "A Seat",
         "origin": "user", "monthly_usd": "60", "valid_from": "2026-11-01"},
        {"plan_key": "3", "plan": "credits", "agent": "claude_code", "display_name": "Credits",
         "origin": "seed", "monthly_usd": "31", "included_usd": "1.5"},
    ],
    "fct_plan_months": [
        {"plan_month_key": "1", "plan": "credits", "agent": "claude_code", "month": "2026-10-01",
         "plan_usd": "31"},
        {"plan_month_key": "2", "plan": "gpt", "agent": "codex", "month": "2026-10-01",
         "plan_usd": "500"},
    ],
    "fct_metric_remainders": [
        {"agent": "claude_code", "model": "opus", "project_id": APP, "cost_usd": "0.25",
         "booked_at": "2026-10-06 00:00:00+00"},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def published(home: Home) -> None:
    publish(home, ROWS)


def answer(*options: str) -> dict[str, Any]:
    command = ["whatif", *options, "--since", "2026-10-01", "--until", "2026-11-30", "--json"]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout, parse_float=Decimal)
    return found


def cost(row: Row, usd: tuple[str, ...]) -> Decimal:
    """Tokens times price, class by class."""
    tokens = [row[f"{name}_tokens"] or 0 for name in CLASSES]
    return sum(
        (count * Decimal(each) / MILLION for count, each in zip(tokens, usd, strict=True)),
        Decimal(0),
    )


def test_a_prompt_longer_than_a_bound_is_priced_by_the_tier_above_it_as_a_whole() -> None:
    total = answer("--model", "tiered")["total"]
    below = (SMALL, AT_THE_BOUND, OTHERS, UNPRICED)
    expected = sum((cost(row, STANDARD) for row in below), cost(LONG, ABOVE))
    assert total["whatif_usd"] == expected
    assert total["requests"] == 6  # failed ones cost nothing
    assert total["uncounted_requests"] == 1
    assert total["whatif_is_partial"]


def test_the_difference_is_that_of_requests_of_which_both_costs_are_known() -> None:
    total = answer("--model", "tiered")["total"]
    assert total["cost_usd"] == 5
    assert total["compared_requests"] == 4
    priced = sum((cost(row, STANDARD) for row in (SMALL, AT_THE_BOUND, OTHERS)), cost(LONG, ABOVE))
    assert total["difference_usd"] == priced - 4


def test_rows_add_up_to_the_total() -> None:
    found = answer("--model", "tiered")
    assert [(row["agent"], row["model"]) for row in found["rows"]] == [
        ("claude_code", "opus"), ("codex", "gpt")
    ]  # fmt: skip
    for name in ("requests", "cost_usd", "whatif_usd", "difference_usd"):
        assert sum(row[name] for row in found["rows"]) == found["total"][name]


def test_tokens_of_a_class_without_a_price_make_it_a_lower_bound_that_is_said() -> None:
    total = answer("--model", "no-writes", "--from", "opus")["total"]
    assert total["unpriced_cache_write_5m_tokens"] == 5_000
    assert total["unpriced_cache_write_1h_tokens"] == 4_000
    assert total["unpriced_output_tokens"] == 0
    result = CliRunner().invoke(cli, ["whatif", "--model", "no-writes", "--since", "2026-10-01"])
    assert "≥ $" in result.stdout
    assert "no price for tokens of 5,000 cache_write_5m and 4,000 cache_write_1h" in result.stderr
    assert "Another model would use other tokens" in result.stderr


def test_the_price_of_the_requests_own_day_counts_else_the_nearest() -> None:
    total = answer("--model", "moved")["total"]
    expected = (
        cost(SMALL, ("1",) * 5)
        + cost(LONG, ("3",) * 5)
        + cost(AT_THE_BOUND, ("3",) * 5)
        + cost(OTHERS, ("3",) * 5)  # no row for November
        + cost(UNPRICED, ("3",) * 5)
    )
    assert total["whatif_usd"] == expected


def test_the_users_own_price_counts_before_the_shipped_one() -> None:
    total = answer("--model", "mine", "--agent", "codex")["total"]
    assert total["whatif_usd"] == cost(OTHERS, ("6",) * 5)


def test_a_service_tier_that_the_model_lacks_is_priced_as_standard(home: Home) -> None:
    publish_again(home, [request("fast", "2026-10-05", 1_000_000, 0, 0, 0, 0,
                                 service_tier="fast")])  # fmt: skip
    quick, tiered = answer("--model", "quick")["total"], answer("--model", "mine")["total"]
    assert (quick["whatif_usd"], quick["other_tier_requests"]) == (2, 0)
    assert (tiered["whatif_usd"], tiered["other_tier_requests"]) == (6, 1)


def test_requests_are_chosen_by_model_agent_and_the_last_names_of_a_project() -> None:
    assert answer("--model", "mine", "--from", "gpt")["total"]["requests"] == 1
    assert answer("--model", "mine", "--agent", "codex")["total"]["requests"] == 1
    assert answer("--model", "mine", "--project", "acme/app")["total"]["requests"] == 5
    assert answer("--model", "mine", "--project", "cme/app")["total"]["requests"] == 0


def test_what_is_no_request_is_left_out_and_said() -> None:
    assert answer("--model", "mine")["left_out_usd"] == Decimal("0.25")
    assert answer("--model", "mine", "--agent", "codex")["left_out_usd"] is None


def test_a_plan_is_a_seat_for_each_developer_of_its_vendors_agents_by_days() -> None:
    found = answer("--plan", "seat")
    october, november = found["months"]
    assert (october["month"], october["days"], october["seats"]) == ("2026-10", 31, 2)
    assert (october["seats_usd"], october["list_usd"]) == (60, 3)
    assert october["subscribed_usd"] == 31
    assert (november["seats"], november["seats_usd"]) == (1, 60)  # by the user's own price
    assert (november["requests"], november["is_partial"]) == (2, True)
    assert found["plan_total"]["difference_usd"] == 120 - 4


def test_a_month_is_prorated_by_the_days_of_the_range() -> None:
    command = ["whatif", "--plan", "credits", "--since", "2026-10-20", "--until", "2026-10-29"]
    result = CliRunner().invoke(cli, [*command, "--json"])
    (month,) = json.loads(result.stdout, parse_float=Decimal)["months"]
    assert (month["days"], month["seats"], month["seats_usd"]) == (10, 2, 20)


def test_use_above_what_a_seat_includes_is_paid_at_list_price() -> None:
    october, november = answer("--plan", "credits")["months"]
    # Ada used 2 of 1.5, Grace 1.
    assert (october["included_usd"], october["beyond_usd"]) == (3, Decimal("0.5"))
    assert october["plan_usd"] == 62 + Decimal("0.5")
    assert november["beyond_usd"] == 0


def test_with_both_the_plan_is_compared_with_the_other_model() -> None:
    found = answer("--model", "mine", "--plan", "seat")
    assert found["plan_total"]["list_usd"] == found["total"]["whatif_usd"]
    # Those of another vendor's agent would be sent by this one's.
    assert found["plan_total"]["requests"] == 6


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--model", "tierd"), "Did you mean tiered?"),
        (("--plan", "seet"), "Did you mean seat?"),
        (("--model", "mine", "--from", "opsu"), "Did you mean opus?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(options: tuple[str, ...], hint: str) -> None:
    result = CliRunner().invoke(cli, ["whatif", *options])
    assert result.exit_code == 1
    assert hint in result.output


def test_it_needs_a_model_or_a_plan() -> None:
    assert CliRunner().invoke(cli, ["whatif"]).exit_code == 2


def test_without_such_requests_it_says_where_there_are_some() -> None:
    result = CliRunner().invoke(cli, ["whatif", "--model", "mine", "--agent", "gemini_cli"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "there are some from 2026-10-05 to 2026-11-02" in result.stderr


def publish_again(home: Home, requests: list[Row]) -> None:
    (home.published / "current").unlink()
    for path in home.published.iterdir():
        path.joinpath("marts.duckdb").unlink()
        path.rmdir()
    publish(home, {**ROWS, "fct_agent_requests": requests, "fct_metric_remainders": []})
