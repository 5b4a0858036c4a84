{% set fields = {
    'events': ['events', 'count'],
    'chargeable_events': ['chargeable_events', 'count'],
    'chargeable_cents': ['chargeable_cents', 'decimal(18, 9)'],
} %}

with

usage_rows as (

    select
        *,
        {{ json_fields('payload', fields) }} as parsed
    from {{ source('raw', 'raw_vendor_usage') }}
    -- A bill repeats what usage has told: stg_vendor_bills.
    where vendor <> 'anthropic'

),

-- Vendors correct a day for a while: the newest report of it counts.
ranked as (

    select
        vendor,
        actor,
        model,
        input_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        cost_usd,
        usage_date,
        created_at,
        {{ json_columns('parsed', fields) }}
        row_number() over (
            partition by vendor, usage_date, actor, model
            order by created_at desc, cast(payload as varchar) asc
        ) as newest_first
    from usage_rows

),

-- Each vendor is named as the agent whose usage it reports. Writes to a cache that it does not
-- split by lifetime count as five-minute ones. Who is no person is marked as agents' own ids are.
renamed as (

    select
        {{ hashed(['vendor', 'usage_date', 'actor', 'model']) }} as vendor_usage_key,
        vendor as agent,
        actor,
        {{ regex_replace('actor', '^(api_key|service_account|user):', '\\1.id:') }}
            as developer_id,
        nullif(model, '') as model_reported,
        events as requests,
        {% for class in ['input', 'cache_read', 'cache_write_1h', 'output', 'reasoning'] %}
        {{ plausible(class ~ '_tokens', 1000000000000) }} as {{ class }}_tokens,
        {% endfor %}
        {{ plausible('coalesce(cache_write_5m_tokens + cache_write_tokens, cache_write_5m_tokens, '
            ~ 'cache_write_tokens)', 1000000000000) }} as cache_write_5m_tokens,
        {{ plausible('cost_usd', 1000000) }} as stated_cost_usd,
        -- Cursor says of each event whether it was charged or was included in the plan.
        case
            when vendor <> 'cursor' then cast(null as decimal(18, 9))
            when chargeable_events is null then {{ plausible('cost_usd', 1000000) }}
            when chargeable_events = 0 then cast(0 as decimal(18, 9))
            else {{ usd('chargeable_cents * cast(0.01 as decimal(3, 2))') }}
        end as paid_usd,
        model is null and cost_usd is null and output_tokens is null as is_activity,
        usage_date as reported_on,
        {{ utc_midnight('usage_date') }} as day_began_at,
        created_at
    from ranked
    where newest_first = 1

)

select * from renamed
