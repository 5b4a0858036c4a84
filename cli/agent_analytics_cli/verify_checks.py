"""The invariants that `agent-analytics verify` replays, each as the query of what breaks it."""

from __future__ import annotations

from dataclasses import dataclass

_TOKENS = (
    "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "output_tokens",
)  # fmt: skip
_PARTS = " + ".join(f"coalesce({name}, 0)" for name in _TOKENS)

REBUILD = (
    "`agent-analytics transform --full-refresh` makes the marts anew from what was received; "
    "rows that stay are a bug, please report them with `agent-analytics verify --json`"
)
DELIVERED_TWICE = (
    "Please report this with `agent-analytics verify --json`; the marts count each request once"
)

_SPEND = f"""
    select requested_date as usage_date, agent, 1 as requests, {_PARTS} as tokens, cost_usd
    from fct_agent_requests
    union all
    select usage_date, agent, coalesce(requests, 0), {_PARTS}, cost_usd from fct_vendor_spend
"""
_SPEND_AND_REMAINDERS = f"""{_SPEND}
    union all
    select booked_date, agent, 0, {_PARTS}, cost_usd from fct_metric_remainders
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant."""

    name: str
    says: str
    examined: str
    """SQL: how many of what were looked at, as (count, what)."""
    offending: str
    """SQL: the rows that break it."""
    next_step: str = REBUILD
    is_below_marts: bool = False
    """Needs the DuckDB file; the published marts do not tell."""


def _same_by_day(mart: str, parts: str) -> str:
    """Days on which a mart has other sums than its parts."""
    return f"""
        with parts as ({parts}),
        expected as (
            select
                usage_date, agent, sum(requests) as requests, sum(tokens) as tokens,
                coalesce(sum(cost_usd), 0) as cost_usd
            from parts group by all
        ),
        found as (
            select
                usage_date, agent, coalesce(sum(requests), 0) as requests,
                sum({_PARTS}) as tokens, coalesce(sum(cost_usd), 0) as cost_usd
            from {mart} group by all
        )
        select
            coalesce(found.usage_date, expected.usage_date) as usage_date,
            coalesce(found.agent, expected.agent) as agent,
            expected.requests as requests, found.requests as in_mart,
            expected.tokens as tokens, found.tokens as tokens_in_mart,
            expected.cost_usd as cost_usd, found.cost_usd as cost_in_mart
        from found full join expected
            on found.usage_date = expected.usage_date and found.agent = expected.agent
        where
            coalesce(found.requests, 0) <> coalesce(expected.requests, 0)
            or coalesce(found.tokens, 0) <> coalesce(expected.tokens, 0)
            or coalesce(found.cost_usd, 0) <> coalesce(expected.cost_usd, 0)
        order by all"""


_REQUESTS = "select count(*), 'requests' from fct_agent_requests"
_SESSIONS = "select count(*), 'sessions' from fct_agent_sessions"
_DAYS = "select count(distinct (usage_date, agent)), 'days and agents' from fct_agent_costs"

# The id that the agent itself gave: the key without the agent and the session before it.
_OWN_IDS = """
    select
        *,
        case
            when starts_with(request_key, session_key || ':')
                then substr(request_key, length(session_key) + 2)
            else substr(request_key, length(agent) + 2)
        end as own_id
    from fct_agent_requests
"""

