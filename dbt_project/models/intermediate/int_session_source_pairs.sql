-- Two sources of one session side by side: telemetry and session file, and metrics with either. A
-- side that tells nothing of the session is NULL.
{% set measures = [
    'requests', 'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens',
    'cache_write_1h_tokens', 'output_tokens', 'reasoning_tokens', 'cost_usd',
] %}

with

sources as (

    select
        *,
        case
            when source in ('telemetry_events', 'telemetry_spans') then 'telemetry'
            when source = 'telemetry_metrics' then 'metrics'
            else 'file'
        end as side
    from {{ ref('int_session_sources') }}

),

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

told as (

    select
        session_key,
        max(case when side = 'telemetry' then 1 else 0 end) = 1 as has_telemetry,
        max(case when side = 'file' then 1 else 0 end) = 1 as has_file,
        max(case when side = 'metrics' then 1 else 0 end) = 1 as has_metrics
    from sources
    group by session_key

),

-- Metrics are compared with events, where there are none with the file. Codex's and Copilot CLI's
-- name no session, so there is nothing to compare them with.
pairs as (

    select
        session_key,
        'telemetry' as left_side,
        'file' as right_side
    from told
    where has_telemetry or has_file
    union all
    select
        session_key,
        case when has_telemetry or not has_file then 'telemetry' else 'file' end as left_side,
        'metrics' as right_side
    from told
    where
        has_metrics
        or (
            has_telemetry
            and (session_key like 'claude_code:%' or session_key like 'gemini_cli:%')
        )

),

joined as (

    select
        pairs.session_key,
        sessions.agent,
        sessions.session_id,
        sessions.developer_id,
        coalesce(
            of_left.source,
            case
                when sessions.agent = 'copilot_cli' then 'telemetry_spans'
                else 'telemetry_events'
            end
        ) as left_source,
        coalesce(
            of_right.source,
            case pairs.right_side when 'metrics' then 'telemetry_metrics' else 'session_file' end
        ) as right_source,
        {% for measure in measures %}
        of_left.{{ measure }} as left_{{ measure }},
        of_right.{{ measure }} as right_{{ measure }},
        {% endfor %}
        {% for side in ['left', 'right'] %}
        coalesce(of_{{ side }}.input_tokens, 0)
        + coalesce(of_{{ side }}.cache_read_tokens, 0)
        + coalesce(of_{{ side }}.cache_write_5m_tokens, 0)
        + coalesce(of_{{ side }}.cache_write_1h_tokens, 0)
        + coalesce(of_{{ side }}.output_tokens, 0) as {{ side }}_total_tokens,
        {% endfor %}
        -- Metrics do not split cache writes by lifetime.
        abs(coalesce(of_left.input_tokens, 0) - coalesce(of_right.input_tokens, 0))
        + abs(coalesce(of_left.cache_read_tokens, 0) - coalesce(of_right.cache_read_tokens, 0))
        + abs(
            coalesce(of_left.cache_write_5m_tokens, 0)
            + coalesce(of_left.cache_write_1h_tokens, 0)
            - coalesce(of_right.cache_write_5m_tokens, 0)
            - coalesce(of_right.cache_write_1h_tokens, 0)
        )
        + abs(coalesce(of_left.output_tokens, 0) - coalesce(of_right.output_tokens, 0))
            as differing_tokens,
        of_left.source is not null as has_left,
        of_right.source is not null as has_right,
        sessions.started_date as usage_date
    from pairs
    inner join sessions on pairs.session_key = sessions.session_key
    left join sources as of_left
        on pairs.session_key = of_left.session_key and pairs.left_side = of_left.side
    left join sources as of_right
        on pairs.session_key = of_right.session_key and pairs.right_side = of_right.side

)

select * from joined
