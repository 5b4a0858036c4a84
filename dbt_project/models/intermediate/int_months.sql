-- Every month from the first with spend or a subscription to the running one.
with

settings as (

    select * from {{ ref('stg_settings') }}

),

clock as (

    select {{ usage_date(now_utc()) }} as today
    from settings

),

spend as (

    select min(usage_date) as first_day
    from {{ ref('int_spend_days') }}

),

subscriptions as (

    select min(since) as first_day
    from {{ ref('stg_subscriptions') }}

),

bounds as (

    select
        clock.today,
        {{ month_of('clock.today') }} as running_month,
        {{ month_of('spend.first_day') }} as first_spend_month,
        {{ month_of(
            "least(coalesce(spend.first_day, clock.today), "
            ~ "coalesce(subscriptions.first_day, clock.today), clock.today)"
        ) }} as first_month
    from clock
    cross join spend
    cross join subscriptions

),

counted as (

    select
        {{ add_months('bounds.running_month', '-numbers.number') }} as month,
        bounds.today,
        bounds.running_month,
        bounds.first_spend_month,
        bounds.first_month
    from bounds
    cross join {{ thousand_numbers() }} as numbers

),

months as (

    select
        month,
        {{ month_end('month') }} as last_day,
        case when month = running_month then today else {{ month_end('month') }} end as as_of_date,
        cast({{ days_between('month', month_end('month')) }} + 1 as bigint) as days_in_month,
        month = running_month as is_running,
        coalesce(month >= first_spend_month, false) as is_recorded
    from counted
    where month >= first_month

)

select * from months
