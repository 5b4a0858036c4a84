"""What the published marts know of one commit: who made it, by which evidence, and its cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from agent_analytics_cli.reports.blame_report import numbers
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_collector.errors import AgentAnalyticsError

FACTS = (
    "commit_hash", "repository", "project_id", "developer_id", "branch", "ticket", "pull_request",
    "agent", "session_id", "attribution_tier", "attribution_confidence", "agent_assisted",
    "is_merge", "is_reverted", "files_changed", "lines_added", "lines_deleted",
    "effective_lines_added", "ai_lines", "survived_14d", "survived_30d", "survived_90d", "cost_usd",
)  # fmt: skip
"""Columns of `fct_git_commits` that are told of a commit."""
SHORTEST = 4
"""Hex digits of a prefix."""
_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")
_MOST_NAMED = 5


class AmbiguousCommit(AgentAnalyticsError):
    """The beginning of a hash fits several commits."""

    def __init__(self, prefix: str, found: Sequence[str]) -> None:
        self.prefix, self.found = prefix, found
        several = ", ".join(each[:16] for each in found[:_MOST_NAMED])
        super().__init__(
            f"{prefix} is the beginning of {len(found)} commits ({several}"
            f"{' …' if len(found) > _MOST_NAMED else ''}). Name more digits."
        )


class UnknownCommit(AgentAnalyticsError):
    """A name is no commit that is recorded, and the current folder does not know it either."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"No commit {name} is published. `agent-analytics report --by commit` lists those that "
            "are, `agent-analytics import-git` reads a repository's history, `agent-analytics "
            "transform` publishes what was read."
        )


def find_hash(marts: duckdb.DuckDBPyConnection, prefix: str) -> str | None:
    """The commit whose hash begins so; None when there is none. Raises AmbiguousCommit."""
    if not _PREFIX.fullmatch(prefix.lower()):
        return None
    found = fetch(
        marts,
        "select commit_hash from main.fct_git_commits "
        "where starts_with(commit_hash, $prefix) order by commit_hash",
        {"prefix": prefix.lower()},
    )
    if len(found) > 1:
        raise AmbiguousCommit(prefix, [row["commit_hash"] for row in found])
    return str(found[0]["commit_hash"]) if found else None


def read_evidence(marts: duckdb.DuckDBPyConnection, commit_hash: str) -> dict[str, Any] | None:
    """FACTS of a commit; None when it is not recorded. With them:

    - `committed_at` as ISO 8601 in UTC, `cost_is_partial` when a linked session has no price
    - `sessions` that are linked to it, each with the tier of its own evidence, its lines in the
      commit, its share of cost and what the whole session cost
    - `files` with lines of sessions: `path`, `ai_lines` and, of each session, `lines`; empty where
      nothing is known of single lines
    """
    asked: dict[str, object] = {"hash": commit_hash}
    rows = fetch(
        marts,
        f"""select {", ".join(FACTS)},
            strftime(timezone('UTC', committed_at), '%Y-%m-%dT%H:%M:%SZ') as committed_at
        from main.fct_git_commits where commit_hash = $hash""",
        asked,
    )
    if not rows:
        return None
    sessions = _sessions(marts, asked)
    files = _noted_files(marts, asked) or _files(marts, asked)
    return {
        **rows[0],
        "cost_is_partial": rows[0]["cost_usd"] is not None
        and any(session["cost_share_usd"] is None for session in sessions),
        "sessions": sessions,
        "files": files,
    }


def _sessions(marts: duckdb.DuckDBPyConnection, asked: dict[str, object]) -> list[dict[str, Any]]:
    return fetch(
        marts,
        """select
            links.session_id, links.agent, links.attribution_tier, links.attributed_lines,
            links.cost_share_usd, sessions.cost_usd as session_cost_usd, sessions.prompts,
            sessions.commits as session_commits,
            strftime(timezone('UTC', sessions.started_at), '%Y-%m-%dT%H:%M:%SZ') as started_at,
            strftime(timezone('UTC', sessions.ended_at), '%Y-%m-%dT%H:%M:%SZ') as ended_at
        from main.fct_commit_sessions as links
        left join main.fct_agent_sessions as sessions on links.session_key = sessions.session_key
        where links.commit_hash = $hash
        order by links.attributed_lines desc nulls last, links.session_id""",
        asked,
    )


def _files(marts: duckdb.DuckDBPyConnection, asked: dict[str, object]) -> list[dict[str, Any]]:
    rows = fetch(
        marts,
        """select path, agent, session_id, cast(sum(lines) as bigint) as lines
        from main.fct_attributed_lines where commit_hash = $hash
        group by path, agent, session_id order by path, lines desc, session_id""",
        asked,
    )
    return _by_path(rows)


def _noted_files(
    marts: duckdb.DuckDBPyConnection, asked: dict[str, object]
) -> list[dict[str, Any]]:
    """By a note's line numbers; a line that a note and a record tell of counts once."""
    rows = fetch(
        marts,
        """select path, agent, session_id, string_agg(ranges, ',') as ranges
        from main.fct_attributed_ranges where commit_hash = $hash
        group by path, agent, session_id order by path, agent, session_id""",
        asked,
    )
    return _by_path({**row, "lines": len(set(numbers(row["ranges"])))} for row in rows)


def _by_path(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    files: dict[str, dict[str, Any]] = {}
    for row in rows:
        file = files.setdefault(row["path"], {"path": row["path"], "ai_lines": 0, "sessions": []})
        file["ai_lines"] += row["lines"]
        file["sessions"].append({key: row[key] for key in ("agent", "session_id", "lines")})
    return list(files.values())
