with

aggregates as (

    select * from {{ ref('int_agent_daily_aggregates') }}

),

final as (

    select
        usage_date,
        developer_id,
        agent,
        model,
        project_id,
        sessions,
        requests,
        prompts,
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        tool_calls,
        edits_accepted,
        edits_rejected,
        lines_added,
        lines_removed,
        active_seconds,
        cost_usd,
        unpriced_requests
    from aggregates

)

select * from final
