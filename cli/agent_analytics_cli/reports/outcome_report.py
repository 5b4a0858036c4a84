"""`report --by ticket`, `pull-request` and `commit-branch`: what commits for one thing cost.

Cost is that of the commits: the shares that their sessions have in them. What sessions spent
without a commit is in none of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import DisplayNames, read_display_names
from agent_analytics_cli.reports.commit_report import NO_COMMITS
from agent_analytics_cli.reports.outcome_query import restricted_commits
from agent_analytics_cli.reports.report_query import choose_range, days_with, fetch
from agent_analytics_cli.reports.report_view import View
from agent_analytics_cli.shares import percent, share
from agent_analytics_cli.short_names import short_project
from agent_analytics_cli.tables import Column, Kind
from agent_analytics_cli.tiers import at_least

GROUPS = {
    "ticket": ("ticket", False),
    "pull_request": ("pull_request", True),
    "commit_branch": ("branch", True),
}
"""Key → column of `fct_git_commits`, and whether each repository has its own of that name."""
MEASURES = (
    "commits", "assisted_commits", "reverted_commits", "effective_lines", "covered_lines",
    "coverage", "ai_lines", "ai_code_share", "sessions", "cost_usd", "cost_is_partial",
)  # fmt: skip
"""Of a group. `coverage`: share of lines in commits with a tier; merges add no lines of their
own and are not counted as commits."""

_SUMS = """
    count(*) filter (where not coalesce(is_merge, false)) as commits,
    count(*) filter (where is_asked and not coalesce(is_merge, false)) as assisted_commits,
    count(*) filter (where is_reverted) as reverted_commits,
    cast(sum(effective_lines_added) as bigint) as effective_lines,
    cast(sum(case when is_asked then effective_lines_added else 0 end) as bigint) as covered_lines,
    cast(sum(ai_lines) as bigint) as ai_lines,
    len(list_distinct(flatten(list(sessions)))) as sessions,
    sum(cost_usd) as cost_usd,
    coalesce(bool_or(cost_is_partial or (cost_usd is null and len(sessions) > 0)), false)
        and sum(cost_usd) is not null as cost_is_partial
"""
_HEADINGS = {"pull_request": "pull\nrequest", "commit_branch": "branch"}
_COLUMNS = (
    Column("agents", "agent"),
    Column("commits", "commits", Kind.COUNT),
    Column("assisted_commits", "by\nagents", Kind.COUNT),
    Column("reverted_commits", "reverted", Kind.COUNT, only_if_any=True),
    Column("effective_lines", "lines", Kind.COUNT),
    Column("coverage", "coverage", Kind.SHARE),
    Column("ai_lines", "AI\nlines", Kind.COUNT),
    Column("ai_code_share", "AI\nshare", Kind.SHARE),
    Column("sessions", "sessions", Kind.COUNT),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
)


def outcome_view(
    marts: duckdb.DuckDBPyConnection | None,
    key: str,
    since: date | None,
    until: date | None,
    days: Days,
    tier: str | None,
) -> View:
    """Commits of the range by one of GROUPS, the costliest first; without any last.

    With a `tier` agents' work is what evidence as strong as that tells.
    """
    column, is_by_repository = GROUPS[key]
    keys = (key, "repositories", "agents")
    rows: list[dict[str, Any]] = []
    recorded: list[date] = []
    total: dict[str, Any] = dict.fromkeys(MEASURES)
    if marts is not None:
        recorded = days_with(marts, "select committed_at as moment from main.fct_git_commits", days)
        since, until = choose_range(recorded, since, until, days)
        asked = {**days.parameters(), "since": since, "until": until, "tiers": list(at_least(tier))}
        grouping = f"{column}, repository" if is_by_repository else column
        rows = _shared(
            fetch(
                marts,
                f"""{_dated()} select
                    {column} as {key},
                    list_sort(list(distinct repository) filter (where repository is not null))
                        as repositories,
                    list_sort(list(distinct agent) filter (where is_asked and agent is not null))
                        as agents,
                    {_SUMS}
                from dated group by {grouping}
                order by {column} is null, cost_usd desc nulls last, {grouping}""",
                asked,
            )
        )
        (total,) = _shared(fetch(marts, f"{_dated()} select {_SUMS} from dated", asked))
    columns = [
        Column(key, _HEADINGS.get(key, key)),
        *([Column("repositories", "repository")] if is_by_repository else []),
        *_COLUMNS,
    ]
    names = read_display_names(marts)
    labels = {key: "total", "repositories": "", "agents": ""}
    return View(
        (key,),
        since,
        until,
        days.time_zone,
        rows,
        (*keys, *MEASURES),
        columns,
        [_for_people(row, names) for row in rows],
        {**labels, **total},
        {"tier": tier, "total": total},
        recorded,
        missing="are no commits",
        nothing=NO_COMMITS,
        notes=list(_notes(total, tier)) if rows else [],
    )


def _dated() -> str:
    return f"""
    with {restricted_commits()},
    dated as (
        select * from restricted
        where cast(timezone($time_zone, committed_at) - to_hours($rollover_hour) as date)
            between $since and $until
    )"""


def _shared(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "coverage": share(row["covered_lines"], row["effective_lines"]),
            "ai_code_share": share(row["ai_lines"], row["effective_lines"]),
        }
        for row in rows
    ]


def _for_people(row: Mapping[str, Any], names: DisplayNames) -> dict[str, Any]:
    agents: Sequence[str] = row["agents"] or ()
    shown = [names.shown({"agent": agent})["agent"] for agent in agents]
    repositories = [short_project(each) for each in row["repositories"] or ()]
    return {**row, "agents": shown or None, "repositories": repositories or None}


def _notes(total: Mapping[str, Any], tier: str | None) -> Iterator[str]:
    which = f"evidence as strong as {tier}" if tier else "a tier"
    rest = "has weaker evidence or none" if tier else "is untracked"
    yield (
        f"Coverage: {percent(total['coverage'])} of {total['effective_lines'] or 0:,} lines are of "
        f"commits with {which}. The rest {rest}, which does not mean that people wrote it."
    )
    yield (
        "Cost is the commits' share of their sessions; what sessions spent without a commit is "
        "in `agent-analytics outcomes`."
    )
