with

spend as (

    select * from {{ ref('int_vendor_spend') }}

),

final as (

    select
        vendor_usage_key,
        agent,
        developer_id,
        project_id,
        session_id,
        model,
        cost_source,
        requests,
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        total_tokens,
        cost_usd,
        computed_cost_usd,
        paid_usd,
        booked_at,
        usage_date,
        reported_on
    from spend

)

select * from final
