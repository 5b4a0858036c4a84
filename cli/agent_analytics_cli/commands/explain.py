"""`agent-analytics explain`: why a day, a session or a branch cost what it cost."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.day_options import user_days
from agent_analytics_cli.output import note, print_json
from agent_analytics_collector.home import Home


@click.command("explain", short_help="Show why a day, session or branch cost what it cost.")
@click.argument("named", metavar="DAY|SESSION|BRANCH")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(named: str, as_json: bool) -> None:
    """Show why a day, a session or a branch cost what it cost, and what of it was avoidable.

    The total stands beside what is usual: the days before, other sessions or branches of the
    project. Then what it is made of, and what it went to beside the work itself: caches that
    expired in a pause or were lost by a change of model, prices of long prompts, failed tools,
    retries, sub-agents. Each cause has its requests, whose ids `agent-analytics audit` takes. The
    start of a session's id is enough where only one begins so.

    \b
    Examples:
    $ agent-analytics explain yesterday
    $ agent-analytics explain 4f0a3562
    $ agent-analytics explain feature/login --json
    """
    from agent_analytics_cli.display_names import read_display_names
    from agent_analytics_cli.explain.printing import for_programs, notes_of, print_explanation
    from agent_analytics_cli.explain.query import explain
    from agent_analytics_cli.explain.target import find_target
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.reports.report_view import NOTHING_PUBLISHED

    home = Home.from_environment()
    with open_marts(home) as marts:
        if marts is None:
            raise click.ClickException(NOTHING_PUBLISHED)
        explained = explain(marts, find_target(marts, named, user_days(home)))
        names = read_display_names(marts)
    if as_json:
        print_json(for_programs(explained))
    else:
        print_explanation(explained, names)
    for sentence in notes_of(explained):
        note(sentence)
