"""What users say of plans, budgets, invoices, teams and hours, on its way to dbt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import environment_name, load_settings
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.user_input import write_user_input

FILES = {
    "plans": "plan,agent,monthly_usd\nacme,codex,80\n",
    "subscriptions": "plan,developer_id,seats\nacme,,3\n",
    "budgets": "scope,name,monthly_usd\nteam,core,500\n",
    "invoices": "vendor,month,amount_usd\nopenai,2026-10,12.5\n",
    "teams": "developer_id,team\nada,core\n",
}
ROI = ("roi.hourly_rate_usd", "roi.hours_saved_low", "roi.hours_saved_high")


def stored(home: Home, query: str, **flags: Any) -> list[tuple[Any, ...]]:
    with lease(home.database) as connection:
        write_user_input(connection, home, load_settings(home, flags).settings)
        return connection.execute(query).fetchall()


def test_each_file_of_the_user_is_told_as_it_is_and_taken_back_with_it(home: Home) -> None:
    for name, content in FILES.items():
        (home.seeds / f"{name}.csv").write_text(content)
    query = 'SELECT kind, "row" FROM raw_user_overrides ORDER BY kind'
    assert [(kind, json.loads(row)) for kind, row in stored(home, query)] == [
        ("budgets", {"scope": "team", "name": "core", "monthly_usd": "500"}),
        ("invoices", {"vendor": "openai", "month": "2026-10", "amount_usd": "12.5"}),
        ("plans", {"plan": "acme", "agent": "codex", "monthly_usd": "80"}),
        ("subscriptions", {"plan": "acme", "seats": "3"}),
        ("teams", {"developer_id": "ada", "team": "core"}),
    ]
    for name in FILES:
        (home.seeds / f"{name}.csv").unlink()
    assert stored(home, query) == []


def test_blanks_around_the_names_of_columns_do_not_hide_them(home: Home) -> None:
    (home.seeds / "invoices.csv").write_text("vendor, month ,amount_usd\nopenai,2026-10,12.5\n")
    ((row,),) = stored(home, 'SELECT "row" FROM raw_user_overrides')
    assert json.loads(row) == {"vendor": "openai", "month": "2026-10", "amount_usd": "12.5"}


def test_hours_and_their_rate_are_told_only_where_they_are_set(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "SELECT name, value FROM raw_settings WHERE name LIKE 'roi.%' ORDER BY name"
    assert stored(home, query) == []
    home.config_file.write_text("roi: {hourly_rate_usd: 80, hours_saved_low: 1.5}\n")
    monkeypatch.setenv(environment_name("roi.hours_saved_high"), "3")
    assert stored(home, query) == [
        ("roi.hourly_rate_usd", "80.0"), ("roi.hours_saved_high", "3.0"),
        ("roi.hours_saved_low", "1.5"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ((None, 4.0, 3.0), r"hours_saved_low.*must not be above roi.hours_saved_high \(3\)"),
        ((None, 4.0, None), r"hours_saved_high.*hours_saved_low is set"),
        ((None, None, 4.0), r"hours_saved_low.*hours_saved_high is set"),
        ((None, 0.0, 169.0), r"hours_saved_high.*from 0 to 168"),
        ((-1.0, None, None), r"hourly_rate_usd.*from 0 to 100,000"),
        ((float("nan"), None, None), r"hourly_rate_usd.*from 0 to 100,000"),
    ],
)
def test_hours_that_are_no_range_are_refused(
    home: Home, values: tuple[float | None, ...], problem: str
) -> None:
    with pytest.raises(BadSetting, match=problem):
        load_settings(home, dict(zip(ROI, values, strict=True)))
