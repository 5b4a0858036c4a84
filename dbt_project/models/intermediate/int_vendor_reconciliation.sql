-- The columns of fct_reconciliation. Left is all that our records hold of a developer and UTC day,
-- named by the best of its sources; right what the vendor reports; a gap is left minus right.
-- Cursor is not in it: it sends no telemetry, so nothing stands against what its vendor reports.
{% set tokens = [
    'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
    'output_tokens', 'reasoning_tokens',
] %}

with

vendor_usage as (

    select
        *,
        coalesce(lower(developer_id), '') as developer
    from {{ ref('int_vendor_usage') }}
    where agent <> 'cursor'

),

-- Days of which the vendor told at all, and when it last did.
vendor_days as (

    select
        agent,
        reported_on,
        max(fetched_at) as fetched_at
    from vendor_usage
    group by agent, reported_on

),

actors as (

    select distinct
        agent,
        developer
    from vendor_usage

),

requests as (

    select
        *,
        coalesce(lower(developer_id), '') as developer,
        {{ utc_date('requested_at') }} as requested_on
    from {{ ref('int_agent_requests') }}
    where agent in (select told.agent from vendor_days as told)

),

first_requests as (

    select
        agent,
        developer,
        min(requested_on) as first_requested_on
    from requests
    group by agent, developer

),

held as (

    select
        agent,
        developer,
        developer_id,
        requested_on as usage_date,
        case
            when seen_in like 'event%' then 1
            when seen_in like 'span%' then 2
            else 3
        end as source_rank,
        case when is_error then 0 else 1 end as requests,
        billing_mode = 'subscription' as is_subscription,
        cost_usd is null and not is_error as is_unpriced,
        {{ tokens | join(',\n        ') }},
        cost_usd
    from requests
    union all
    select
        sessions.agent,
        coalesce(lower(sessions.developer_id), '') as developer,
        sessions.developer_id,
        {{ utc_date('remainders.booked_at') }} as usage_date,
        4 as source_rank,
        0 as requests,
        false as is_subscription,
        remainders.cost_usd is null as is_unpriced,
        remainders.input_tokens,
        remainders.cache_read_tokens,
        remainders.cache_write_tokens as cache_write_5m_tokens,
        0 as cache_write_1h_tokens,
        remainders.output_tokens,
        null as reasoning_tokens,
        remainders.cost_usd
    from {{ ref('int_metric_remainders') }} as remainders
    inner join {{ ref('int_sessions_with_costs') }} as sessions
        on remainders.session_key = sessions.session_key
    where sessions.agent in (select told.agent from vendor_days as told)

),

left_side as (

    select
        agent,
        developer,
        usage_date,
        min(developer_id) as developer_id,
        min(source_rank) as source_rank,
        {{ sum_bigint('requests') }} as requests,
        {% for class in tokens %}
        {{ sum_bigint(class) }} as {{ class }},
        {% endfor %}
        case
            when max(case when is_unpriced then 1 else 0 end) = 0 then {{ usd('sum(cost_usd)') }}
        end as cost_usd,
        max(case when is_subscription then 1 else 0 end) = 1 as has_subscription
    from held
    group by agent, developer, usage_date

),

right_side as (

    select
        agent,
        developer,
        reported_on as usage_date,
        min(developer_id) as developer_id,
        min(standing) as standing,
        count(*) as models,
        {{ sum_bigint('requests') }} as requests,
        {% for class in tokens %}
        {{ sum_bigint(class) }} as {{ class }},
        {% endfor %}
        case when count(cost_usd) = count(*) then {{ usd('sum(cost_usd)') }} end as cost_usd
    from vendor_usage
    where standing <> 'activity'
    group by agent, developer, reported_on

),

pairs as (

    select
        agent,
        developer,
        usage_date
    from right_side
    union
    select
        left_side.agent,
        left_side.developer,
        left_side.usage_date
    from left_side
    inner join vendor_days
        on
            left_side.agent = vendor_days.agent
            and left_side.usage_date = vendor_days.reported_on

),

