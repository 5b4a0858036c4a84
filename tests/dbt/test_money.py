"""What is paid, planned and saved, on real recordings with the files that users write."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

INPUT: dict[str, list[dict[str, str]]] = {
    "teams": [{"developer_id": "DEV_abc", "team": "Core"}],
    "subscriptions": [
        {"plan": "claude_max_5x", "developer_id": "Dev_ABC", "since": "2026-10-11"},
        {"plan": "claude_team", "seats": "4", "since": "2026-09-16", "until": "2026-10-31"},
    ],
    "budgets": [
        {"scope": "all", "monthly_usd": "0.01"},
        {"scope": "team", "name": "core", "monthly_usd": "100000", "measure": "paid"},
        {"scope": "developer", "name": "nobody", "monthly_usd": "1"},
    ],
    "invoices": [
        {"vendor": "anthropic", "month": "2026-10", "amount_usd": "167.741935484"},
        {"vendor": "anthropic", "month": "2026-11", "amount_usd": "1000"},
        {"vendor": "anthropic", "month": "2026-09", "amount_usd": "0.5"},
    ],
}
SETTINGS = {"roi.hourly_rate_usd": "80", "roi.hours_saved_low": "1", "roi.hours_saved_high": "3"}
MODELS = ["stg_teams+", "stg_subscriptions+", "stg_budgets+", "stg_invoices+", "int_hours_saved+"]


@pytest.fixture(scope="module")
def told(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """All recordings of Claude Code, and what a user says of plans, budgets, invoices and teams."""
    warehouse = Warehouse(tmp_path_factory.mktemp("money"))
    shutil.copy(built.home.database, warehouse.home.database)
    for kind, rows in INPUT.items():
        for row in rows:
            warehouse.execute(
                "INSERT INTO raw_user_overrides VALUES (?, ?, now())", [kind, json.dumps(row)]
            )
    for name, value in SETTINGS.items():
        warehouse.execute("INSERT INTO raw_settings VALUES (?, ?, now())", [name, value])
    warehouse.build("--select", *MODELS, "assert_money_adds_up")
    return warehouse


def named(warehouse: Warehouse, mart: str) -> list[dict[str, Any]]:
    with warehouse.open() as connection:
        found = connection.execute(f"SELECT * FROM marts.{mart}")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_seats_are_paid_by_the_day(told: Warehouse) -> None:
    months = {(row["plan"], f"{row['month']:%Y-%m}"): row for row in named(told, "fct_plan_months")}
    assert months["claude_team", "2026-09"]["plan_usd"] == Decimal("50")
    assert months["claude_team", "2026-10"]["plan_usd"] == Decimal("100")
    assert months["claude_max_5x", "2026-10"]["plan_usd"] == Decimal("67.741935484")
    assert months["claude_max_5x", "2026-11"]["whole_plan_usd"] == Decimal("100")
    assert ("claude_team", "2026-11") not in months


def test_what_is_paid_is_use_that_is_metered_and_seats_whoever_adds_them_up(
    told: Warehouse,
) -> None:
    roi = named(told, "fct_roi_monthly")
    paid: dict[Any, Decimal] = defaultdict(Decimal)
    for row in roi:
        assert row["team"] in ("Core", None)
        paid[row["month"]] += row["paid_usd"] or 0
    by_requests = told.rows(
        "SELECT sum(cost_usd) FROM marts.fct_agent_requests WHERE billing_mode = 'api'"
    )[0][0]
    by_plans = sum(row["plan_usd"] for row in named(told, "fct_plan_months"))
    by_metrics = told.rows(
        "SELECT coalesce(sum(metered_usd), 0) FROM intermediate.int_spend_paid "
        "WHERE source = 'metric_remainder'"
    )[0][0]
    assert by_requests > 0
    assert sum(paid.values()) == by_requests + by_metrics + by_plans


def test_the_return_follows_from_its_own_row(told: Warehouse) -> None:
    rows = [row for row in named(told, "fct_roi_monthly") if row["roi_high"] is not None]
    assert rows
    for row in rows:
        worst = row["paid_usd"] + (row["unknown_paid_list_usd"] or 0)
        low = Decimal(row["hours_saved_low"]) * 80
        high = Decimal(row["hours_saved_high"]) * 80
        assert row["roi_low"] == pytest.approx(float((low - worst) / worst))
        assert row["roi_high"] == pytest.approx(float((high - row["paid_usd"]) / row["paid_usd"]))
        assert row["break_even_hours"] == pytest.approx(float(row["paid_usd"] / 80))
        assert row["hours_coverage"] == 1


def test_a_budget_knows_what_its_scope_spent(told: Warehouse) -> None:
    status = {
        (row["scope"], f"{row['month']:%Y-%m}"): row for row in named(told, "fct_budget_status")
    }
    of_all = status["all", "2026-11"]
    spent = told.rows(
        "SELECT sum(cost_usd) FROM marts.fct_agent_costs "
        "WHERE usage_date BETWEEN '2026-11-01' AND '2026-11-30'"
    )[0][0]
    assert (of_all["status"], of_all["month_to_date_usd"]) == ("over", spent)
    assert status["team", "2026-11"]["status"] == "within"
    assert status["team", "2026-11"]["month_to_date_usd"] > 0
    assert status["developer", "2026-11"]["status"] == "no_data"


def test_an_invoice_is_explained_to_the_last_digit(told: Warehouse) -> None:
    causes: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in named(told, "fct_invoice_causes"):
        causes[row["invoice_key"]][row["cause"]] = row["amount_usd"]
    months = {f"{row['month']:%Y-%m}": row for row in named(told, "fct_invoice_reconciliation")}
    for row in months.values():
        assert sum(causes[row["invoice_key"]].values()) == row["residual_usd"]
    assert months["2026-10"]["residual_usd"] == 0
    assert causes[months["2026-09"]["invoice_key"]] == {"seats": Decimal("-49.5")}
    assert causes[months["2026-11"]["invoice_key"]]["unexplained"] > 800


def test_without_any_input_nothing_is_made_up(built: Warehouse) -> None:
    for mart in ("fct_plan_months", "fct_budget_status", "fct_invoice_causes"):
        assert named(built, mart) == []
    assert "claude_max_5x" in {row["plan"] for row in named(built, "dim_plans")}
    roi = named(built, "fct_roi_monthly")
    assert sum(row["list_cost_usd"] for row in roi) > 0
    said = ("team", "plan_usd", "hours_saved_low", "hours_coverage", "value_high_usd", "roi_low")
    assert {row[column] for row in roi for column in said} == {None}
