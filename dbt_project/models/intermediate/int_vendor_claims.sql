-- Of each day that a vendor reports: whose usage our own records hold already. Only agents that a
-- vendor reports of, so that nothing is read without one.
with

vendor_usage as (

    select * from {{ ref('stg_vendor_usage') }}

),

requests as (

    select
        agent,
        developer_id,
        {{ utc_date('requested_at') }} as requested_on,
        min(requested_at) as first_at,
        max(requested_at) as last_at
    from {{ ref('int_agent_requests') }}
    where agent in (select reported.agent from vendor_usage as reported)
    group by agent, developer_id, requested_on

),

-- What only metrics saw is booked on a session's last day and was used on any of its days.
sessions as (

    select
        sessions.agent,
        sessions.developer_id,
        sessions.started_at as first_at,
        sessions.ended_at as last_at
    from {{ ref('int_sessions_with_costs') }} as sessions
    where
        sessions.session_key in (
            select remainders.session_key from {{ ref('int_metric_remainders') }} as remainders
        )

),

held as (

    select
        agent,
        developer_id,
        first_at,
        last_at
    from requests
    union all
    select
        agent,
        developer_id,
        first_at,
        last_at
    from sessions

),

-- A request is ours when it is over and the vendor's perhaps when it began: around midnight both
-- days are held.
claims as (

    select distinct
        vendor_usage.agent,
        held.developer_id,
        vendor_usage.reported_on
    from vendor_usage
    inner join held
        on
            vendor_usage.agent = held.agent
            and {{ utc_date(add_seconds('held.first_at', '-600')) }} <= vendor_usage.reported_on
            and {{ utc_date(add_seconds('held.last_at', '600')) }} >= vendor_usage.reported_on

)

select * from claims
