"""`agent-analytics budget`: what may be spent in a month, and how much of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import rich_click as click

from agent_analytics_cli.day_options import parse_day, user_days
from agent_analytics_cli.money.seed_files import BUDGETS, edit_seed, read_seed
from agent_analytics_cli.money.seed_reading import SCOPES, left_out, unread_budgets
from agent_analytics_cli.output import Format, format_options, note, print_csv, print_json
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_cli.value_types import parse_month, parse_name, parse_usd, plain, shown
from agent_analytics_collector.home import Home

F = TypeVar("F", bound=Callable[..., Any])

_COUNTS = "It shows from the next `agent-analytics transform` on."
_MEASURES = {"list": "list prices", "paid": "what is paid"}
_TABLE = (
    Column("budget", "budget of"),
    Column("measure", "counts"),
    Column("budget_usd", "a month", Kind.USD),
    Column("month_to_date_usd", "so far", Kind.USD),
    Column("used_share", "used", Kind.SHARE),
    Column("projected_usd", "projected", Kind.USD),
    Column("projected_low_usd", "at least", Kind.USD),
    Column("projected_high_usd", "at most", Kind.USD),
    Column("status", "status"),
)


@click.group(name="budget", invoke_without_command=True)
@click.option("--month", metavar="MONTH", callback=parse_month, help="Another month: 2026-03.")
@format_options
@click.pass_context
def command(ctx: click.Context, month: date | None, output_format: Format) -> None:
    """Show how much of each budget is used and what the month will come to; set budgets.

    The projection goes on as the last 28 days did, weekdays and weekends apart; at least and at
    most hold in nine of ten months. A dash is an unknown, never a zero. Budgets are in
    `budgets.csv` of `seeds/` in the state folder, which you may edit.

    \b
    Examples:
    $ agent-analytics budget
    $ agent-analytics budget set 500 --team core
    $ agent-analytics budget --month 2026-03 --json
    """
    if ctx.invoked_subcommand is not None:
        return
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.money.budget_query import FACTS, read_budgets

    home = Home.from_environment()
    with open_marts(home) as marts:
        rows = [] if marts is None else read_budgets(marts, month)
    if output_format is Format.JSON:
        print_json({"budgets": rows})
    elif output_format is Format.CSV:
        print_csv([Column(name, name) for name in FACTS], rows)
    elif rows:
        print_table(_TABLE, [_shown(row) for row in rows])
    for sentence in _notes(home, rows, is_published=marts is not None):
        note(sentence)


def _scope_options(command: F) -> F:
    for scope in reversed(SCOPES):
        text = f"The budget of this {scope}."
        command = click.option(f"--{scope}", callback=parse_name, metavar="NAME", help=text)(
            command
        )
    paid = click.option("--paid", is_flag=True, help="Of what is paid, not of list prices.")
    return paid(command)


@command.command("set")
@click.argument("usd", callback=parse_usd)
@_scope_options
@click.option("--since", metavar="DAY", help="From that day on; before, what was set counts.")
def set_command(usd: Decimal, paid: bool, since: str | None, **scopes: str | None) -> None:
    """Set what may be spent in a month, in US dollars: of everything, or of one team and so on.

    Set again, it replaces what was set before.

    \b
    Examples:
    $ agent-analytics budget set 2000
    $ agent-analytics budget set 500 --team core --paid
    $ agent-analytics budget set 300 --project acme/widgets --since 2026-12-01
    """
    home = Home.from_environment()
    scope, name = _scope(scopes)
    first = parse_day(since, "--since", user_days(home))
    row = {
        "scope": scope, "name": name, "monthly_usd": plain(usd),
        "measure": "paid" if paid else "list", "since": "" if first is None else str(first),
    }  # fmt: skip
    with edit_seed(home, BUDGETS) as file:
        is_change = file.put(row)
    done = "Changed" if is_change else "Set"
    whose = _whose(scope, name)
    what = _MEASURES[row["measure"]]
    click.echo(f"{done}: the budget of {whose} is {shown(usd)} a month of {what}. {_COUNTS}")


@command.command("remove")
@_scope_options
def remove_command(paid: bool, **scopes: str | None) -> None:
    """Remove a budget, whatever day it counts from.

    \b
    Examples:
    $ agent-analytics budget remove
    $ agent-analytics budget remove --team core --paid
    """
    scope, name = _scope(scopes)
    measure = "paid" if paid else "list"
    with edit_seed(Home.from_environment(), BUDGETS) as file:
        gone = [
            file.remove({"scope": scope, "name": name, "measure": written})
            for written in ((measure, "") if measure == "list" else (measure,))
        ]
    whose = f"{_whose(scope, name)}, counted in {_MEASURES[measure]}"
    if not any(gone):
        raise click.ClickException(
            f"There is no budget of {whose}. `agent-analytics budget` shows all."
        )
    click.echo(f"Removed: the budget of {whose}. {_COUNTS}")


def _scope(scopes: dict[str, str | None]) -> tuple[str, str]:
    given = [(scope, name) for scope, name in scopes.items() if name is not None]
    if len(given) > 1:
        options = " and ".join(f"--{scope}" for scope, _ in given)
        raise click.UsageError(f"A budget is of one thing; {options} exclude each other.")
    return given[0] if given else ("all", "")


def _whose(scope: str, name: str | None) -> str:
    return "everything" if scope == "all" else f"{scope} {name}"


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "budget": _whose(row["scope"], row["name"]),
        "measure": _MEASURES.get(row["measure"], row["measure"]),
        "status": str(row["status"]).replace("_", " "),
    }


def _notes(home: Home, rows: Sequence[dict[str, Any]], *, is_published: bool) -> Iterator[str]:
    budgets = read_seed(home, BUDGETS)
    unread = unread_budgets(budgets)
    if rows:
        row = rows[0]
        yield (
            f"{row['month']:%Y-%m} as of {row['as_of_date']}, day {row['days_elapsed']} of "
            f"{row['days_in_month']}."
        )
    elif len(unread) == len(budgets):
        can_count = " that can be read" if unread else ""
        yield (
            f"No budget{can_count} is set. `agent-analytics budget set 500` sets one for "
            "everything."
        )
    elif not is_published:
        yield (
            "Budgets are set, and no marts are published yet: `agent-analytics up` receives data, "
            "`agent-analytics transform` publishes it."
        )
    else:
        yield "The published marts have no such budget yet: run `agent-analytics transform`."
    if unread:
        yield left_out(home, BUDGETS, unread, len(budgets), "scope, name, amount, measure or day")
