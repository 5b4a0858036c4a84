-- Claude Code's limit window begins with the first request after the one before ended; seen from
-- outside, its hour is when it began.
with recursive

requests as (

    select
        developer_id,
        {{ utc_hour('requested_at') }} as hour_at,
        requested_at
    from {{ ref('int_agent_requests') }}
    where agent = 'claude_code' and requested_at is not null and not coalesce(is_error, false)

),

latest as (

    select
        *,
        max(hour_at) over (partition by developer_id) as last_hour_at
    from requests

),

-- A month is more than enough to find a pause; each block of a walk is a step of its own.
hours as (

    select
        developer_id,
        hour_at,
        max(requested_at) as last_at,
        lag(hour_at) over (partition by developer_id order by hour_at) as hour_before,
        {{ first_later('hour_at', 'developer_id', 18000) }} as next_block_at
    from latest
    where hour_at >= {{ add_seconds('last_hour_at', '-2592000') }}
    group by developer_id, hour_at

),

-- After five hours without a request a block begins for certain: only what follows is walked.
certain_starts as (

    select
        developer_id,
        max(hour_at) as hour_at
    from hours
    where hour_before is null or {{ add_seconds('hour_before', '18000') }} <= hour_at
    group by developer_id

),

blocks as (

    select
        developer_id,
        hour_at as started_at
    from certain_starts
    union all
    select
        hours.developer_id,
        hours.next_block_at as started_at
    from blocks
    inner join hours
        on
            blocks.developer_id is not distinct from hours.developer_id
            and blocks.started_at = hours.hour_at
    where hours.next_block_at is not null

),

newest as (

    select
        developer_id,
        max(started_at) as started_at
    from blocks
    group by developer_id

),

final as (

    select
        {{ hashed(["'claude_code'", 'newest.developer_id', "'five_hour'", "'estimated'"]) }}
            as limit_key,
        newest.developer_id,
        max(hours.last_at) as observed_at,
        {{ add_seconds('newest.started_at', '18000') }} as resets_at,
        newest.started_at
    from newest
    inner join hours
        on
            newest.developer_id is not distinct from hours.developer_id
            and newest.started_at <= hours.hour_at
    group by newest.developer_id, newest.started_at

)

select * from final
