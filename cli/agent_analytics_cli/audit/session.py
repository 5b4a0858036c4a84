"""A session's requests and sums, and a commit's sessions: what their numbers are made of."""

from __future__ import annotations

from dataclasses import dataclass

from agent_analytics_cli.audit.source import Numbers, Row

_SUMS = """
    sum(input_tokens) as input_tokens, sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_5m_tokens) as cache_write_5m_tokens,
    sum(cache_write_1h_tokens) as cache_write_1h_tokens, sum(output_tokens) as output_tokens,
    sum(total_tokens) as total_tokens, sum(cost_usd) as cost_usd
"""


@dataclass(frozen=True, slots=True)
class SessionAudit:
    """A session and the parts that add up to it."""

    session: Row
    """Its row of `fct_agent_sessions`."""
    requests: list[Row]
    """In order of time."""
    models: list[Row]
    """model, requests, tokens by class, total_tokens, cost_usd."""
    remainders: list[Row]
    """What only metrics saw, by model."""
    sources: list[Row]
    """Pairs of sources with their gap and its likely reason."""
    commits: list[Row]
    """Linked commits and their shares of the cost."""


@dataclass(frozen=True, slots=True)
class CommitAudit:
    """A commit and the sessions that it is linked to."""

    commit: Row
    """Its row of `fct_git_commits`."""
    sessions: list[Row]
    """Linked sessions: evidence, their whole cost, in how many parts it is split, the share."""
    raw: list[Row]
    """What was received of it; empty where only the published marts are read."""


def read_session(numbers: Numbers, key: str) -> SessionAudit:
    """All parts of the session with this `session_key`."""
    named = {"key": key}
    [session] = numbers.rows("select * from fct_agent_sessions where session_key = $key", named)
    return SessionAudit(
        session,
        numbers.rows(
            "select request_key, requested_at, model, query_source, is_error, input_tokens, "
            "cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, "
            "total_tokens, cost_usd, cost_source, seen_in from fct_agent_requests "
            "where session_key = $key order by requested_at, request_key",
            named,
        ),
        numbers.rows(
            f"select model, count(*) as requests, {_SUMS} from fct_agent_requests "
            "where session_key = $key group by model order by cost_usd desc nulls last, model",
            named,
        ),
        numbers.rows(
            f"select model, {_SUMS} from fct_metric_remainders where session_key = $key "
            "group by model order by model",
            named,
        ),
        numbers.rows(
            "select left_source, right_source, left_requests, right_requests, left_cost_usd, "
            "right_cost_usd, gap_tokens, gap_cost_usd, explanation from fct_reconciliation "
            "where session_key = $key order by left_source, right_source",
            named,
        ),
        numbers.rows(
            "select commit_hash, repository, attribution_tier, cost_share_usd "
            "from fct_commit_sessions where session_key = $key order by commit_hash",
            named,
        ),
    )


def read_commit(numbers: Numbers, key: str) -> CommitAudit:
    """What the commit with this `commit_key` is linked to."""
    named = {"key": key}
    [commit] = numbers.rows("select * from fct_git_commits where commit_key = $key", named)
    sessions = numbers.rows(
        "select links.session_key, links.attribution_tier, sessions.cost_usd as session_cost_usd, "
        "sessions.commits as session_commits, links.cost_share_usd "
        "from fct_commit_sessions as links "
        "inner join fct_agent_sessions as sessions on links.session_key = sessions.session_key "
        "where links.commit_key = $key order by links.session_key",
        named,
    )
    if not numbers.is_live:
        return CommitAudit(commit, sessions, [])
    # No message, no name: who looks for those has git.
    raw = numbers.rows(
        "select 'raw_git_commits' as raw_table, id, record_key, batch_id, recorded_by, branch, "
        "created_at as received_at from raw_git_commits where commit_hash = $hash "
        "order by created_at, id",
        {"hash": commit["commit_hash"]},
    )
    return CommitAudit(commit, sessions, raw)
