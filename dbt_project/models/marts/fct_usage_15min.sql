{% set tokens = [
    'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
    'output_tokens', 'reasoning_tokens',
] %}

with

requests as (

    select
        {{ quarter_hour('requested_at') }} as quarter_hour_at,
        developer_id,
        agent,
        model,
        project_id,
        {{ tokens | join(',\n        ') }},
        cost_usd,
        1 as requests
    from {{ ref('fct_agent_requests') }}

),

remainders as (

    select
        {{ quarter_hour('booked_at') }} as quarter_hour_at,
        developer_id,
        agent,
        model,
        project_id,
        {{ tokens | join(',\n        ') }},
        cost_usd,
        null as requests
    from {{ ref('fct_metric_remainders') }}

),

-- A day of a vendor stands in one quarter of an hour of it.
vendor_spend as (

    select
        {{ quarter_hour('booked_at') }} as quarter_hour_at,
        developer_id,
        agent,
        model,
        project_id,
        {{ tokens | join(',\n        ') }},
        cost_usd,
        requests
    from {{ ref('fct_vendor_spend') }}

),

unioned as (

    select * from requests
    union all
    select * from remainders
    union all
    select * from vendor_spend

),

final as (

    select
        quarter_hour_at,
        developer_id,
        agent,
        model,
        project_id,
        {{ sum_bigint('requests') }} as requests,
        {% for class in tokens %}
        {{ sum_bigint(class) }} as {{ class }},
        {% endfor %}
        {{ usd('sum(cost_usd)') }} as cost_usd
    from unioned
    group by quarter_hour_at, developer_id, agent, model, project_id

)

select * from final
