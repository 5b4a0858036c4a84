-- How each budget was spent on the last 28 whole days, working days and weekends apart, and what of
-- the running month is left. Days before the first record do not count as days without spend.
with

running as (

    select * from {{ ref('int_budget_months') }}
    where is_running

),

spent as (

    select * from {{ ref('int_budget_days') }}

),

first_day as (

    select min(usage_date) as first_day
    from {{ ref('int_spend_days') }}

),

days as (

    select
        running.budget_id,
        case
            when
                {{ weekday(add_days('running.as_of_date', '-1 - numbers.number')) }} > 5
                then 'weekend'
            else 'workday'
        end as kind,
        {{ add_days('running.as_of_date', '-1 - numbers.number') }} as day
    from running
    cross join {{ thousand_numbers() }} as numbers
    where numbers.number < 28

),

window_days as (

    select
        days.budget_id,
        days.kind,
        cast(coalesce(spent.spent_usd, 0) as double) as spent_usd,
        avg(cast(coalesce(spent.spent_usd, 0) as double))
            over (partition by days.budget_id, days.kind) as kind_mean
    from days
    inner join first_day on days.day >= first_day.first_day
    left join spent on days.budget_id = spent.budget_id and days.day = spent.usage_date

),

rates as (

    select
        budget_id,
        count(*) as days,
        avg(spent_usd) as mean,
        max(case when kind = 'workday' then kind_mean end) as workday_mean,
        max(case when kind = 'weekend' then kind_mean end) as weekend_mean,
        sqrt(
            sum((spent_usd - kind_mean) * (spent_usd - kind_mean)) / nullif(count(*) - 1, 0)
        ) as deviation
    from window_days
    group by budget_id

),

ahead as (

    select
        running.budget_id,
        count(*) as days_left,
        count(
            case
                when {{ weekday(add_days('running.as_of_date', 'numbers.number + 1')) }} > 5 then 1
            end
        ) as weekend_days_left
    from running
    inner join {{ thousand_numbers() }} as numbers
        on numbers.number < {{ days_between('running.as_of_date', 'running.last_day') }}
    group by running.budget_id

),

-- A spread of fewer days than a week has says nothing.
final as (

    select
        running.budget_id,
        coalesce(rates.days, 0) as days,
        coalesce(ahead.days_left, 0) as days_left,
        case
            when coalesce(ahead.days_left, 0) = 0 then 0
            else
                coalesce(rates.workday_mean, rates.mean)
                * (ahead.days_left - ahead.weekend_days_left)
                + coalesce(rates.weekend_mean, rates.mean) * ahead.weekend_days_left
        end as expected_usd,
        case
            when coalesce(ahead.days_left, 0) = 0 then 0
            when rates.days >= 7 then 1.645 * rates.deviation * sqrt(ahead.days_left)
        end as spread_usd
    from running
    left join rates on running.budget_id = rates.budget_id
    left join ahead on running.budget_id = ahead.budget_id

)

select * from final
