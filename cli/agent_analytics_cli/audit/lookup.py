"""What an id names: a request, a session or a commit, by the whole of it or how it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent_analytics_cli.audit.source import Numbers
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.errors import AgentAnalyticsError

_SHOWN = 10

# A request is named by its key, by its key without the agent, or by its vendor's own id. What
# begins a session's id begins the keys of its requests too, and means the session.
_MATCHES = """
with requests as (
    select
        request_key,
        coalesce(session_key, agent || ':') as session_key,
        model,
        requested_at,
        case
            when starts_with(request_key, session_key || ':')
                then substr(request_key, length(session_key) + 2)
            else substr(request_key, length(agent) + 2)
        end as own_id,
        {request_id} as request_id
    from {requests}
),
found as (
    select
        'request' as kind, request_key as key, model as what, requested_at as happened_at,
        $id in (request_key, own_id, coalesce(request_id, '')) as is_whole
    from requests
    where starts_with(own_id, $id)
        or starts_with(coalesce(request_id, ''), $id)
        or (starts_with(request_key, $id) and not starts_with(session_key, $id))
    union all
    select 'session', session_key, agent, started_at, $id in (session_key, session_id)
    from fct_agent_sessions
    where starts_with(session_id, $id) or starts_with(session_key, $id)
    union all
    select 'commit', commit_key, repository, committed_at, $id = commit_hash
    from fct_git_commits
    where starts_with(commit_hash, lower($id))
)
select kind, key, what, happened_at from found
qualify is_whole or not bool_or(is_whole) over ()
order by happened_at desc nulls last, key
"""


@dataclass(frozen=True, slots=True)
class Match:
    """One thing that an id may name."""

    kind: str
    """request, session or commit."""
    key: str
    what: str | None
    happened_at: datetime | None


class NothingFound(AgentAnalyticsError):
    """No request, session or commit has such an id."""

    def __init__(self, named: str, numbers: Numbers) -> None:
        where = "the published marts" if numbers.not_live else "the marts"
        more = "; what came since the last transform is in none" if numbers.is_live else ""
        super().__init__(
            f"No request, session or commit in {where} has an id that begins with "
            f"{as_text(named)!r}{more}. `agent-analytics report --by session` lists sessions."
        )


class Ambiguous(AgentAnalyticsError):
    """Several things have ids that begin so."""

    def __init__(self, named: str, matches: Sequence[Match]) -> None:
        self.matches = matches
        listed = "\n".join(
            f"  {match.kind:<7}  {as_text(match.key)}  {as_text(match.what)}"
            f"{f'  {match.happened_at:%Y-%m-%d %H:%M:%S} UTC' if match.happened_at else ''}"
            for match in matches[:_SHOWN]
        )
        more = len(matches) - _SHOWN
        rest = f"\n  and {more:,} more" if more > 0 else ""
        super().__init__(
            f"{as_text(named)!r} names {len(matches):,} of them; give more of the id:\n"
            f"{listed}{rest}"
        )


def find(numbers: Numbers, named: str) -> Match:
    """The one thing that `named` names; a whole id beats what begins with it.

    Raises NothingFound, Ambiguous.
    """
    of_requests = (
        {"requests": "int_agent_requests", "request_id": "request_id"}
        if numbers.is_live
        else {"requests": "fct_agent_requests", "request_id": "cast(null as varchar)"}
    )
    rows = numbers.rows(_MATCHES.format(**of_requests), {"id": named.strip()})
    matches = [Match(**row) for row in rows]
    if not matches:
        raise NothingFound(named, numbers)
    if len(matches) > 1:
        raise Ambiguous(named, matches)
    return matches[0]
