with

periods as (

    select
        *,
        max(ends_on) over (partition by plan_month_key) as last_day
    from {{ ref('int_plan_periods') }}

),

covered as (

    select
        plan_month_key,
        sum(covered_list_usd) as covered_list_usd,
        {{ sum_bigint('requests') }} as requests
    from {{ ref('int_spend_paid') }}
    where plan_month_key is not null
    group by plan_month_key

),

-- The seats of its last day: subscriptions and prices may follow each other within a month.
months as (

    select
        plan_month_key,
        month,
        plan,
        min(agent) as agent,
        developer_id,
        {{ sum_bigint('case when ends_on = last_day then seats end') }} as seats,
        {{ usd('sum(plan_usd)') }} as plan_usd,
        {{ usd('sum(whole_plan_usd)') }} as whole_plan_usd,
        -- Where not all of it is known none is.
        case
            when count(included_usd) = count(*) then {{ usd('sum(included_usd)') }}
        end as included_usd
    from periods
    group by plan_month_key, month, plan, developer_id

),

final as (

    select
        months.plan_month_key,
        months.plan,
        months.agent,
        months.developer_id,
        months.seats,
        coalesce(covered.requests, 0) as requests,
        months.plan_usd,
        months.whole_plan_usd,
        months.included_usd,
        {{ usd('coalesce(covered.covered_list_usd, 0)') }} as covered_list_usd,
        cast(
            coalesce(covered.covered_list_usd, 0) / nullif(months.plan_usd, 0) as double
        ) as list_per_plan,
        months.month
    from months
    left join covered on months.plan_month_key = covered.plan_month_key

)

select * from final
