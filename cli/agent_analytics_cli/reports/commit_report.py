"""Commits one by one: which agent made them, how sure that is, and how much of all is covered.

Reads the published marts `fct_git_commits` and `fct_commit_sessions`; the tiers are decided there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import read_display_names
from agent_analytics_cli.reports.report_query import choose_range, days_with, fetch
from agent_analytics_cli.reports.report_view import View
from agent_analytics_cli.short_names import short_project, short_session
from agent_analytics_cli.tables import Column, Kind
from agent_analytics_cli.tiers import at_least

FACTS = (
    "day", "committed_at", "repository", "project_id", "commit_hash", "branch", "is_merge",
    "developer_id", "agent", "attribution_tier", "attribution_confidence", "agent_assisted",
    "session_id", "sessions", "files_changed", "lines_added", "lines_deleted", "cost_usd",
    "cost_is_partial",
)  # fmt: skip
"""Keys of a commit, in order. `committed_at` is ISO 8601 in UTC; `sessions` are the ids of all
sessions linked to the commit, that of `session_id` first."""

TABLE = (
    Column("day", "day"),
    Column("time", "time"),
    Column("short_repository", "repository"),
    Column("short_hash", "commit"),
    Column("mark", "", only_if_any=True),
    Column("agent", "agent"),
    Column("attribution_tier", "tier"),
    Column("confidence", "confidence"),
    Column("short_session", "session"),
    Column("lines_added", "+lines", Kind.COUNT),
    Column("lines_deleted", "-lines", Kind.COUNT),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
)
"""Columns for people, of rows that `for_people` made."""

_HASH_DIGITS = 10
NO_COMMITS = (
    "No commits are recorded yet. `agent-analytics hooks install` in a repository has its commits "
    "noted from then on."
)
_COMMITS = """
with dated as (
    select
        *,
        timezone($time_zone, committed_at) as local_time,
        cast(timezone($time_zone, committed_at) - to_hours($rollover_hour) as date) as day
    from main.fct_git_commits
)
"""
_LINKED = """
linked as (
    select
        commit_key,
        list(session_id order by session_id) as sessions,
        bool_or(cost_share_usd is null) as cost_is_partial,
        sum(cost_share_usd) as cost_usd
    from main.fct_commit_sessions
    where $tier::varchar is null or list_contains($tiers::varchar[], attribution_tier)
    group by commit_key
)
"""


@dataclass(frozen=True, slots=True)
class CommitReport:
    """Commits from `since` to `until`, both included, the newest first."""

    since: date | None
    """None when nothing was asked for and no commit is recorded."""
    until: date | None
    time_zone: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    """FACTS, `is_asked`, and `time`, the clock at the commit in the time zone. None is unknown."""
    recorded: Sequence[date] = ()
    """Every day that has commits, whether in the range or not."""
    tier: str | None = None
    """The weakest that was asked for."""

    def asked(self) -> list[dict[str, Any]]:
        """The rows to show: all, or those of the tier asked for and stronger ones."""
        return [row for row in self.rows if self.tier is None or row["is_asked"]]

    def coverage(self) -> dict[str, Any]:
        """How many commits and lines have a tier that was asked for; merges are left out.

        They add no lines of their own. `tiers` has, by every tier, `commits`, `lines_added` and
        the `share_of_lines`; a share is None without a line. Ambiguous and untracked stand there
        too and count as no tier.
        """
        counted = [row for row in self.rows if not row["is_merge"]]
        total = _lines(counted)
        tiers = {}
        for name in dict.fromkeys(row["attribution_tier"] for row in self._strongest_first()):
            rows = [row for row in counted if row["attribution_tier"] == name]
            if rows:
                tiers[name] = _part(rows, total)
        tiered = [row for row in counted if row["is_asked"]]
        return {
            "commits": len(counted),
            "merges": len(self.rows) - len(counted),
            "lines_added": total,
            "with_a_tier": _part(tiered, total),
            "tiers": tiers,
        }

    def _strongest_first(self) -> list[dict[str, Any]]:
        return sorted(
            self.rows,
            key=lambda row: (-(row["attribution_confidence"] or 0), row["attribution_tier"]),
        )


def commit_view(
    marts: duckdb.DuckDBPyConnection | None,
    since: date | None,
    until: date | None,
    days: Days,
    tier: str | None = None,
) -> View:
    """Commits one by one, and what their tiers are worth; with a `tier` those it is evidence of."""
    report = read_commits(marts, since, until, days, tier)
    rows = report.asked()
    names = read_display_names(marts)
    weaker = f" with evidence as strong as {tier}" if tier else ""
    return View(
        ("commit",),
        report.since,
        report.until,
        report.time_zone,
        rows,
        FACTS,
        TABLE,
        for_people([names.shown(row) for row in rows]),
        None,
        {**({"tier": tier} if tier else {}), "coverage": report.coverage()},
        report.recorded,
        missing=f"are no commits{weaker}",
        nothing=NO_COMMITS,
        notes=list(coverage_notes(report)) if report.rows else [],
    )


def read_commits(
    marts: duckdb.DuckDBPyConnection | None,
    since: date | None,
    until: date | None,
    days: Days,
    tier: str | None = None,
) -> CommitReport:
    """Commits of the days asked for; `marts` None is a home that has published nothing.

    Without `since` and `until` the range is chosen as `choose_range` says. With a `tier` sessions
    and cost are those of links as strong as that.
    """
    if marts is None:
        return CommitReport(since, until, days.time_zone, tier=tier)
    zone = days.parameters()
    recorded = days_with(marts, "select committed_at as moment from main.fct_git_commits", days)
    since, until = choose_range(recorded, since, until, days)
    rows = fetch(
        marts,
        f"""{_COMMITS}, {_LINKED}
        select
            dated.day, strftime(local_time, '%H:%M') as time,
            strftime(timezone('UTC', committed_at), '%Y-%m-%dT%H:%M:%SZ') as committed_at,
            repository, project_id, commit_hash, branch, coalesce(is_merge, false) as is_merge,
            developer_id, agent, attribution_tier, attribution_confidence, agent_assisted,
            session_id,
            list_distinct(list_concat(
                case when session_id is null then [] else [session_id] end,
                coalesce(linked.sessions, [])
            )) as sessions,
            files_changed, lines_added, lines_deleted,
            case when $tier::varchar is null then dated.cost_usd else linked.cost_usd end
                as cost_usd,
            coalesce(linked.cost_is_partial, false)
                and (case when $tier::varchar is null then dated.cost_usd else linked.cost_usd end)
                is not null as cost_is_partial,
            list_contains($tiers::varchar[], attribution_tier) as is_asked
        from dated left join linked on dated.commit_key = linked.commit_key
        where day between $since and $until
        order by dated.committed_at desc, commit_hash""",
        {**zone, "since": since, "until": until, "tier": tier, "tiers": list(at_least(tier))},
    )
    for row in rows:
        first = row["session_id"]
        row["sessions"].sort(key=lambda session: (session != first, session))
    return CommitReport(since, until, days.time_zone, rows, recorded, tier)


def for_people(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the short texts that the TABLE shows."""
    return [
        {
            **row,
            "short_repository": short_project(row["repository"]),
            "short_hash": row["commit_hash"][:_HASH_DIGITS],
            "mark": "merge" if row["is_merge"] else "",
            "confidence": _confidence(row["attribution_confidence"]),
            "short_session": short_session(row["sessions"]),
        }
        for row in rows
    ]


