"""`budget` and `invoice`: what is typed in, and what the published marts say of it."""

from __future__ import annotations

import json
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_cli.money.seed_files import BUDGETS, INVOICES, read_seed
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.user_input import write_user_input

from .published import contracts

BUDGET: dict[str, Any] = {
    "budget_key": "b1", "month": "2026-11-01", "scope": "all", "name": None, "measure": "list",
    "budget_usd": 100, "month_to_date_usd": 60, "projected_usd": 90, "projected_low_usd": 80,
    "projected_high_usd": 110, "used_share": 0.6, "days_elapsed": 22, "days_in_month": 30,
    "as_of_date": "2026-11-22", "status": "at_risk",
}  # fmt: skip
INVOICE: dict[str, Any] = {
    "invoice_key": "i1", "month": "2026-10-01", "vendor": "anthropic", "source": "cost_report",
    "invoiced_usd": 120, "recorded_usd": 100, "residual_usd": 20, "list_cost_usd": 130,
    "unpriced_requests": 0,
}  # fmt: skip
CAUSE: dict[str, Any] = {
    "invoice_key": "i1", "cause": "metered_requests", "amount_usd": 5, "requests": 7,
    "explanation": "requests that no record holds",
}  # fmt: skip


def publish(home: Home, **tables: list[dict[str, Any]]) -> None:
    """Marts with the columns of dbt's contracts and these rows."""
    folder = home.published / "run-1"
    folder.mkdir(parents=True)
    (home.published / "current").symlink_to("run-1")
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        for name in ("fct_budget_status", "fct_invoice_reconciliation", "fct_invoice_causes"):
            columns = ", ".join(f'"{column}" {kind}' for column, kind in contracts()[name].items())
            connection.execute(f"CREATE TABLE {name} ({columns})")
            for row in tables.get(name, []):
                connection.execute(
                    f"INSERT INTO {name} BY NAME SELECT "
                    + ", ".join(f'${column} AS "{column}"' for column in row),
                    row,
                )


def run(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, [*arguments])


def test_a_budget_is_shown_with_its_projection_as_of_its_day(home: Home) -> None:
    team = BUDGET | {"budget_key": "b2", "scope": "team", "name": "core", "measure": "paid",
                     "projected_usd": None, "status": "no_data"}  # fmt: skip
    earlier = BUDGET | {"budget_key": "b3", "month": "2026-10-01", "month_to_date_usd": 70}
    publish(home, fct_budget_status=[team, earlier, BUDGET])
    shown = run("budget")
    assert (shown.exit_code, shown.stderr) == (0, "2026-11 as of 2026-11-22, day 22 of 30.\n")
    heading, _, everything, core = shown.stdout.splitlines()
    assert heading.split("  ")[0] == "budget of"
    assert everything.split() == [
        "everything", "list", "prices", "$100.00", "$60.00", "60.0%", "$90.00", "$80.00",
        "$110.00", "at", "risk",
    ]  # fmt: skip
    assert "team core" in core
    assert "no data" in core
    (row,) = json.loads(run("budget", "--month", "2026-10", "--json").stdout)["budgets"]
    assert (row["month"], row["month_to_date_usd"]) == ("2026-10-01", 70)
    assert len(run("budget", "--csv").stdout.splitlines()) == 3


def test_an_empty_budget_says_what_to_do_next(home: Home) -> None:
    assert run("budget").stderr.startswith("No budget is set. `agent-analytics budget set")
    run("budget", "set", "500")
    assert "no marts are published yet" in run("budget").stderr
    publish(home)
    assert "run `agent-analytics transform`" in run("budget").stderr
    assert json.loads(run("budget", "--json").stdout) == {"budgets": []}


