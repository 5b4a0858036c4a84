"""`report cost|roi|agents|team|git|weekly` on what dbt really built of the recordings."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_cli.views.view_commands import VIEWS
from agent_analytics_collector.home import Home
from tests.dashboards.marts import publish_copy

from .warehouse import Warehouse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose demo has the recordings' marts published."""
    home = Home(tmp_path_factory.mktemp("reported"))
    home.create()
    home.demo.create()
    publish_copy(built.home, home.demo)
    return home


@pytest.fixture(autouse=True)
def home_of_all(root: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(root.root))


def report(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["report", *arguments, "--demo"])
    assert result.exit_code == 0, result.output
    return result.stdout


def answers(*arguments: str) -> dict[str, list[dict[str, Any]]]:
    told = json.loads(report(*arguments, "--json"), parse_float=Decimal)
    return {each["id"]: each["rows"] for each in told["questions"]}


def spend() -> Decimal:
    rows = json.loads(report("--by", "month", "--json"), parse_float=Decimal)["rows"]
    return sum((row["cost_usd"] for row in rows), Decimal(0))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_says_in_the_terminal_what_it_says_in_json(name: str) -> None:
    found = answers(name)
    shown = report(name)
    assert any(found.values())
    empty = [
        rows
        for rows in found.values()
        if not rows or [set(row.values()) for row in rows] == [{None}]
    ]
    assert shown.count("nothing recorded") == len(empty)


def test_the_views_and_the_weekly_report_agree_with_the_report() -> None:
    whole = spend()
    assert whole > 1
    cost = answers("cost")
    assert cost["spend"] == [{"cost_usd": whole}]
    assert sum(row["cost_usd"] for row in cost["spend_by_day"]) == whole
    assert answers("cost", "--since", "2027-01-01")["spend"] == [{"cost_usd": None}]
    weeks = {row["week"] for row in answers("team")["active_developers"]}
    (week,) = weeks  # all recordings were made in one
    text = report("weekly", "--week", week)
    assert f"Agents used ≥ ${whole:,.2f}" in text or f"Agents used ${whole:,.2f}" in text


def test_the_weekly_page_is_written_of_real_marts() -> None:
    page = report("weekly", "--format", "html", "--week", "2026-11-22")
    assert page.startswith("<!doctype html>")
    assert "Claude Code" in page
    assert "This is the recorded demo, not your data." in page
