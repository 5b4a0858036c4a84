with

readings as (

    select * from {{ source('raw', 'raw_rate_limits') }}

),

typed as (

    select
        record_key,
        agent,
        nullif(session_id, '') as session_id,
        nullif(developer_id, '') as developer_id,
        nullif(account, '') as account,
        nullif(limit_id, '') as limit_id,
        coalesce(nullif("window", ''), 'unnamed') as limit_window,
        nullif(plan_type, '') as plan_type,
        source,
        {{ plausible('used_percentage', 100000) }} as used_percentage,
        case
            when window_minutes > 0 then window_minutes
            when "window" = 'five_hour' then 300
            when "window" like 'seven_day%' then 10080
        end as window_minutes,
        observed_at,
        coalesce(
            resets_at,
            {{ add_seconds('observed_at', plausible('resets_in_seconds', 100000000)) }}
        ) as resets_at
    from readings

),

bounded as (

    select
        *,
        {{ add_seconds('observed_at', '60 * coalesce(window_minutes, 44640) + 600') }}
            as latest_reset_at
    from typed

),

-- A reset beyond the window's own length would stay the newest for ever.
sound as (

    select
        record_key,
        agent,
        session_id,
        developer_id,
        account,
        limit_id,
        limit_window,
        plan_type,
        source,
        used_percentage,
        window_minutes,
        observed_at,
        case when resets_at <= latest_reset_at then resets_at end as resets_at
    from bounded

)

select * from sound
