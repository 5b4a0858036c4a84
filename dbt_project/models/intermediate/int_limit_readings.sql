with

readings as (

    select * from {{ ref('stg_rate_limits') }}
    where used_percentage is not null

),

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

-- Whose requests stand beside a reading is whom its session counts for.
named as (

    select
        readings.agent,
        readings.account,
        readings.limit_id,
        readings.limit_window,
        readings.plan_type,
        readings.used_percentage,
        readings.window_minutes,
        readings.observed_at,
        readings.resets_at,
        coalesce(
            sessions.developer_id, identities.developer_id, readings.developer_id
        ) as developer_id
    from readings
    left join sessions
        on readings.agent = sessions.agent and readings.session_id = sessions.session_id
    left join identities on lower(readings.developer_id) = identities.identity

),

keyed as (

    select
        {{ hashed(['agent', 'account', 'developer_id', 'limit_id', 'limit_window']) }} as limit_key,
        *
    from named

)

select * from keyed
