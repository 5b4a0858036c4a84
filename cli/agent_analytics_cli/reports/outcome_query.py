"""What agents' work came to, by repository and month, from the published `fct_outcomes_monthly`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.tiers import TIERS, at_least

AGES = (14, 30, 90)
YIELDS = ("productive", "reverted", "abandoned", "ambiguous", "pending", "no_edits")
SHARES = (
    "assisted_commit_share", "coverage", "ai_code_share", "landing_rate", "revert_rate",
    "fix_follow_rate", "rework_ratio",
)  # fmt: skip
COUNTS = (
    "commits", "assisted_commits", "reverted_commits", "fixed_commits", "effective_lines",
    "covered_lines", "ai_lines", "merged_ai_lines", "changed_lines", "reworked_lines", "sessions",
    "lines_written", "lines_committed",
)  # fmt: skip
COSTS = (
    "spend_usd", "linked_cost_usd", *(f"{name}_usd" for name in YIELDS), "cost_per_commit_usd",
    "cost_per_merged_ai_line_usd",
)  # fmt: skip
SURVIVALS = tuple(
    name
    for age in AGES
    for name in (
        f"cohort_commits_{age}d", f"lines_at_start_{age}d", f"lines_alive_{age}d",
        f"ai_lines_alive_{age}d", f"survival_{age}d", f"ai_survival_{age}d",
        f"linked_cost_per_surviving_line_{age}d_usd", f"loaded_cost_per_surviving_line_{age}d_usd",
    )
)  # fmt: skip
TIMES = ("median_seconds_to_commit", "p90_seconds_to_commit")
FACTS = ("month", "repository", *COUNTS, *SHARES, *COSTS, *SURVIVALS, *TIMES)
"""Keys of a row, in order. `month` reads 2026-03."""
OF_A_TIER = (
    "commits", "assisted_commits", "effective_lines", "covered_lines", "ai_lines",
    "assisted_commit_share", "coverage", "ai_code_share", "linked_cost_usd", "cost_per_commit_usd",
    "spend_usd",
)  # fmt: skip
"""What is known where only some tiers count; the marts hold the others for all tiers together."""


def read_outcomes(
    marts: duckdb.DuckDBPyConnection,
    month: date | None = None,
    repository: str | None = None,
    tier: str | None = None,
) -> list[dict[str, Any]]:
    """A row of FACTS per month and repository, the newest month first.

    `month` is any day of it; `repository` is the whole identity or its end. With a `tier` only
    evidence as strong as that counts, and what is not in OF_A_TIER is None.
    """
    asked = {"month": month, "repository": repository}
    rows = fetch(
        marts,
        f"""select strftime(month, '%Y-%m') as month, {", ".join(FACTS[1:])}
        from main.fct_outcomes_monthly
        where ($month::date is null or month = date_trunc('month', $month::date))
            and ($repository::varchar is null or repository = $repository
                or ends_with(repository, '/' || $repository))
        order by 1 desc, repository nulls last""",
        asked,
    )
    if tier is None:
        return rows
    restricted = _of_tiers(marts, at_least(tier))
    return [_restricted(row, restricted.get((row["month"], row["repository"]))) for row in rows]


def _restricted(row: Mapping[str, Any], of_tier: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = {name: row[name] for name in ("commits", "effective_lines", "spend_usd")}
    none = {"assisted_commits": 0, "covered_lines": 0, "ai_lines": None, "linked_cost_usd": None}
    own = {**none, **(of_tier or {})}
    costed = own.pop("costed_commits", 0)
    cost = own["linked_cost_usd"]
    return {
        **dict.fromkeys(FACTS),
        **{name: row[name] for name in ("month", "repository")},
        **kept,
        **own,
        "assisted_commit_share": _ratio(own["assisted_commits"], row["commits"]),
        "coverage": _ratio(own["covered_lines"], row["effective_lines"]),
        "ai_code_share": _ratio(own["ai_lines"], row["effective_lines"]),
        "cost_per_commit_usd": cost / costed if costed and cost is not None else None,
    }


def _of_tiers(
    marts: duckdb.DuckDBPyConnection, tiers: tuple[str, ...]
) -> dict[tuple[str, str | None], dict[str, Any]]:
    """By month and repository, of commits and their links with one of the tiers."""
    rows = fetch(
        marts,
        f"""with {restricted_commits()}
        select
            strftime(committed_date, '%Y-%m') as month, repository,
            count(*) as assisted_commits, count(cost_usd) as costed_commits,
            cast(sum(effective_lines_added) as bigint) as covered_lines,
            cast(sum(ai_lines) as bigint) as ai_lines, sum(cost_usd) as linked_cost_usd
        from restricted where is_asked group by 1, 2""",
        {"tiers": list(tiers)},
    )
    return {(row.pop("month"), row.pop("repository")): row for row in rows}


def restricted_commits() -> str:
    """`restricted as (…)`: all commits, with lines and cost of evidence in `$tiers` alone.

    `is_asked`: the commit's own tier is one of them. `cost_is_partial`: a linked session has no
    price. What a note says of lines of sessions we know nothing of is in the commit alone.
    """
    return f"""
links as (
    select
        commit_key,
        list(session_id order by attributed_lines desc nulls last, session_id) as sessions,
        cast(sum(attributed_lines) as bigint) as ai_lines,
        sum(cost_share_usd) as cost_usd,
        bool_or(cost_share_usd is null) as has_unpriced
    from main.fct_commit_sessions
    where list_contains($tiers::varchar[], attribution_tier)
    group by commit_key
),
restricted as (
    select
        commits.* exclude (ai_lines, cost_usd),
        list_contains($tiers::varchar[], commits.attribution_tier) as is_asked,
        coalesce(links.sessions, []) as sessions,
        case
            when len($tiers::varchar[]) = {len(TIERS)} or commits.attribution_tier = 'note'
                then commits.ai_lines
            when is_asked then links.ai_lines
        end as ai_lines,
        case when is_asked then links.cost_usd end as cost_usd,
        coalesce(links.has_unpriced, false) and links.cost_usd is not null as cost_is_partial
    from main.fct_git_commits as commits
    left join links on commits.commit_key = links.commit_key
)"""


def _ratio(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None
