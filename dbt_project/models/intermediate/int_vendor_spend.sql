with

vendor_usage as (

    select * from {{ ref('int_vendor_usage') }}
    where standing = 'counted'

),

settings as (

    select * from {{ ref('stg_settings') }}

),

dated as (

    select
        vendor_usage.vendor_usage_key,
        vendor_usage.agent,
        vendor_usage.developer_id,
        cast(null as varchar) as project_id,
        cast(null as varchar) as session_id,
        vendor_usage.model,
        vendor_usage.cost_source,
        vendor_usage.requests,
        vendor_usage.input_tokens,
        vendor_usage.cache_read_tokens,
        vendor_usage.cache_write_5m_tokens,
        vendor_usage.cache_write_1h_tokens,
        vendor_usage.output_tokens,
        vendor_usage.reasoning_tokens,
        vendor_usage.total_tokens,
        {{ usd('vendor_usage.cost_usd') }} as cost_usd,
        vendor_usage.computed_cost_usd,
        vendor_usage.paid_usd,
        vendor_usage.booked_at,
        {{ usage_date('vendor_usage.booked_at') }} as usage_date,
        vendor_usage.reported_on
    from vendor_usage
    cross join settings

)

select * from dated
