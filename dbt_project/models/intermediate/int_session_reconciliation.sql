-- The gap between two sources of a session, and its likely reason: the first that fits.
{% set measures = [
    'requests', 'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens',
    'cache_write_1h_tokens', 'output_tokens', 'reasoning_tokens', 'cost_usd',
] %}

with

pairs as (

    select * from {{ ref('int_session_source_pairs') }}

),

one_sided as (

    select * from {{ ref('int_session_one_sided_requests') }}

),

metered as (

    select * from {{ ref('int_session_metered_requests') }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

unpriced as (

    select distinct session_key
    from {{ ref('int_agent_requests') }}
    where computed_cost_usd is null and not is_error

),

remainders as (

    select distinct session_key from {{ ref('int_metric_remainders') }}

),

-- What one side alone tells, the other has none of; a cost that is unknown makes the gap unknown.
measured as (

    select
        *,
        left_total_tokens - right_total_tokens as gap_tokens,
        {{ usd(
            'case when has_left then left_cost_usd else 0 end'
            ~ ' - case when has_right then right_cost_usd else 0 end'
        ) }} as gap_cost_usd,
        has_left
        and has_right
        and differing_tokens = 0
        and coalesce(left_requests = right_requests, true) as has_equal_tokens
    from pairs

),

-- A cost of micro-dollars is rounded for each request.
described as (

    select
        measured.*,
        coalesce(
            abs(measured.gap_cost_usd) <= 0.000001 * (1 + coalesce(measured.left_requests, 0)), true
        ) as has_equal_cost,
        measured.right_source = 'telemetry_metrics' as is_of_metrics,
        unpriced.session_key is not null as is_unpriced,
        remainders.session_key is not null as is_booked,
        {{ add_seconds('sessions.last_seen_at', '600') }} > {{ now_utc() }} as is_fresh,
        sessions.ended_at
    from measured
    inner join sessions on measured.session_key = sessions.session_key
    left join unpriced on measured.session_key = unpriced.session_key
    left join remainders on measured.session_key = remainders.session_key

),

explained as (

    select
        described.*,
        case
            when
                described.has_equal_tokens
                and described.gap_cost_usd is null
                and described.is_unpriced
                then 'models without price'
            when described.has_equal_tokens and described.has_equal_cost then 'equal'
            when described.has_equal_tokens then 'agent reports another price'
            when described.is_of_metrics and not described.has_left then 'events not received'
            when
                described.is_of_metrics
                and described.has_right
                and metered.metered_tokens = described.right_total_tokens
                and metered.later_requests > 0
                then 'metrics delayed'
            when
                described.is_of_metrics
                and described.has_right
                and metered.metered_tokens = described.right_total_tokens
                and metered.earlier_requests > 0
                then 'telemetry began later'
            when described.is_booked and described.is_of_metrics
                then 'events lost that metrics tell of'
            when described.is_of_metrics and described.is_fresh then 'metrics delayed'
            when described.is_of_metrics and not described.has_right
                then 'no metrics name the session'
            when described.is_of_metrics then 'unexplained'
            when
                not described.has_left
                and described.ended_at < one_sided.telemetry_began_at
                then 'telemetry began later'
            when not described.has_left then 'no telemetry received'
            when not described.has_right then 'file deleted or not imported'
            when
                one_sided.file_only + one_sided.telemetry_only = 0
                and one_sided.for_itself > 0
                and one_sided.for_itself_tokens = described.gap_tokens
                then 'router or title requests are never in files'
            when one_sided.file_only + one_sided.telemetry_only = 0
                then 'sources differ on the same requests'
            when
                one_sided.telemetry_only = 0
                and one_sided.last_file_only_at < one_sided.first_telemetry_at
                then 'telemetry began later'
            when
                one_sided.telemetry_only = 0
                and one_sided.first_file_only_at > one_sided.last_telemetry_at
                then 'telemetry ended earlier'
            when
                one_sided.file_only = 0
                and one_sided.first_telemetry_only_at > one_sided.last_file_at
                then 'file ended earlier or is not imported to its end'
            else 'unexplained'
        end as explanation
    from described
    left join one_sided on described.session_key = one_sided.session_key
    left join metered on described.session_key = metered.session_key

),

keyed as (

    select
        session_key || '|' || left_source || '|' || right_source as reconciliation_key,
        agent,
        session_key,
        session_id,
        developer_id,
        left_source,
        right_source,
        explanation,
        {% for side in ['left', 'right'] %}
        {% for measure in measures %}
        {{ side }}_{{ measure }},
        {% endfor %}
        {% endfor %}
        cast(gap_tokens as bigint) as gap_tokens,
        gap_cost_usd,
        usage_date
    from explained

)

select * from keyed
