"""`agent-analytics prices`: what prices are known, which are missing, and pricing the past anew."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import rich_click as click

from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.days import Days, machine_time_zone
from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.output import Format, format_options, note, print_json
from agent_analytics_cli.prices.freshness import dbt_has_seen_the_prices
from agent_analytics_cli.prices.known import OVERRIDES, KnownPrices
from agent_analytics_cli.prices.lookup import look_up
from agent_analytics_cli.prices.printing import (
    difference_json,
    print_difference,
    print_lookup,
    print_unpriced,
)
from agent_analytics_cli.prices.recompute import difference, record
from agent_analytics_cli.prices.refresh import refresh
from agent_analytics_cli.prices.unpriced import read_unpriced
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.transform import transform


@click.group(name="prices")
def command() -> None:
    """Check, show and recompute what models cost.

    \b
    Examples:
    $ agent-analytics prices check
    $ agent-analytics prices show claude-opus-4-6 --at 2026-03-01
    $ agent-analytics prices recompute --since 2026-03-01
    """


@command.command("check")
@click.option("--strict", is_flag=True, help="Exit 1 if any model lacks a price.")
@format_options
@click.pass_context
def check_command(ctx: click.Context, strict: bool, output_format: Format) -> None:
    """List what was used without a known price, and the lines that would give it one.

    Such requests cost NULL, never 0. Some have a cost all the same, because their agent reported
    it. Each `<input>` and the like in a line is for you to fill in, in USD per million tokens.

    Example: agent-analytics prices check --strict
    """
    home = Home.from_environment()
    with open_marts(home) as marts:
        known = KnownPrices.read(home)
        found = read_unpriced(marts, known, _days(load_settings(home).settings)) if marts else []
        is_published = marts is not None
    print_unpriced(found, output_format)
    if not is_published:
        note("No marts are published yet; `agent-analytics transform` publishes them.")
    elif not found:
        note("Every model that was used has a price.")
    if strict and found:
        ctx.exit(1)


@command.command("show")
@click.argument("model")
@click.option("--at", metavar="DAY", help="A day of UTC: 2026-03-14, yesterday.  [default: today]")
@format_options
def show_command(model: str, at: str | None, output_format: Format) -> None:
    """Show what prices a model: USD per million tokens by class, and where it comes from.

    Takes the name an agent reports, an alias or the canonical one. A row with a size in `prompts
    above` prices the whole request once its prompt (input and cache) is larger. For a day of the
    past it is what was known on that day, or at a recomputation since.

    Example: agent-analytics prices show claude-opus-4-6 --at 2026-03-01
    """
    home = _prepared_home()
    day = _day(at or "today", "--at", Days("UTC"))
    found = look_up(home, model, day)
    if not found.rows and output_format is Format.TABLE:
        near = KnownPrices.read(home).nearest(found.model)
        hint = f" The nearest name is {near}." if near and near != found.model else ""
        raise click.ClickException(f"{as_text(model)} has no price on {day}.{hint}")
    print_lookup(found, day, output_format)
    if any(row["origin"] == "user" for row in found.rows):
        note(f"Overrides are from {home.seeds / OVERRIDES}.csv.")
    if not dbt_has_seen_the_prices(home, load_settings(home).settings):
        note("There are newer prices or names, which count from the next transform on.")


@command.command("recompute")
@click.option("--since", required=True, metavar="DAY", help="First day: 2026-03-14, 7d or 2w.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show the difference and record nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the difference as JSON.")
def recompute_command(since: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Price the requests since a day by the prices that are known now.

    New prices never move the past by themselves. This shows what they would change, asks, and
    records it; the next transform applies it. A cost that an agent reported stays as it is.

    \b
    Examples:
    $ agent-analytics prices recompute --since 2026-03-01 --dry-run
    $ agent-analytics prices recompute --since 7d --yes
    """
    home = _prepared_home()
    settings = load_settings(home).settings
    days = _days(settings)
    day = _day(since, "--since", days)
    if not dbt_has_seen_the_prices(home, settings):
        note("There are prices or names that dbt has not seen yet, so a transform runs first.")
        transform(home, settings, dbt_project())
    planned = difference(home, _beginning(day, days))
    is_changed = bool(planned.models)
    if not as_json:
        print_difference(planned, day)
    if is_changed and not dry_run and not yes:
        click.confirm("Price them anew?", default=False, abort=True, err=True)
    is_recorded = is_changed and not dry_run
    if is_recorded:
        record(home, planned)
    if as_json:
        print_json(difference_json(planned, day, is_recorded=is_recorded))
    if is_recorded:
        note("Recorded. The next transform applies it: `agent-analytics transform`.")


@command.command("refresh")
@click.option("--known-from", metavar="DATE", help="Day of the new prices.  [default: today, UTC]")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if any price differs.")
@click.pass_context
def refresh_command(ctx: click.Context, known_from: str | None, check: bool) -> None:
    """In a checkout of this project: write the shipped prices from the installed genai-prices.

    Elsewhere prices come with a release. Nothing is downloaded in either case.

    Example: agent-analytics prices refresh --check
    """
    arguments = ["--check"] if check else []
    if known_from:
        arguments += ["--known-from", known_from]
    ctx.exit(refresh(arguments))


def _prepared_home() -> Home:
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    return home


def _days(settings: Settings) -> Days:
    zone = settings.time_zone or machine_time_zone() or "UTC"
    return Days(zone, settings.day_rollover_hour)


def _day(text: str, option: str, days: Days) -> date:
    try:
        return days.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _beginning(day: date, days: Days) -> datetime:
    """The first moment of a day as the user counts them."""
    zone = ZoneInfo(days.time_zone)
    return datetime(day.year, day.month, day.day, days.rollover_hour, tzinfo=zone).astimezone(UTC)