compared as (

    select
        pairs.agent,
        pairs.developer,
        pairs.usage_date,
        coalesce(right_side.developer_id, left_side.developer_id) as developer_id,
        case coalesce(left_side.source_rank, 1)
            when 1 then 'telemetry_events'
            when 2 then 'telemetry_spans'
            when 3 then 'session_file'
            else 'telemetry_metrics'
        end as left_source,
        left_side.requests as left_requests,
        right_side.requests as right_requests,
        {% for side in ['left', 'right'] %}
        {% for class in tokens %}
        {{ side }}_side.{{ class }} as {{ side }}_{{ class }},
        {% endfor %}
        {% endfor %}
        left_side.cost_usd as left_cost_usd,
        right_side.cost_usd as right_cost_usd,
        cast(
            {% for class in tokens if class != 'reasoning_tokens' %}
            {{ '+ ' if not loop.first }}coalesce(left_side.{{ class }}, 0)
            - coalesce(right_side.{{ class }}, 0)
            {% endfor %}
            as bigint
        ) as gap_tokens,
        {{ usd(
            'case when left_side.agent is not null then left_side.cost_usd else 0 end'
            ~ ' - case when right_side.agent is not null then right_side.cost_usd else 0 end'
        ) }} as gap_cost_usd,
        left_side.agent is not null as is_held,
        right_side.agent is not null as is_reported,
        right_side.standing,
        coalesce(right_side.models, 0) as models,
        coalesce(left_side.has_subscription, false) as has_subscription,
        actors.developer is not null as is_actor,
        coalesce(first_requests.first_requested_on = pairs.usage_date, false) as is_first_day,
        -- Figures lag about an hour behind.
        {{ utc_date(add_seconds('vendor_days.fetched_at', '-7200')) }} <= pairs.usage_date
            as is_fresh
    from pairs
    left join left_side
        on
            pairs.agent = left_side.agent
            and pairs.developer = left_side.developer
            and pairs.usage_date = left_side.usage_date
    left join right_side
        on
            pairs.agent = right_side.agent
            and pairs.developer = right_side.developer
            and pairs.usage_date = right_side.usage_date
    left join vendor_days
        on pairs.agent = vendor_days.agent and pairs.usage_date = vendor_days.reported_on
    left join actors on pairs.agent = actors.agent and pairs.developer = actors.developer
    left join first_requests
        on pairs.agent = first_requests.agent and pairs.developer = first_requests.developer

),

-- Vendors state cents, so a cent a model is no gap.
explained as (

    select
        {{ hashed(['agent', "'vendor'", 'developer', 'usage_date']) }} as reconciliation_key,
        agent,
        cast(null as varchar) as session_key,
        cast(null as varchar) as session_id,
        developer_id,
        usage_date,
        left_source,
        'vendor' as right_source,
        left_requests,
        right_requests,
        {% for side in ['left', 'right'] %}
        {% for class in tokens %}
        {{ side }}_{{ class }},
        {% endfor %}
        {% endfor %}
        left_cost_usd,
        right_cost_usd,
        gap_tokens,
        gap_cost_usd,
        case
            when not is_held and standing = 'counted' then 'only the vendor tells: counted'
            when not is_held and standing = 'may_be_held'
                then 'only the vendor tells: not counted, a developer of that day is no known actor'
            when not is_held then 'counted on the next or previous day'
            when gap_tokens > 0 and is_fresh then 'vendor reports later'
            when not is_reported and has_subscription then 'subscriptions are not reported'
            when not is_reported and not is_actor then 'developer is no known actor'
            when not is_reported then 'not reported by the vendor'
            when gap_tokens = 0 and gap_cost_usd is null then 'models without price'
            when gap_tokens = 0 and gap_cost_usd between -0.01 * models and 0.01 * models
                then 'equal'
            when gap_tokens = 0 then 'other prices'
            when gap_tokens < 0 and is_first_day then 'telemetry began later'
            when gap_tokens < 0 then 'requests without telemetry'
            when has_subscription then 'subscriptions are not reported'
            else 'unexplained'
        end as explanation
    from compared

)

select * from explained
