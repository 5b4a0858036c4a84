"""`agent-analytics invoice`: what vendors charged, beside what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import rich_click as click

from agent_analytics_cli.money.seed_files import INVOICES, edit_seed, read_seed
from agent_analytics_cli.money.seed_reading import (
    VENDORS,
    left_out,
    repeated,
    told,
    unread_invoices,
)
from agent_analytics_cli.output import (
    Format,
    format_options,
    note,
    print_csv,
    print_json,
    print_listing,
)
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_cli.value_types import (
    parse_charge,
    parse_month,
    parse_name,
    plain,
    shown,
)
from agent_analytics_collector.home import Home

F = TypeVar("F", bound=Callable[..., Any])

_COUNTS = (
    "It shows in `agent-analytics invoice check` from the next `agent-analytics transform` on."
)
_LIST = (
    Column("vendor", "vendor"),
    Column("month", "month"),
    Column("amount_usd", "amount (USD)"),
    Column("agent", "agent"),
    Column("reference", "reference"),
)
_CHECK = (
    Column("month", "month"),
    Column("vendor", "vendor"),
    Column("source", "told by"),
    Column("invoiced_usd", "invoiced", Kind.USD),
    Column("recorded_usd", "recorded", Kind.USD),
    Column("residual_usd", "residual", Kind.USD),
    Column("list_cost_usd", "list price", Kind.USD),
    Column("unpriced_requests", "requests\nunpriced", Kind.COUNT, only_if_any=True),
)
_CAUSES = (
    Column("month", "month"),
    Column("vendor", "vendor"),
    Column("source", "told by"),
    Column("cause", "cause of the residual"),
    Column("amount_usd", "amount", Kind.USD),
    Column("requests", "requests", Kind.COUNT, only_if_any=True),
    Column("explanation", "why"),
)


@click.group(name="invoice")
def command() -> None:
    """Type in what vendors charged and see it beside what was recorded, the difference explained.

    Anthropic's cost report (`sync claude`), Cursor's charges (`sync cursor`) and Copilot's credits
    are there by themselves. What you type in is in `invoices.csv` of `seeds/` in the state folder,
    which you may edit; give each of several a reference, for rows that are alike count once.

    \b
    Examples:
    $ agent-analytics invoice add anthropic 2026-10 1234.56
    $ agent-analytics invoice check --month 2026-10
    """


def _key_options(command: F) -> F:
    agent = click.option(
        "--agent", callback=parse_name, help="If it is for one agent alone: claude_code."
    )
    reference = click.option(
        "--reference", callback=parse_name, help="Its number; tells several apart."
    )
    return agent(reference(command))


# A credit note's amount looks like an option.
@command.command("add", context_settings={"ignore_unknown_options": True})
@click.argument("vendor", type=click.Choice(VENDORS))
@click.argument("month", callback=parse_month)
@click.argument("usd", callback=parse_charge)
@_key_options
def add_command(
    vendor: str, month: date, usd: Decimal, agent: str | None, reference: str | None
) -> None:
    """Add what a vendor charged for a month, in US dollars without tax; a credit note is below 0.

    A second invoice of the same vendor and month needs a `--reference` of its own, or it replaces
    the first.

    \b
    Examples:
    $ agent-analytics invoice add anthropic 2026-10 1234.56
    $ agent-analytics invoice add github 2026-10 228 --agent copilot_cli --reference INV-7
    $ agent-analytics invoice add anthropic 2026-10 -34.56 --reference CN-1
    """
    key = _key(vendor, month, agent, reference)
    with edit_seed(Home.from_environment(), INVOICES) as file:
        is_change = file.put(key | {"amount_usd": plain(usd)})
    done = "Changed" if is_change else "Added"
    click.echo(f"{done}: {vendor} charged {shown(usd)} for {key['month']}. {_COUNTS}")


@command.command("list")
@format_options
def list_command(output_format: Format) -> None:
    """Show the invoices that you typed in.

    \b
    Examples:
    $ agent-analytics invoice list
    $ agent-analytics invoice list --json
    """
    home = Home.from_environment()
    typed_in = read_seed(home, INVOICES)
    found = [{column.key: row[column.key] or None for column in _LIST} for row in typed_in]
    rows = sorted(found, key=lambda row: (row["month"] or "", row["vendor"] or ""), reverse=True)
    if rows or output_format is not Format.TABLE:
        print_listing(_LIST, rows, output_format)
    if unread := unread_invoices(typed_in):
        note(left_out(home, INVOICES, unread, len(rows), "vendor, month or amount"))
    if twice := repeated(typed_in):
        note(
            f"Rows that are alike count once: {told(INVOICES, twice)}. If they are several "
            f"invoices, give each a reference in {INVOICES.path(home)}."
        )
    if not rows:
        note(
            "No invoice is typed in. `agent-analytics invoice add anthropic 2026-10 1234.56` "
            "adds one."
        )


@command.command("remove")
@click.argument("vendor", type=click.Choice(VENDORS))
@click.argument("month", callback=parse_month)
@_key_options
def remove_command(vendor: str, month: date, agent: str | None, reference: str | None) -> None:
    """Remove an invoice that you typed in.

    \b
    Examples:
    $ agent-analytics invoice remove anthropic 2026-10
    $ agent-analytics invoice remove github 2026-10 --agent copilot_cli --reference INV-7
    """
    with edit_seed(Home.from_environment(), INVOICES) as file:
        gone = file.remove(_key(vendor, month, agent, reference))
    if not gone:
        raise click.ClickException(
            f"There is no such invoice of {vendor} for {month:%Y-%m}. "
            "`agent-analytics invoice list` shows them with agent and reference."
        )
    click.echo(f"Removed: the invoice of {vendor} for {month:%Y-%m}. {_COUNTS}")


@command.command("check")
@click.option("--month", metavar="MONTH", callback=parse_month, help="Only this month: 2026-10.")
@format_options
def check_command(month: date | None, output_format: Format) -> None:
    """Show what vendors charged beside what was recorded, and what makes the difference.

    The amounts of an invoice's causes add up to its residual, which is invoiced less recorded. A
    dash is an unknown, never a zero.

    \b
    Examples:
    $ agent-analytics invoice check
    $ agent-analytics invoice check --month 2026-10 --json
    """
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.money.invoice_query import CAUSE_FACTS, FACTS, read_invoices

    home = Home.from_environment()
    with open_marts(home) as marts:
        invoices = [] if marts is None else read_invoices(marts, month)
    if output_format is Format.JSON:
        print_json({"invoices": invoices})
    elif output_format is Format.CSV:
        print_csv([Column(name, name) for name in (*FACTS, *CAUSE_FACTS)], _by_cause(invoices))
    elif invoices:
        print_table(_CHECK, [_shown(invoice) for invoice in invoices])
        causes = [_shown(row) for row in _by_cause(invoices) if row["cause"] is not None]
        if causes:
            click.echo()
            print_table(_CAUSES, causes)
    if not invoices:
        note(_why_empty(home, is_published=marts is not None))


def _key(vendor: str, month: date, agent: str | None, reference: str | None) -> dict[str, str]:
    return {
        "vendor": vendor, "month": f"{month:%Y-%m}", "agent": agent or "",
        "reference": reference or "",
    }  # fmt: skip


def _by_cause(invoices: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row per invoice and cause; one without any has a row all the same."""
    none = {"cause": None, "amount_usd": None, "requests": None, "explanation": None}
    for invoice in invoices:
        for cause in invoice["causes"] or (none,):
            yield {**invoice, **cause}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    names = {name: row[name].replace("_", " ") for name in ("source", "cause") if row.get(name)}
    return row | names | {"month": f"{row['month']:%Y-%m}"}


def _why_empty(home: Home, *, is_published: bool) -> str:
    if not is_published:
        return (
            "No marts are published yet. `agent-analytics up` receives data and publishes it; "
            "`agent-analytics transform` publishes what was received already."
        )
    if read_seed(home, INVOICES):
        return "The published marts have no such invoice yet: run `agent-analytics transform`."
    return (
        "There is nothing to compare with. `agent-analytics invoice add anthropic 2026-10 1234.56` "
        "types an invoice in, `agent-analytics sync claude` fetches Anthropic's cost report."
    )
