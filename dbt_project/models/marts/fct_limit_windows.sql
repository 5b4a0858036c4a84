with

windows as (

    select * from {{ ref('int_limit_windows') }}

),

final as (

    select
        limit_key,
        agent,
        account,
        developer_id,
        limit_id,
        limit_window as "window",
        plan_type,
        used_percentage,
        pace,
        cast(requests as bigint) as requests,
        cast(unpriced_requests as bigint) as unpriced_requests,
        {{ usd('cost_usd') }} as cost_usd,
        case
            when used_percentage > 0 then {{ usd('cost_usd / used_percentage') }}
        end as list_usd_per_percent,
        estimated,
        started_at,
        observed_at,
        resets_at,
        -- At an even pace; NULL where the window ends before.
        case
            when even_pace_ends_at < resets_at or used_percentage >= 100 then even_pace_ends_at
        end as runs_out_at
    from windows

)

select * from final