def test_budgets_are_set_by_scope_and_measure_and_removed_again(home: Home) -> None:
    assert run("budget", "set", "$1,200.5").stdout.startswith(
        "Set: the budget of everything is $1,200.50 a month of list prices."
    )
    run("budget", "set", "500", "--team", "core", "--paid")
    run("budget", "set", "600", "--team", "core", "--paid", "--since", "2026-12-01")
    assert run("budget", "set", "700").stdout.startswith("Changed")
    rows = [tuple(row.values()) for row in read_seed(home, BUDGETS)]
    assert rows == [
        ("all", "", "700", "list", ""), ("team", "core", "500", "paid", ""),
        ("team", "core", "600", "paid", "2026-12-01"),
    ]  # fmt: skip
    missing = run("budget", "remove", "--team", "core")
    assert missing.exit_code == 1
    assert "no budget of team core, counted in list prices" in missing.stderr
    assert run("budget", "remove", "--team", "core", "--paid").exit_code == 0
    assert [row["scope"] for row in read_seed(home, BUDGETS)] == ["all"]


def test_a_budget_is_of_one_thing(home: Home) -> None:
    result = run("budget", "set", "5", "--team", "a", "--agent", "codex")
    assert result.exit_code == 2
    assert "--team and --agent exclude each other" in result.stderr


def test_an_invoice_is_shown_with_the_causes_of_its_residual(home: Home) -> None:
    rest = CAUSE | {"cause": "month_edges", "amount_usd": 15, "requests": None, "explanation": "e"}
    typed = INVOICE | {"invoice_key": "i2", "vendor": "cursor", "source": "invoice",
                       "month": "2026-09-01"}  # fmt: skip
    publish(home, fct_invoice_reconciliation=[typed, INVOICE], fct_invoice_causes=[CAUSE, rest])
    shown = run("invoice", "check")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "2026-10  anthropic  cost report   $120.00   $100.00    $20.00" in shown.stdout
    assert shown.stdout.index("month edges") < shown.stdout.index("metered requests")
    both = json.loads(run("invoice", "check", "--json").stdout)["invoices"]
    assert [(row["vendor"], len(row["causes"])) for row in both] == [
        ("anthropic", 2),
        ("cursor", 0),
    ]
    assert sum(cause["amount_usd"] for cause in both[0]["causes"]) == both[0]["residual_usd"]
    one = json.loads(run("invoice", "check", "--month", "2026-09", "--json").stdout)
    assert [row["vendor"] for row in one["invoices"]] == ["cursor"]
    assert len(run("invoice", "check", "--csv").stdout.splitlines()) == 4


def test_without_an_invoice_it_says_how_to_get_one(home: Home) -> None:
    assert "No marts are published yet" in run("invoice", "check").stderr
    publish(home)
    assert "`agent-analytics invoice add" in run("invoice", "check").stderr
    run("invoice", "add", "anthropic", "2026-10", "5")
    assert "run `agent-analytics transform`" in run("invoice", "check").stderr


def test_invoices_are_told_apart_by_their_reference(home: Home) -> None:
    assert "invoice add" in run("invoice", "list").stderr
    run("invoice", "add", "github", "2026-10", "228", "--agent", "github_copilot")
    run("invoice", "add", "github", "2026-10", "20", "--reference", "INV-7")
    run("invoice", "add", "anthropic", "2026-11", "1,000")
    again = run("invoice", "add", "anthropic", "2026-11", "1000.10")
    assert again.stdout.startswith("Changed: anthropic charged $1,000.10 for 2026-11.")
    rows = json.loads(run("invoice", "list", "--json").stdout)
    assert [(row["month"], row["amount_usd"], row["reference"]) for row in rows] == [
        ("2026-11", "1000.1", None), ("2026-10", "228", None), ("2026-10", "20", "INV-7"),
    ]  # fmt: skip
    assert run("invoice", "remove", "github", "2026-10").exit_code == 1
    gone = run("invoice", "remove", "github", "2026-10", "--reference", "INV-7")
    assert gone.exit_code == 0
    assert len(read_seed(home, INVOICES)) == 2