def coverage_notes(report: CommitReport) -> Iterator[str]:
    """What the tiers of these commits are worth, in whole sentences."""
    coverage = report.coverage()
    if not coverage["commits"]:
        yield "All of these are merges, which add no lines of their own."
        return
    commits, part = coverage["commits"], coverage["with_a_tier"]
    tiers = "; ".join(
        f"{name} {_commits(tier['commits'])}, {_percent(tier['share_of_lines'])}"
        for name, tier in coverage["tiers"].items()
    )
    left_out = ", merges left out" if coverage["merges"] else ""
    which = f"evidence as strong as {report.tier}" if report.tier else "a tier"
    yield (
        f"Coverage{left_out}: {part['commits']:,} of {_commits(commits)} and "
        f"{_percent(part['share_of_lines'])} of {coverage['lines_added']:,} added lines have "
        f"{which}. By tier, with its share of the lines: {tiers}."
    )
    if "untracked" in coverage["tiers"]:
        yield "Untracked means that there is no evidence, not that a human wrote it."
    if "ambiguous" in coverage["tiers"]:
        yield "Ambiguous means that several sessions were active; none of them gets the commit."


def _lines(rows: Sequence[dict[str, Any]]) -> int:
    return sum(row["lines_added"] or 0 for row in rows)


def _part(rows: Sequence[dict[str, Any]], total_lines: int) -> dict[str, Any]:
    lines = _lines(rows)
    share = round(Decimal(lines) / total_lines, 4) if total_lines else None
    return {"commits": len(rows), "lines_added": lines, "share_of_lines": share}


def _commits(count: int) -> str:
    return f"{count:,} commit{'s'[: count != 1]}"


def _percent(share: Decimal | None) -> str:
    return "—" if share is None else f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"


def _confidence(confidence: Decimal | None) -> str | None:
    return None if confidence is None else f"{confidence:.1f}"
