with

remainders as (

    select * from {{ ref('int_metric_remainders') }}

),

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

settings as (

    select * from {{ ref('stg_settings') }}

),

final as (

    select
        remainders.remainder_key,
        remainders.session_key,
        sessions.session_id,
        sessions.agent,
        sessions.developer_id,
        sessions.project_id,
        remainders.model,
        remainders.input_tokens,
        remainders.cache_read_tokens,
        remainders.cache_write_tokens as cache_write_5m_tokens,
        cast(0 as bigint) as cache_write_1h_tokens,
        remainders.output_tokens,
        cast(null as bigint) as reasoning_tokens,
        remainders.input_tokens
        + remainders.cache_read_tokens
        + remainders.cache_write_tokens
        + remainders.output_tokens as total_tokens,
        remainders.cost_usd,
        remainders.booked_at,
        {{ usage_date('remainders.booked_at') }} as booked_date
    from remainders
    cross join settings
    inner join sessions on remainders.session_key = sessions.session_key

)

select * from final
