"""Commits, budgets, and how sure the week's numbers are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb

from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.shares import percent, share, usd
from agent_analytics_cli.weekly.sections import Section
from agent_analytics_cli.weekly.spend import Measures
from agent_analytics_cli.weekly.week import Week

_MOST_MODELS = 5


def commits(marts: duckdb.DuckDBPyConnection, week: Week, now: Measures) -> Section:
    """The week's commits by repository, with the coverage that their shares stand on."""
    rows = fetch(
        marts,
        """select repository,
            count(*) filter (where not coalesce(is_merge, false)) as commits,
            count(*) filter (where agent_assisted and not coalesce(is_merge, false))
                as with_an_agent,
            sum(effective_lines_added)::bigint as effective_lines,
            sum(ai_lines)::bigint as ai_lines,
            sum(effective_lines_added)
                filter (where attribution_tier not in ('ambiguous', 'untracked'))
                / nullif(sum(effective_lines_added), 0) as coverage
        from main.fct_git_commits where committed_date between $since and $until
        group by repository order by 2 desc, 1""",
        {"since": week.monday, "until": week.until},
    )
    columns = ("repository", "commits", "with_an_agent", "effective_lines", "ai_lines", "coverage")
    sentence = (
        f"{now['assisted_commits']:,} of {now['commits']:,} commits have evidence of an agent. "
        f"{_coverage(now)}"
        if now["commits"]
        else "No commit was recorded in these days; `agent-analytics hooks install` records them."
    )
    return Section(
        "commits", "Commits", (sentence,), columns, [tuple(row.values()) for row in rows]
    )


def budgets(marts: duckdb.DuckDBPyConnection, week: Week) -> Section | None:
    """The budgets of the month in which the week ends; None where none is set."""
    columns = (
        "scope", "name", "measure", "budget_usd", "month_to_date_usd", "projected_low_usd",
        "projected_usd", "projected_high_usd", "status",
    )  # fmt: skip
    rows = fetch(
        marts,
        f"""select {", ".join(columns)} from main.fct_budget_status
        where month = date_trunc('month', $until::date)
        order by status = 'within', scope, name nulls first""",
        {"until": week.until},
    )
    if not rows:
        return None
    tight = [row for row in rows if row["status"] in ("over", "at_risk")]
    sentence = (
        f"{len(tight)} of {len(rows)} budgets of {week.until:%B %Y} are over or at risk."
        if tight
        else f"All {len(rows)} budgets of {week.until:%B %Y} hold so far."
    )
    return Section(
        "budgets", "Budgets", (sentence,), columns, [tuple(row.values()) for row in rows]
    )


def certainty(
    marts: duckdb.DuckDBPyConnection, week: Week, now: Measures, published_at: datetime
) -> Section:
    """Coverage, requests without a price, what only metrics saw, and how fresh all of it is."""
    return Section("certainty", "How sure these numbers are", tuple(
        (*_unpriced(marts, week, now), *_metrics_only(now), _coverage(now),
         *_freshness(marts, week, published_at))
    ))  # fmt: skip


def _coverage(now: Measures) -> str:
    covered = share(now["covered_lines"] or 0, now["effective_lines"])
    if covered is None:
        return "No committed line was seen, so nothing is said of who wrote them."
    return (
        f"For {percent(covered)} of {now['effective_lines']:,} committed lines there is any "
        "evidence of who wrote them; the others are untracked, which does not mean that a person "
        "did."
    )


def _unpriced(marts: duckdb.DuckDBPyConnection, week: Week, now: Measures) -> Iterator[str]:
    if not now["requests"]:
        return
    if not now["unpriced_requests"]:
        yield f"The cost of all {now['requests']:,} requests is known."
        return
    models = fetch(
        marts,
        """select coalesce(model, 'a model without a name') as model, sum(requests) as requests
        from main.fct_agent_costs
        where cost_source = 'unpriced' and usage_date between $since and $until
        group by 1 order by 2 desc, 1""",
        {"since": week.monday, "until": week.until},
    )
    named = ", ".join(row["model"] for row in models[:_MOST_MODELS])
    more = f" and {len(models) - _MOST_MODELS} more" if len(models) > _MOST_MODELS else ""
    yield (
        f"{now['unpriced_requests']:,} of {now['requests']:,} requests have no known price "
        f"({named}{more}), so every sum with them is a lower bound. "
        "`agent-analytics prices check` says how to give them one."
    )


def _metrics_only(now: Measures) -> Iterator[str]:
    if now["metrics_only_usd"]:
        yield (
            f"{usd(now['metrics_only_usd'])} is known only from agents' own metrics: no request "
            "of it was seen."
        )


def _freshness(
    marts: duckdb.DuckDBPyConnection, week: Week, published_at: datetime
) -> Iterator[str]:
    seen: dict[str, Any] = fetch(
        marts,
        """select max(requested_at) as last_request_at,
            count(distinct requested_date)
                filter (where requested_date between $since and $until) as days
        from main.fct_agent_requests""",
        {"since": week.monday, "until": week.until},
    )[0]
    last = seen["last_request_at"]
    of_last = f"; the last request in it is of {last:%Y-%m-%d %H:%M} UTC" if last else ""
    yield f"The data was published on {published_at:%Y-%m-%d at %H:%M} UTC{of_last}."
    yield f"Requests were seen on {seen['days']} of the {len(week.days)} days."
