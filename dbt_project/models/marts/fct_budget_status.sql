with

months as (

    select * from {{ ref('int_budget_months') }}

),

spent as (

    select
        budget_id,
        {{ month_of('usage_date') }} as month,
        sum(spent_usd) as spent_usd,
        sum(plan_usd) as plan_usd,
        sum(whole_plan_usd) as whole_plan_usd
    from {{ ref('int_budget_days') }}
    group by budget_id, {{ month_of('usage_date') }}

),

rates as (

    select * from {{ ref('int_budget_rates') }}

),

joined as (

    select
        months.budget_id,
        months.month,
        months.scope,
        months.name,
        months.measure,
        months.budget_usd,
        months.days_in_month,
        months.as_of_date,
        {{ days_between('months.month', 'months.as_of_date') }} + 1 as days_elapsed,
        {{ usd('coalesce(spent.spent_usd + spent.plan_usd, spent.spent_usd, spent.plan_usd)') }}
            as month_to_date_usd,
        case
            when months.is_running
                then
                    coalesce(spent.whole_plan_usd - spent.plan_usd, 0)
                    + {{ usd('rates.expected_usd') }}
            else 0
        end as expected_usd,
        case when months.is_running then rates.spread_usd else 0 end as spread_usd
    from months
    left join spent on months.budget_id = spent.budget_id and months.month = spent.month
    left join rates on months.budget_id = rates.budget_id

),

-- On the first days of a month what is expected may be all there is.
started as (

    select
        *,
        {{ usd(
            'case when month_to_date_usd is not null then month_to_date_usd '
            ~ 'when expected_usd > 0 then 0 end'
        ) }} as spent_usd
    from joined

),

projected as (

    select
        *,
        {{ usd('spent_usd + expected_usd') }} as projected_usd,
        {{ usd(
            'case when spread_usd > expected_usd then spent_usd '
            ~ 'else spent_usd + expected_usd - spread_usd end'
        ) }} as projected_low_usd,
        {{ usd('spent_usd + expected_usd + spread_usd') }} as projected_high_usd
    from started

),

final as (

    select
        {{ hashed(['budget_id', 'month']) }} as budget_key,
        scope,
        name,
        measure,
        case
            when spent_usd is null then 'no_data'
            when spent_usd > budget_usd then 'over'
            when projected_usd > budget_usd then 'at_risk'
            else 'within'
        end as status,
        cast(days_elapsed as bigint) as days_elapsed,
        days_in_month,
        budget_usd,
        spent_usd as month_to_date_usd,
        projected_usd,
        projected_low_usd,
        projected_high_usd,
        cast(spent_usd / nullif(budget_usd, 0) as double) as used_share,
        month,
        as_of_date
    from projected

)

select * from final
