{% set grain = ['usage_date', 'developer_id', 'agent', 'model', 'project_id', 'cost_source'] %}
{% set tokens = [
    'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
    'output_tokens', 'reasoning_tokens',
] %}
{% set amounts = ['cost_usd', 'computed_cost_usd', 'paid_usd', 'cache_savings_usd'] %}

with

requests as (

    select
        requested_date as usage_date,
        {{ (grain[1:] + tokens + amounts) | join(',\n        ') }},
        1 as requests
    from {{ ref('fct_agent_requests') }}

),

-- What only metrics saw is spend, but no request.
remainders as (

    select
        booked_date as usage_date,
        developer_id,
        agent,
        model,
        project_id,
        'metric_remainder' as cost_source,
        {{ tokens | join(',\n        ') }},
        cost_usd,
        null as computed_cost_usd,
        null as paid_usd,
        null as cache_savings_usd,
        null as requests
    from {{ ref('fct_metric_remainders') }}

),

-- What vendors alone report.
vendor_spend as (

    select
        usage_date,
        {{ (grain[1:] + tokens + amounts[:3]) | join(',\n        ') }},
        null as cache_savings_usd,
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
        {{ grain | join(',\n        ') }},
        {{ sum_bigint('requests') }} as requests,
        {% for class in tokens %}
        {{ sum_bigint(class) }} as {{ class }},
        {% endfor %}
        {{ usd('sum(cost_usd)') }} as cost_usd,
        {{ usd('sum(computed_cost_usd)') }} as computed_cost_usd,
        {{ usd('sum(paid_usd)') }} as paid_usd,
        {{ usd('sum(cache_savings_usd)') }} as cache_savings_usd
    from unioned
    group by {{ grain | join(', ') }}

)

select * from final
