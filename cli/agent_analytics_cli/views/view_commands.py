"""`agent-analytics report cost|roi|agents|team|git`: the five views in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import rich_click as click

from agent_analytics_cli.assets import dashboards
from agent_analytics_cli.day_options import parse_range, range_options, user_days
from agent_analytics_cli.display_names import read_display_names
from agent_analytics_cli.marts import open_marts, published_at
from agent_analytics_cli.output import Format, format_options, note, print_csv, print_json
from agent_analytics_cli.reports.report_view import NOTHING_PUBLISHED
from agent_analytics_cli.tables import Column
from agent_analytics_cli.views.dashboard_answers import Answer, answers, resolve
from agent_analytics_cli.views.dashboard_print import as_json, print_answer
from agent_analytics_collector.dashboards import FILTERS, Dashboard, load_dashboards
from agent_analytics_collector.home import Home

VIEWS = {
    "cost": (
        "cost_tracking",
        "Show spend: by day, agent and model, budgets, limits, what has no price.",
        "report cost --since 7d",
    ),
    "roi": (
        "roi",
        "Show what agents cost beside what they brought, break-even first.",
        "report roi --team platform --json",
    ),
    "agents": (
        "agent_comparison",
        "Show agents side by side, with sample sizes and intervals.",
        "report agents --repository widgets",
    ),
    "team": (
        "team_activity",
        "Show when, where and how agents are used.",
        "report team --since 2w",
    ),
    "git": (
        "git_integration",
        "Show what agents' work became in git: shares, survival, reverts.",
        "report git --tier lines",
    ),
}
"""Sub-command → folder of the view, its line of help, an example."""

_TEXTS = tuple(name for name, kind in FILTERS.items() if kind == "text")


def view_command(name: str) -> click.Command:
    """The sub-command of `report` for one of VIEWS."""
    folder, line, example = VIEWS[name]

    def show(
        since: str | None,
        until: str | None,
        question: str | None,
        demo: bool,
        output_format: Format,
        **texts: tuple[str, ...],
    ) -> None:
        home = Home.from_environment()
        first, last = parse_range(since, until, user_days(home))
        view = next(view for view in load_dashboards(dashboards()) if view.id == folder)
        _check_question(view, question, output_format)
        _show(home.demo if demo else home, view, {"since": first, "until": last, **texts},
              question, output_format)  # fmt: skip

    show.__doc__ = (
        f"{line}\n\n"
        "Reads what was last published; `agent-analytics transform` publishes what came since. "
        "Without --since everything is counted. A dash is an unknown, never a zero. A filter that "
        "a question does not know leaves it as it is, which is said there. Filters take a name as "
        "stored or as shown, or its end after a slash, and may be given several times.\n\n"
        "--json has all rows of all questions, --csv those of the one that --question names.\n\n"
        f"\b\nExample:\n$ agent-analytics {example}"
    )
    return click.command(name=name, short_help=line)(_options(show))


def _options(body: Callable[..., None]) -> Callable[..., None]:
    body = format_options(body)
    body = click.option("--demo", is_flag=True, help="Show the recorded demo, not your data.")(body)
    body = click.option("--question", metavar="ID", help="Only this one; --json has the ids.")(body)
    for name in reversed(_TEXTS):
        body = click.option(f"--{name}", multiple=True, metavar="NAME", help=f"Only this {name}.")(
            body
        )
    return range_options(body)


def _check_question(view: Dashboard, question: str | None, output_format: Format) -> None:
    ids = [each.id for each in view.questions]
    if question is not None and question not in ids:
        raise click.UsageError(f"{view.title} has no question {question!r}: {', '.join(ids)}.")
    if question is None and output_format is Format.CSV:
        raise click.UsageError(f"--csv needs --question, one of {', '.join(ids)}.")


def _show(
    home: Home,
    view: Dashboard,
    filters: dict[str, Any],
    question: str | None,
    output_format: Format,
) -> None:
    with open_marts(home) as marts:
        found: Sequence[Answer] = ()
        names = read_display_names(marts)
        if marts is not None:
            for name in _TEXTS:
                given = filters[name]
                filters[name] = resolve(marts, name, given, names) if given else ()
            found = list(answers(marts, view, filters, question))
        published = published_at(marts)
    if output_format is Format.JSON:
        restricting = {name: value for name, value in filters.items() if value}
        about = {"view": view.id, "filters": restricting, "published_at": published}
        print_json({**about, "questions": [as_json(answer) for answer in found]})
    elif output_format is Format.CSV:
        for answer in found:
            print_csv([Column(key, key) for key in answer.columns], answer.as_dicts())
    else:
        for answer in found:
            print_answer(answer, names)
    if published is None:
        note(NOTHING_PUBLISHED)
    else:
        note(f"Published on {published:%Y-%m-%d at %H:%M} UTC.")
