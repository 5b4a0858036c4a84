"""`agent-analytics sync`: fetch what vendors' APIs report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from agent_analytics_collector.home import Home

if TYPE_CHECKING:
    from agent_analytics_cli.vendor_sync import Summary

F = TypeVar("F", bound=Callable[..., Any])


@click.group(name="sync", short_help="Fetch what vendors report: Copilot, Claude, Cursor.")
def command() -> None:
    """Fetch what vendors' APIs report of an organisation and hand it to the collector.

    Each needs a token: in a file that you alone may read, named in `vendors.….token_file`, or in
    the environment. Days are UTC days; those of the last weeks are fetched again each time, and
    what is new replaces what was known.

    \b
    Example:
    $ agent-analytics sync cursor --days 7
    """


def period_options(command: F) -> F:
    """The options of every command that fetches from a vendor."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
        click.option("--dry-run", is_flag=True, help="Fetch and count; deliver nothing."),
        click.option(
            "--days", type=click.IntRange(1, 366), metavar="N", help="The last N days instead."
        ),
        click.option(
            "--since",
            metavar="DAY",
            callback=_parse_day,
            help="First day: 2026-03-14, yesterday, 7d or 2w.  [default: what may have changed]",
        ),
    ):
        command = option(command)
    return command


def _parse_day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:
    from agent_analytics_cli.days import Days

    try:
        return None if value is None else Days("UTC").parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error


@command.command()
@period_options
@click.pass_context
def copilot(ctx: click.Context, /, **options: Any) -> None:
    """Fetch GitHub Copilot's usage metrics of an organisation and its users.

    `vendors.github.organisation` (or `enterprise`) names it. The token needs `read:org`, or
    “Organization Copilot metrics: read”, and the policy “Copilot usage metrics” must be on.

    \b
    Examples:
    $ agent-analytics sync copilot
    $ agent-analytics sync copilot --since 2026-05-01 --dry-run
    """
    run(ctx, "copilot", **options)


@command.command()
@period_options
@click.pass_context
def claude(ctx: click.Context, /, **options: Any) -> None:
    """Fetch Claude Code Analytics and the cost report of an organisation on Anthropic's API.

    It takes an Admin API key (sk-ant-admin…). Anthropic leaves out people who sign in with a
    subscription, and all use through Bedrock and Vertex; telemetry has those. The cost report is
    the bill of all API keys: `agent-analytics invoice check` holds it against your own records.

    \b
    Examples:
    $ agent-analytics sync claude
    $ agent-analytics sync claude --days 2 --json
    """
    run(ctx, "claude", **options)


@command.command()
@period_options
@click.pass_context
def cursor(ctx: click.Context, /, **options: Any) -> None:
    """Fetch daily usage, tokens and cost of a Cursor team.

    It takes an Admin API key (key_…) of a team on the Enterprise plan. Cursor allows 20 questions
    a minute, so a large team takes some minutes.

    \b
    Examples:
    $ agent-analytics sync cursor
    $ agent-analytics sync cursor --days 7 --json
    """
    run(ctx, "cursor", **options)


def run(
    ctx: click.Context,
    name: str,
    *,
    since: date | None,
    days: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fetch from the source of that name, deliver and print; exits 1 when records are rejected."""
    from agent_analytics_cli.outbound.api_client import ApiClient
    from agent_analytics_cli.output import note, print_json
    from agent_analytics_cli.tables import as_text
    from agent_analytics_cli.vendor_sync import SOURCES, TIMEOUT_S, first_day, sync
    from agent_analytics_collector.settings import load_settings

    if since is not None and days is not None:
        raise click.UsageError("--since and --days exclude each other.")
    home = Home.from_environment()
    loaded = load_settings(home)
    source = SOURCES[name](loaded, home)
    first = since or first_day(source, days)
    if first > source.last_day:
        raise click.UsageError(f"{source.title} has nothing after {source.last_day} yet.")
    connect = nullcontext() if dry_run else ApiClient.connect(home, loaded.settings, TIMEOUT_S)
    with connect as api:
        summary = sync(source, first, api)
    for problem in summary.problems:
        note(as_text(problem))
    if as_json:
        import msgspec

        print_json({"dry_run": dry_run} | msgspec.structs.asdict(summary))
    else:
        click.echo("\n".join(_lines(summary, dry_run=dry_run)))
    if summary.rejected:
        ctx.exit(1)


def _lines(summary: Summary, *, dry_run: bool) -> Iterator[str]:
    asked = f"{summary.since} to {summary.until} (UTC)"
    if not summary.records:
        yield f"{summary.vendor} has nothing of {asked}."
        return
    yield f"{summary.vendor} has data of {_number(summary.days, 'day')} from {asked}."
    records = _number(summary.records, "record")
    if dry_run:
        yield f"{records} would be delivered."
        return
    yield f"{records}: {summary.accepted:,} accepted, {summary.rejected:,} rejected."


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