CHECKS = (
    Check(
        "no_negative_amounts",
        "No request and no remainder has negative tokens, time or cost.",
        _REQUESTS,
        f"""select request_key, {", ".join(_TOKENS)}, duration_ms, cost_usd
            from fct_agent_requests
            where least({", ".join(_TOKENS)}, reasoning_tokens, duration_ms) < 0
                or least(cost_usd, computed_cost_usd, paid_usd) < 0
            union all by name
            select remainder_key as request_key, {", ".join(_TOKENS)}, cost_usd
            from fct_metric_remainders where least({", ".join(_TOKENS)}) < 0 or cost_usd < 0""",
    ),
    Check(
        "no_negative_delta",
        "No counter of an agent's metrics ever goes back.",
        "select count(*), 'increments' from int_metric_increments",
        """select agent, metric_name, session_id, type, measured_at, increment
           from int_metric_increments where increment < 0 order by measured_at""",
        is_below_marts=True,
    ),
    Check(
        "parts_are_the_total",
        "The classes of tokens add up to the total, and reasoning is a part of output.",
        _REQUESTS,
        f"""select request_key, {", ".join(_TOKENS)}, reasoning_tokens, total_tokens
            from fct_agent_requests
            where coalesce(total_tokens, 0) <> {_PARTS}
                or coalesce(reasoning_tokens, 0) > coalesce(output_tokens, 0)""",
    ),
    Check(
        "no_request_twice",
        "No request is counted twice, by the agents' own ids and across sessions.",
        _REQUESTS,
        # Local model servers give Codex and Copilot CLI one id for several answers.
        f"""with named as ({_OWN_IDS})
            select
                one.agent, one.own_id, one.request_key as one_key, other.request_key as other_key,
                one.requested_at, 'the same id' as reason
            from named as one
            inner join named as other
                on one.agent = other.agent and one.own_id = other.own_id
            where (one.request_key < other.request_key)
                and (
                    one.agent not in ('codex', 'copilot_cli')
                    or (
                        one.total_tokens = other.total_tokens
                        and one.output_tokens = other.output_tokens
                        and abs(epoch(one.requested_at) - epoch(other.requested_at)) <= 30
                    )
                )
            union all
            select agent, own_id, request_key, request_key, min(requested_at), 'the same key'
            from named group by agent, own_id, request_key having count(*) > 1
            union all
            select
                seen.agent, seen.own_id, seen.request_key, filed.request_key, seen.requested_at,
                'telemetry and file tell of the same'
            from named as seen
            inner join named as filed
                on seen.session_key = filed.session_key
                and seen.input_tokens = filed.input_tokens
                and seen.output_tokens = filed.output_tokens
                and coalesce(seen.cache_read_tokens, 0) = coalesce(filed.cache_read_tokens, 0)
                and seen.model is not distinct from filed.model
            where seen.seen_in in ('event', 'span') and filed.seen_in = 'session_file'
                and abs(epoch(seen.requested_at) - epoch(filed.requested_at)) <= 30
            order by all""",
    ),
    Check(
        "no_record_twice",
        "No record that was received is stored twice.",
        """select
               (select count(*) from raw_otel_logs) + (select count(*) from raw_otel_metrics)
               + (select count(*) from raw_otel_spans)
               + (select count(*) from raw_agent_session_records)
               + (select count(distinct record_key) from raw_fact_archive),
               'records'""",
        " union all ".join(
            f"select '{table}' as raw_table, record_key, count(*) as copies, "
            f"min(batch_id) as first_batch, max(batch_id) as last_batch "
            f"from {table} group by record_key having count(*) > 1 "
            f"union all select '{table} and raw_fact_archive', record_key, count(*) + 1, "
            f"min(batch_id), max(batch_id) from {table} "
            f"where record_key in (select record_key from raw_fact_archive) group by record_key"
            for table in (
                "raw_otel_logs",
                "raw_otel_metrics",
                "raw_otel_spans",
                "raw_agent_session_records",
            )
        ),
        DELIVERED_TWICE,
        is_below_marts=True,
    ),
    Check(
        "every_request_has_its_raw_rows",
        "Every request leads back to the records that were received of it.",
        _REQUESTS,
        """select request_key, seen_in, requested_at from fct_agent_requests
           where request_key not in (select evidence.request_key from int_request_evidence
           as evidence) order by requested_at""",
        is_below_marts=True,
    ),
    Check(
        "every_model_has_a_price",
        "No spend is unknown: every model has a price, or its agent reported the cost.",
        "select count(distinct model_reported), 'models' from fct_agent_requests",
        f"""select
                agent, model, model_reported, service_tier, count(*) as requests,
                sum(total_tokens) as tokens, min(requested_date) as since
            from fct_agent_requests where cost_source = 'unpriced' and not is_error group by all
            union all by name
            select agent, model, sum({_PARTS}) as tokens, min(booked_date) as since
            from fct_metric_remainders where cost_usd is null group by all
            union all by name
            select agent, model, sum(requests) as requests, sum({_PARTS}) as tokens,
                min(usage_date) as since
            from fct_vendor_spend where cost_usd is null group by all
            order by all""",
        "`agent-analytics prices check` prints the lines that give a price",
    ),
    Check(
        "costs_have_their_source",
        "A cost is there exactly where its source says so; what failed costs nothing.",
        _REQUESTS,
        """select request_key, cost_source, cost_usd, computed_cost_usd, price_version, is_error
           from fct_agent_requests
           where (cost_usd is null) <> (cost_source = 'unpriced')
               or (cost_source = 'computed' and cost_usd is distinct from computed_cost_usd)
               or (computed_cost_usd is not null and price_version is null)
               or (is_error and cost_usd is not null)""",
    ),
    Check(
        "costs_are_tokens_times_price",
        "Every computed cost is the request's tokens times the price that it names.",
        "select count(*), 'computed costs' from fct_agent_requests "
        "where computed_cost_usd is not null",
        """select
               requests.request_key, requests.price_version, requests.computed_cost_usd,
               prices.replayed_cost_usd
           from fct_agent_requests as requests
           left join int_request_price_rows as prices
               on requests.request_key = prices.request_key
           where requests.computed_cost_usd is not null
               and requests.computed_cost_usd is distinct from prices.replayed_cost_usd""",
        is_below_marts=True,
    ),
    Check(
        # Telemetry and file of one request are written moments apart, and where telemetry names no
        # session only the file tells when that was.
        "requests_are_inside_their_sessions",
        "Requests and tool calls happen within their session's time, to the minute.",
        _SESSIONS,
        """with happened as (
               select session_key, request_key as happened_key, requested_at as happened_at
               from fct_agent_requests
               union all
               select session_key, tool_call_key, called_at from fct_tool_calls
           )
           select
               happened.session_key, happened.happened_key, happened.happened_at,
               sessions.started_at, sessions.ended_at
           from happened
           left join fct_agent_sessions as sessions on happened.session_key = sessions.session_key
           where happened.session_key is not null
               and not coalesce(
                   happened.happened_at between sessions.started_at - to_seconds(60)
                   and sessions.ended_at + to_seconds(60), false
               )""",
    ),
    Check(
        "sessions_are_their_requests",
        "A session's requests, tokens and cost are those of its requests and remainders.",
        _SESSIONS,
        """with parts as (
               select session_key, 1 as requests, total_tokens, cost_usd from fct_agent_requests
               where session_key is not null
               union all
               select session_key, 0, total_tokens, cost_usd from fct_metric_remainders
           ),
           summed as (
               select session_key, sum(requests) as requests, sum(total_tokens) as tokens,
                   sum(cost_usd) as cost_usd
               from parts group by session_key
           )
           select
               coalesce(sessions.session_key, summed.session_key) as session_key,
               summed.requests, sessions.requests as in_mart, summed.tokens,
               sessions.total_tokens as tokens_in_mart, summed.cost_usd,
               sessions.cost_usd as cost_in_mart
           from fct_agent_sessions as sessions
           full join summed on sessions.session_key = summed.session_key
           where coalesce(sessions.requests, 0) <> coalesce(summed.requests, 0)
               or coalesce(sessions.total_tokens, 0) <> coalesce(summed.tokens, 0)
               or coalesce(sessions.cost_usd, 0) <> coalesce(summed.cost_usd, 0)""",
    ),
    Check(
        "days_are_their_requests",
        "A day's requests, tokens and cost are those of its requests and of what vendors told.",
        _DAYS,
        _same_by_day("fct_daily_agent_usage", _SPEND),
    ),
    Check(
        "costs_are_the_whole_spend",
        "What is spent is requests, remainders of metrics and what vendors alone told.",
        _DAYS,
        _same_by_day("fct_agent_costs", _SPEND_AND_REMAINDERS),
    ),
    Check(
        "quarter_hours_are_the_whole_spend",
        "Quarters of an hour add up to the same.",
        "select count(*), 'quarters of an hour' from fct_usage_15min",
        f"""with found as (
                select agent, sum(requests) as requests, sum({_PARTS}) as tokens,
                    coalesce(sum(cost_usd), 0) as cost_usd
                from fct_usage_15min group by agent
            ),
            expected as (
                select agent, sum(requests) as requests, sum({_PARTS}) as tokens,
                    coalesce(sum(cost_usd), 0) as cost_usd
                from fct_agent_costs group by agent
            )
            select agent, expected.tokens, found.tokens as tokens_in_mart, expected.cost_usd,
                found.cost_usd as cost_in_mart
            from found full join expected using (agent)
            where found.requests is distinct from expected.requests
                or found.tokens is distinct from expected.tokens
                or found.cost_usd is distinct from expected.cost_usd""",
    ),
    Check(
        "commit_shares_are_session_costs",
        "The shares of a session's commits add up to its cost, and a commit's cost to its shares.",
        "select count(*), 'commits' from fct_git_commits",
        """select
               links.session_key as key, sum(links.cost_share_usd) as shares_usd,
               any_value(sessions.cost_usd) as cost_usd
           from fct_commit_sessions as links
           left join fct_agent_sessions as sessions on links.session_key = sessions.session_key
           group by links.session_key
           having coalesce(sum(links.cost_share_usd), 0)
               <> coalesce(any_value(sessions.cost_usd), 0)
           union all
           select
               commits.commit_key, sum(links.cost_share_usd), any_value(commits.cost_usd)
           from fct_git_commits as commits
           left join fct_commit_sessions as links on commits.commit_key = links.commit_key
           group by commits.commit_key
           having coalesce(sum(links.cost_share_usd), 0)
               <> coalesce(any_value(commits.cost_usd), 0)""",
    ),
)
