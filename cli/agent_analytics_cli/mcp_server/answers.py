"""The answers themselves: small tables of the published marts, ready for JSON.

No answer has text of a prompt, code or a commit message; the marts have none but the last, which
is not read here. Developers are not named either: an agent asks on behalf of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.mcp_server.pseudonyms import Pseudonyms
from agent_analytics_cli.reports.limits_query import FACTS, read_limits
from agent_analytics_cli.reports.report_query import (
    DIMENSIONS,
    MOMENTS,
    choose_range,
    days_with,
    fetch,
    read_report,
)
from agent_analytics_cli.reports.report_view import NOTHING_PUBLISHED
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

Answer = dict[str, Any]
KEYS = tuple(key for key in DIMENSIONS if key not in ("developer", "machine", "worktree"))
"""What usage may be grouped by."""
MOST_ROWS = 100
"""Of one answer: more is for `export`, not for a conversation."""
_SESSION = """
    select
        session_id, agent, main_model, project_id, git_branch, outcome, prompts, requests,
        tool_calls, tool_failures, edits_accepted, edits_rejected, lines_added, lines_removed,
        errors, retries, commits, total_tokens, active_seconds, cost_usd, started_at, ended_at
    from main.fct_agent_sessions
    where starts_with(session_id, $session)
    order by started_at limit 2"""
_COMMITS = f"""
    select
        commit_hash, repository, committed_at, agent, attribution_tier, attribution_confidence,
        lines_added, lines_deleted, effective_lines_added, ai_lines, cost_usd, is_merge, is_reverted
    from main.fct_git_commits
    where branch = $branch and ($project is null or project_id = $project)
    order by committed_at desc limit {MOST_ROWS}"""
_CAUSES = """
    from main.fct_cost_causes
    where requested_date between $since and $until"""


class NotAnswered(AgentAnalyticsError):
    """A question that the marts cannot answer; the message says what to ask instead."""


class Answers:
    """Each method opens the run that is published now, so a long conversation sees every refresh.

    All raise NotAnswered for a question that makes no sense, and MartsUnreadable.
    """

    def __init__(self, home: Home, days: Days, pseudonyms: Pseudonyms) -> None:
        self._home, self._days, self._pseudonyms = home, days, pseudonyms

    def usage(self, by: Sequence[str], since: str | None, until: str | None) -> Answer:
        """Requests, tokens by class and cost, grouped; and the total."""
        unknown = [key for key in by if key not in KEYS]
        if unknown or not by:
            raise NotAnswered(f"`by` takes one or more of {', '.join(KEYS)}; not {unknown}.")
        first, last = self._range(since, until)
        with self._marts() as marts:
            report = read_report(marts, tuple(dict.fromkeys(by)), first, last, self._days)
        return {
            "since": _plain(report.since),
            "until": _plain(report.until),
            "time_zone": report.time_zone,
            **self._rows(report.rows),
            "total": _plain(report.total),
        }

    def branch(self, branch: str, project: str | None) -> Answer:
        """What sessions on a branch used by agent and model, and the commits that came of it."""
        with self._marts() as marts:
            project_id = self._project(marts, project)
            asked = {"branch": branch, "project": project_id}
            usage = fetch(
                marts,
                """
                select
                    agent, model, project_id, count(*) as requests,
                    count(distinct session_key) as sessions,
                    sum(total_tokens) as total_tokens, sum(cost_usd) as cost_usd,
                    count(*) filter (cost_source = 'unpriced' and not is_error)
                        as unpriced_requests
                from main.fct_agent_requests
                where git_branch = $branch and ($project is null or project_id = $project)
                group by all order by cost_usd desc nulls last, agent, model""",
                asked,
            )
            commits = fetch(marts, _COMMITS, asked)
        if not usage and not commits:
            raise NotAnswered(
                f"No session and no commit on a branch {branch!r} is known. "
                "`usage` by branch lists those that are."
            )
        costs = [row["cost_usd"] for row in usage if row["cost_usd"] is not None]
        return {
            "branch": branch,
            "cost_usd": _plain(sum(costs)) if costs else None,
            "usage": self._rows(usage)["rows"],
            "commits": self._rows(commits)["rows"],
        }

    def session(self, session: str) -> Answer:
        """One session by its id or the start of it, with its models."""
        with self._marts() as marts:
            found = fetch(marts, _SESSION, {"session": session}) if session else []
            if len(found) != 1:
                problem = "more than one session begins so" if found else "no session begins so"
                raise NotAnswered(f"{session!r}: {problem}. `usage` by session lists their ids.")
            models = fetch(
                marts,
                """
                select model, is_subagent, count(*) as requests, sum(total_tokens) as total_tokens,
                    sum(cost_usd) as cost_usd
                from main.fct_agent_requests where session_id = $session and agent = $agent
                group by all order by cost_usd desc nulls last, model, is_subagent""",
                {"session": found[0]["session_id"], "agent": found[0]["agent"]},
            )
        return {**_plain(self._pseudonyms.row(found[0])), "models": _plain(models)}

    def limits(self) -> Answer:
        """Limit windows that agents report, or an estimate where they report none."""
        with self._marts() as marts:
            rows = read_limits(marts, datetime.now(UTC)).rows
        told = [key for key in FACTS if key not in ("account", "developer_id")]
        return self._rows([{key: row[key] for key in told} for row in rows])

    def waste(self, since: str | None, until: str | None) -> Answer:
        """Avoidable cost by cause, and the requests that cost the most of it."""
        first, last = self._range(since, until)
        with self._marts() as marts:
            recorded = days_with(marts, MOMENTS, self._days)
            first, last = choose_range(recorded, first, last, self._days)
            asked = {"since": first, "until": last}
            causes = fetch(
                marts,
                f"""
                select cause, count(*) as requests, count(distinct session_key) as sessions,
                    sum(cause_cost_usd) as cause_cost_usd, sum(avoidable_usd) as avoidable_usd
                {_CAUSES} group by cause order by avoidable_usd desc nulls last, cause""",
                asked,
            )
            worst = fetch(
                marts,
                f"""
                select request_key, session_id, agent, project_id, git_branch, requested_at, cause,
                    cause_cost_usd, avoidable_usd, pause_seconds
                {_CAUSES} and avoidable_usd > 0
                order by avoidable_usd desc, request_key limit 20""",
                asked,
            )
        return {
            **_plain(asked),
            "causes": _plain(causes),
            "worst_requests": self._rows(worst)["rows"],
        }

    def budgets(self) -> Answer:
        """The running month of each budget, with its forecast."""
        with self._marts() as marts:
            rows = fetch(
                marts,
                """
                select * exclude (budget_key) from main.fct_budget_status
                where month = (select max(month) from main.fct_budget_status)
                order by scope, name""",
                {},
            )
        named = [
            row | {"name": self._pseudonyms.of(row["name"])} if row["scope"] == "project" else row
            for row in rows
            if row["scope"] != "developer"
        ]
        return self._rows(named)

    @contextmanager
    def _marts(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_marts(self._home) as marts:
            if marts is None:
                raise NotAnswered(NOTHING_PUBLISHED)
            yield marts

    def _range(self, since: str | None, until: str | None) -> tuple[date | None, date | None]:
        first, last = self._parse(since), self._parse(until)
        if first and last and first > last:
            raise NotAnswered(f"`since` {first} is after `until` {last}.")
        return first, last

    def _parse(self, day: str | None) -> date | None:
        try:
            return self._days.parse(day) if day else None
        except ValueError as error:
            raise NotAnswered(f"{error}.") from None

    def _project(self, marts: duckdb.DuckDBPyConnection, asked: str | None) -> str | None:
        if asked is None:
            return None
        known = [row["project_id"] for row in fetch(marts, "from main.dim_projects", {})]
        found = self._pseudonyms.named(asked, known)
        if found is None:
            raise NotAnswered(f"There is no project {asked!r}. `usage` by project lists them.")
        return found

    def _rows(self, rows: Sequence[dict[str, Any]]) -> Answer:
        shown = [_plain(self._pseudonyms.row(row)) for row in rows[:MOST_ROWS]]
        return {"rows": shown, "rows_left_out": max(0, len(rows) - MOST_ROWS)}


def _plain(value: Any) -> Any:
    """As JSON has it: amounts as numbers, times in ISO 8601 in UTC."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        case date():
            return value.isoformat()
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value
