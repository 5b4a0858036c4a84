-- A table: three models read it.
{{ config(materialized='table') }}

with

subscriptions as (

    select * from {{ ref('stg_subscriptions') }}

),

prices as (

    select * from {{ ref('int_plan_prices') }}

),

months as (

    select * from {{ ref('int_months') }}

),

of_months as (

    select
        subscriptions.subscription_key,
        {{ hashed(['months.month', 'subscriptions.plan', 'subscriptions.developer_id']) }}
            as plan_month_key,
        subscriptions.plan,
        prices.agent,
        prices.vendor,
        subscriptions.developer_id,
        subscriptions.seats,
        prices.monthly_usd,
        prices.included_usd,
        months.month,
        months.days_in_month,
        months.as_of_date,
        greatest(
            months.month, prices.starts_on, coalesce(subscriptions.since, months.month)
        ) as starts_on,
        least(
            months.last_day, prices.ends_on, coalesce(subscriptions.until, months.last_day)
        ) as ends_on
    from subscriptions
    inner join prices on subscriptions.plan = prices.plan
    cross join months

),

-- Days up to today are paid; the rest of the running month is known to come.
counted as (

    select
        *,
        {{ days_between('starts_on', 'ends_on') }} + 1 as days,
        {{ days_between('starts_on', 'least(ends_on, as_of_date)') }} + 1 as days_until_now
    from of_months
    where starts_on <= ends_on and starts_on <= as_of_date

),

priced as (

    select
        subscription_key,
        plan_month_key,
        plan,
        agent,
        vendor,
        developer_id,
        seats,
        {{ usd('monthly_usd * seats * days_until_now / days_in_month') }} as plan_usd,
        {{ usd('monthly_usd * seats * days / days_in_month') }} as whole_plan_usd,
        {{ usd('included_usd * seats * days_until_now / days_in_month') }} as included_usd,
        {{ usd('monthly_usd * seats') }} as unprorated_usd,
        month,
        starts_on,
        ends_on
    from counted

)

select * from priced
