-- What telemetry or the session file alone tells of a session's answered requests, and when: what
-- a gap between the two is made of.
with

requests as (

    select
        *,
        seen_in = 'session_file' as is_file_only,
        seen_in in ('event', 'span') as is_telemetry_only,
        -- What the agent asks for itself: Gemini CLI which model to ask (0.61.0), Claude Code for
        -- the session's title (2.1.330). No session file has it.
        coalesce(
            query_source like 'utility%' or query_source = 'generate_session_title', false
        ) as is_for_itself
    from {{ ref('int_agent_requests') }}
    where not is_error and session_key is not null

),

telemetry as (

    select
        agent,
        min(requested_at) as telemetry_began_at
    from requests
    where not is_file_only
    group by agent

),

sessions as (

    select
        session_key,
        agent,
        sum(case when is_file_only then 1 else 0 end) as file_only,
        sum(case when is_telemetry_only and not is_for_itself then 1 else 0 end)
            as telemetry_only,
        sum(case when is_telemetry_only and is_for_itself then 1 else 0 end) as for_itself,
        sum(case when is_telemetry_only and is_for_itself then coalesce(total_tokens, 0) else 0 end)
            as for_itself_tokens,
        min(case when is_file_only then requested_at end) as first_file_only_at,
        max(case when is_file_only then requested_at end) as last_file_only_at,
        min(case when is_telemetry_only and not is_for_itself then requested_at end)
            as first_telemetry_only_at,
        min(case when not is_file_only then requested_at end) as first_telemetry_at,
        max(case when not is_file_only then requested_at end) as last_telemetry_at,
        max(case when not is_telemetry_only then requested_at end) as last_file_at,
        max(requested_at) as last_at
    from requests
    group by session_key, agent

),

joined as (

    select
        sessions.*,
        telemetry.telemetry_began_at
    from sessions
    left join telemetry on sessions.agent = telemetry.agent

)

select * from joined