def test_rows_that_no_mart_could_read_are_named_in_the_list(home: Home) -> None:
    INVOICES.path(home).write_text(
        "vendor,month,amount_usd\nOpenAI,2026-10,7e2\ngithub,2026-9,-5\n"
        'openai,2026-10,"1,200.50"\ncursor,2026-13,5\nacme,2026-10,5\ngoogle,2026-10,NaN\n'
    )
    listed = run("invoice", "list", "--json")
    assert len(json.loads(listed.stdout)) == 6
    assert listed.stderr.startswith("4 of 6 rows count nowhere")
    assert "cursor 2026-13 5" in listed.stderr
    INVOICES.path(home).write_text("vendor,month,amount_usd\nopenai,2026-10,5\n")
    assert run("invoice", "list").stderr == ""


def test_rows_that_are_alike_are_named_as_counted_once(home: Home) -> None:
    INVOICES.path(home).write_text(
        "vendor,month,amount_usd,agent,reference\n"
        "cursor,2026-10,5,,\ncursor,2026-10,7,,\ncursor,2026-10,5,,\ncursor,2026-10,5,,\n"
        "openai,2026-10,5,,A\nopenai,2026-10,5,,B\n"
    )
    listed = run("invoice", "list")
    assert listed.stderr == (
        "Rows that are alike count once: cursor 2026-10 5. If they are several invoices, give "
        f"each a reference in {INVOICES.path(home)}.\n"
    )
    settings = load_settings(home).settings
    flush(home, settings, 30)
    with duckdb.connect(str(home.database)) as connection:
        write_user_input(connection, home, settings)
        counted = connection.execute("SELECT count(*) FROM raw_user_overrides").fetchall()
    assert counted == [(4,)]


def test_budgets_that_no_mart_could_read_are_named(home: Home) -> None:
    path = BUDGETS.path(home)
    path.write_text(
        "scope,name,monthly_usd,measure,since\nall,,NaN,,\nsquad,core,5,,\nTeam,core,5,net,\n"
        "team,core,5,,soon\nall,core,5,,\nteam,,5,,\n"
    )
    publish(home)
    nothing = run("budget")
    assert nothing.stderr.startswith("No budget that can be read is set.")
    assert "run `agent-analytics transform`" not in nothing.stderr
    assert "6 of 6 rows count nowhere" in nothing.stderr
    assert f"all NaN; squad core 5; Team core 5 net. Mend them in {path}." in nothing.stderr
    path.write_text("scope,name,monthly_usd,measure,since\nTEAM,core,1_000,Paid,2026/1/5\nall,,x\n")
    assert "run `agent-analytics transform`" in run("budget").stderr
    assert "1 of 2 rows count nowhere" in run("budget", "--json").stderr
    assert run("budget", "remove", "--team", "Core", "--paid").exit_code == 0
    assert [row["scope"] for row in read_seed(home, BUDGETS)] == ["all"]


def test_a_credit_note_is_below_nothing(home: Home) -> None:
    run("invoice", "add", "openai", "2026-10", "100")
    added = run("invoice", "add", "openai", "2026-10", "-$12.50", "--reference", "CN-1")
    assert added.stdout.startswith("Added: openai charged -$12.50 for 2026-10.")
    assert [row["amount_usd"] for row in read_seed(home, INVOICES)] == ["100", "-12.5"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("acme", "2026-10", "5"),
        ("openai", "2026-13", "5"),
        ("openai", "2026-10", "--5"),
        ("openai", "2026-10", "-x"),
        ("openai", "2026-10", "-5", "--refrence", "7"),
        ("openai", "2026-10", "10000000.01"),
    ],
)
def test_an_invoice_that_no_mart_could_read_is_refused(
    home: Home, arguments: tuple[str, ...]
) -> None:
    assert run("invoice", "add", *arguments).exit_code == 2
    assert list(home.seeds.iterdir()) == []
