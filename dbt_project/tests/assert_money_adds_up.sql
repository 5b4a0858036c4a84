-- Whatever money is split over, its parts are the whole, to the last digit.
with

costs as (

    select
        {{ month_of('usage_date') }} as month,
        sum(cost_usd) as cost_usd
    from {{ ref('fct_agent_costs') }}
    group by {{ month_of('usage_date') }}

),

plans as (

    select
        month,
        sum(plan_usd) as plan_usd,
        sum(covered_list_usd) as covered_list_usd
    from {{ ref('fct_plan_months') }}
    group by month

),

rows_of_roi as (

    select
        month,
        sum(list_cost_usd) as cost_usd,
        sum(plan_usd) as plan_usd
    from {{ ref('fct_roi_monthly') }}
    group by month

),

causes as (

    select
        invoice_key,
        sum(amount_usd) as amount_usd
    from {{ ref('fct_invoice_causes') }}
    group by invoice_key

),

wrong as (

    select
        'list cost is not all spend' as problem,
        cast(costs.month as varchar) as place,
        costs.cost_usd as one,
        rows_of_roi.cost_usd as other
    from costs
    full outer join rows_of_roi on costs.month = rows_of_roi.month
    where coalesce(costs.cost_usd, 0) <> coalesce(rows_of_roi.cost_usd, 0)
    union all
    select
        'shares of plans are not all plans' as problem,
        cast(plans.month as varchar) as place,
        plans.plan_usd as one,
        rows_of_roi.plan_usd as other
    from plans
    full outer join rows_of_roi on plans.month = rows_of_roi.month
    where coalesce(plans.plan_usd, 0) <> coalesce(rows_of_roi.plan_usd, 0)
    union all
    select
        'plans cover more than was used' as problem,
        cast(plans.month as varchar) as place,
        plans.covered_list_usd as one,
        costs.cost_usd as other
    from plans
    left join costs on plans.month = costs.month
    where plans.covered_list_usd > coalesce(costs.cost_usd, 0)
    union all
    select
        'causes are not the residual' as problem,
        reconciliation.invoice_key as place,
        reconciliation.residual_usd as one,
        causes.amount_usd as other
    from {{ ref('fct_invoice_reconciliation') }} as reconciliation
    left join causes on reconciliation.invoice_key = causes.invoice_key
    where reconciliation.residual_usd <> coalesce(causes.amount_usd, 0)

)

select * from wrong
