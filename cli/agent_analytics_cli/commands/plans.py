"""`agent-analytics plans`: what seats cost, and who has one."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import rich_click as click

from agent_analytics_cli.day_options import parse_day, parse_range, range_options, user_days
from agent_analytics_cli.money.plan_catalogue import (
    MOST_PRICE_USD,
    Catalogue,
    seats_on,
    subscriptions,
    unread_subscriptions,
)
from agent_analytics_cli.money.seed_files import PLANS, SUBSCRIPTIONS, edit_seed, read_seed
from agent_analytics_cli.money.seed_reading import left_out
from agent_analytics_cli.output import Format, format_options, note, print_csv, print_json
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_cli.value_types import parse_name, parse_usd, plain, shown
from agent_analytics_collector.home import Home

_COUNTS = "It counts from the next `agent-analytics transform` on."
_TABLE = (
    Column("plan", "plan"),
    Column("agent", "agent"),
    Column("display_name", "name"),
    Column("monthly_usd", "a month", Kind.USD),
    Column("included_usd", "usage\nincluded", Kind.USD),
    Column("seats", "your\nseats", Kind.COUNT, only_if_any=True),
    Column("origin", "price"),
)
_FACTS = (*(column.key for column in _TABLE), "source")
_HELD = (
    Column("plan", "your plan"),
    Column("developer_id", "developer"),
    Column("seats", "seats", Kind.COUNT),
    Column("since", "since"),
    Column("until", "until"),
)
_PLAN = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")


@click.group(name="plans")
def command() -> None:
    """Say which flat plans you pay, so that reports know what you pay beside what it would cost.

    The public prices of common seats are shipped; `plans price` puts your own in their place. All
    is in `plans.csv` and `subscriptions.csv` of `seeds/` in the state folder, which you may edit.

    \b
    Examples:
    $ agent-analytics plans list
    $ agent-analytics plans subscribe claude_max_5x --developer ada@example.com
    $ agent-analytics plans price copilot_business 17.10
    """


@command.command("list")
@format_options
def list_command(output_format: Format) -> None:
    """Show the plans and their prices of today, and your subscriptions.

    \b
    Examples:
    $ agent-analytics plans list
    $ agent-analytics plans list --json
    """
    home = Home.from_environment()
    today = user_days(home).today()
    held = subscriptions(home)
    catalogue = Catalogue.read(home)
    plans = catalogue.listing(today, seats_on(today, held))
    if output_format is Format.JSON:
        print_json({"plans": plans, "subscriptions": held})
    elif output_format is Format.CSV:
        print_csv([Column(name, name) for name in _FACTS], plans)
    else:
        print_table(_TABLE, [plan | {"origin": _checked(plan)} for plan in plans])
        if held:
            click.echo()
            print_table(_HELD, held)
        else:
            note("You have no subscription here. `agent-analytics plans subscribe PLAN` adds one.")
    for kind, unread, why in (
        (PLANS, catalogue.unread, "plan, agent, price or days"),
        (SUBSCRIPTIONS, unread_subscriptions(home), "plan, seats or days"),
    ):
        if unread:
            note(left_out(home, kind, unread, len(read_seed(home, kind)), why))


def _checked(plan: dict[str, Any]) -> str:
    """Whether anybody read the price where the vendor says it."""
    is_unread = (plan["source"] or "").startswith("not checked")
    return f"{plan['origin']}, not checked" if is_unread else plan["origin"]


@command.command("subscribe")
@click.argument("plan")
@click.option(
    "--developer", callback=parse_name, help="Whose seats they are.  [default: the organisation's]"
)
@click.option("--seats", type=click.IntRange(1, 100_000), default=1, show_default=True)
@range_options
def subscribe_command(
    plan: str, developer: str | None, seats: int, since: str | None, until: str | None
) -> None:
    """Say that you pay seats of a plan.

    Without `--since` it counts for as long as there is data. Said again of the same plan, developer
    and first day, it replaces what was said before.

    \b
    Examples:
    $ agent-analytics plans subscribe claude_pro --developer ada@example.com --since 2026-03-01
    $ agent-analytics plans subscribe copilot_business --seats 12
    """
    from agent_analytics_cli.money.developer_names import known_developer

    home = Home.from_environment()
    plan = plan.lower()
    _known(Catalogue.read(home), plan)
    first, last = parse_range(since, until, user_days(home))
    developer, is_known = known_developer(home, developer) if developer else ("", True)
    row = {
        "plan": plan, "developer_id": developer, "seats": str(seats),
        "since": _text(first), "until": _text(last),
    }  # fmt: skip
    with edit_seed(home, SUBSCRIPTIONS) as file:
        is_change = file.put(row)
    number = f"{seats} seat{'' if seats == 1 else 's'}"
    whose = developer or "the organisation"
    done = "Changed" if is_change else "Added"
    click.echo(f"{done}: {number} of {plan} for {whose}. {_COUNTS}")
    if not is_known:
        note(
            f"No developer {developer} is known yet. The seat meets requests whose developer_id is "
            "spelled like this; `agent-analytics report developer` shows those that came."
        )


@command.command("unsubscribe")
@click.argument("plan")
@click.option("--developer", callback=parse_name, help="Whose seats they are.")
@click.option("--until", metavar="DAY", default="today", show_default=True, help="The last day.")
@click.option("--forget", is_flag=True, help="It never was: no month counts.")
def unsubscribe_command(plan: str, developer: str | None, until: str, forget: bool) -> None:
    """End a subscription: the day named is the last that is paid.

    \b
    Examples:
    $ agent-analytics plans unsubscribe claude_pro --developer ada@example.com
    $ agent-analytics plans unsubscribe copilot_business --until 2026-10-31
    """
    home = Home.from_environment()
    last = _text(parse_day(until, "--until", user_days(home)))
    mine = (plan.lower(), (developer or "").lower())
    with edit_seed(home, SUBSCRIPTIONS) as file:
        ended = [
            row
            for row in file.rows()
            if (row["plan"].lower(), row["developer_id"].lower()) == mine
            and (forget or not row["until"] or row["until"] > last)
        ]
        for row in ended:
            if forget or row["since"] > last:
                file.remove({name: row[name] for name in SUBSCRIPTIONS.key})
            else:
                file.put(row | {"until": last})
    if not ended:
        whose = f" of {developer}" if developer else " of the organisation"
        raise click.ClickException(
            f"There is no subscription to {plan}{whose} that goes on. "
            "`agent-analytics plans list` shows them."
        )
    what = "is forgotten" if forget else f"ends with {last}"
    click.echo(f"The subscription to {plan} {what}. {_COUNTS}")


@command.command("price")
@click.argument("plan")
@click.argument("usd", callback=parse_usd)
@click.option(
    "--included", callback=parse_usd, help="Usage that a seat includes, in USD of list prices."
)
@click.option("--agent", callback=parse_name, help="Of a plan that is not in the list.")
@click.option("--name", callback=parse_name, help="How people call it.")
@click.option("--since", metavar="DAY", help="From that day on.  [default: the price in force]")
def price_command(
    plan: str,
    usd: Decimal,
    included: Decimal | None,
    agent: str | None,
    name: str | None,
    since: str | None,
) -> None:
    """Set what a seat of a plan costs you a month, in US dollars.

    It takes the place of the price in force; with `--since` earlier days keep theirs. A plan of
    your own needs `--agent`, such as claude_code.

    \b
    Examples:
    $ agent-analytics plans price copilot_business 17.10
    $ agent-analytics plans price acme_claude 80 --agent claude_code --included 50
    """
    home = Home.from_environment()
    if max(usd, included or usd) > MOST_PRICE_USD:
        raise click.BadParameter(f"A seat of a plan is at most {shown(MOST_PRICE_USD)} a month.")
    if not _PLAN.fullmatch(plan):
        raise click.BadParameter(f"{plan!r} is no name of a plan; write it like claude_max_5x")
    days = user_days(home)
    first = parse_day(since, "--since", days)
    catalogue = Catalogue.read(home)
    known = catalogue.at(plan, first or days.today())
    if known is None and agent is None:
        _known(catalogue, plan, " A plan of your own needs --agent.")
        raise click.BadParameter(f"{plan} has no price on that day; give it one with --agent.")
    was = known.row if known else {}
    row = {
        "plan": plan, "agent": agent or (known.agent if known else ""),
        "display_name": name or (known.display_name if known else plan),
        "monthly_usd": plain(usd),
        "included_usd": was.get("included_usd", "") if included is None else plain(included),
        "valid_from": str(first) if first else was.get("valid_from", ""),
        "valid_to": was.get("valid_to", ""),
        "source": "own",
    }  # fmt: skip
    with edit_seed(home, PLANS) as file:
        is_change = file.put(row)
    done = "Changed" if is_change else "Set"
    click.echo(f"{done}: a seat of {plan} costs {shown(usd)} a month. {_COUNTS}")


def _known(catalogue: Catalogue, plan: str, hint: str = "") -> None:
    if plan not in catalogue.plans():
        near = catalogue.nearest(plan)
        like = f" Did you mean {' or '.join(near)}?" if near else ""
        raise click.BadParameter(
            f"There is no plan {plan!r}.{like} `agent-analytics plans list` shows them.{hint}"
        )


def _text(day: date | None) -> str:
    return "" if day is None else str(day)
