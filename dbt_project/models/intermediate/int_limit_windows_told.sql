with

readings as (

    select * from {{ ref('int_limit_readings') }}

),

placed as (

    select
        *,
        max(coalesce(resets_at, observed_at)) over (partition by limit_key) as newest_reset
    from readings

),

-- A copy of an old session, and an idle one that redraws its status line, tell old readings at new
-- times: the newest window counts first and within it the highest reading, since what is used only
-- grows. Resets of one window differ by seconds.
ranked as (

    select
        *,
        row_number() over (
            partition by limit_key order by used_percentage desc, observed_at desc
        ) as newest_first
    from placed
    where coalesce(resets_at, observed_at) >= {{ add_seconds('newest_reset', '-300') }}

),

newest as (

    select
        limit_key,
        agent,
        account,
        developer_id,
        limit_id,
        limit_window,
        plan_type,
        used_percentage,
        observed_at,
        resets_at,
        {{ add_seconds('resets_at', '-60 * window_minutes') }} as started_at
    from ranked
    where newest_first = 1

)

select * from newest
