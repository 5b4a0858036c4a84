"""`agent-analytics whatif`: the same requests on another model or plan."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.day_options import parse_range, range_options, user_days
from agent_analytics_cli.output import note, print_json
from agent_analytics_collector.home import Home


@click.command("whatif", short_help="Price the same requests on another model or plan.")
@click.option("--model", metavar="MODEL", help="At the prices of this model.")
@click.option("--from", "from_model", metavar="MODEL", help="Only requests to this model.")
@click.option("--plan", metavar="PLAN", help="On this plan: claude_max_5x, chatgpt_plus, …")
@range_options
@click.option("--agent", metavar="AGENT", help="Only this one: claude_code, codex, …")
@click.option("--project", metavar="NAME", help="Only this one: its URL, path or last names.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    model: str | None,
    from_model: str | None,
    plan: str | None,
    since: str | None,
    until: str | None,
    agent: str | None,
    project: str | None,
    as_json: bool,
) -> None:
    """Show what the same requests would have cost on another model or plan.

    At another model's list prices, with the tokens as they were: by class, long prompts at the
    prices for those. On a plan: a seat for each developer, beside list cost. With both the plan
    is compared with the other model. Without --since these are the last 30 days with requests.

    \b
    Examples:
    $ agent-analytics whatif --model claude-sonnet-4-5
    $ agent-analytics whatif --model gpt-5.5 --from claude-opus-4-8 --since 7d
    $ agent-analytics whatif --plan claude_max_5x --since 2026-10-01 --json
    """
    if model is None and plan is None:
        raise click.UsageError("Give --model, --plan or both.")
    from agent_analytics_cli.display_names import read_display_names
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.reports.report_query import choose_range
    from agent_analytics_cli.reports.report_view import NOTHING_PUBLISHED
    from agent_analytics_cli.whatif.query import Asked, recorded_days
    from agent_analytics_cli.whatif.view import for_programs, notes_of, print_what_if, what_if

    home = Home.from_environment()
    days = user_days(home)
    first, last = parse_range(since, until, days)
    with open_marts(home) as marts:
        if marts is None:
            raise click.ClickException(NOTHING_PUBLISHED)
        recorded = recorded_days(marts, days)
        first, last = choose_range(recorded, first, last, days)
        asked = Asked(first, last, days, agent, project, from_model)
        answer = what_if(marts, asked, model, plan)
        names = read_display_names(marts)
    if as_json:
        print_json(for_programs(answer))
    else:
        print_what_if(answer, names)
    if not answer.models or (model is None and not answer.months):
        known = f"; there are some from {recorded[0]} to {recorded[-1]}" if recorded else " at all"
        note(f"There are no such requests{known}.")
    for sentence in notes_of(answer):
        note(sentence)
