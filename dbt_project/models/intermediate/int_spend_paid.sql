-- A table: five models read it.
{{ config(materialized='table') }}

with

spend as (

    select * from {{ ref('int_spend_days') }}

),

periods as (

    select * from {{ ref('int_plan_periods') }}

),

asked as (

    select distinct
        usage_date,
        {{ month_of('usage_date') }} as month,
        vendor,
        developer_id
    from spend
    where billing_mode <> 'api'

),

-- Apart, because one join with an `or` compares everybody's days with everybody's plans.
candidates as (

    select
        asked.usage_date,
        asked.vendor,
        asked.developer_id,
        periods.plan_month_key,
        periods.plan,
        periods.unprorated_usd,
        1 as position
    from asked
    inner join periods
        on
            asked.vendor = periods.vendor
            and asked.month = periods.month
            and lower(asked.developer_id) = lower(periods.developer_id)
            and asked.usage_date between periods.starts_on and periods.ends_on
    union all
    select
        asked.usage_date,
        asked.vendor,
        asked.developer_id,
        periods.plan_month_key,
        periods.plan,
        periods.unprorated_usd,
        2 as position
    from asked
    inner join periods
        on
            asked.vendor = periods.vendor
            and asked.month = periods.month
            and periods.developer_id is null
            and asked.usage_date between periods.starts_on and periods.ends_on

),

-- A developer's own plan before seats that are shared, and the dearest of several.
ranked as (

    select
        usage_date,
        vendor,
        developer_id,
        plan_month_key,
        row_number() over (
            partition by usage_date, vendor, developer_id
            order by position asc, unprorated_usd desc, plan asc
        ) as best_first
    from candidates

),

covers as (

    select * from ranked
    where best_first = 1

),

teams as (

    select * from {{ ref('stg_teams') }}

),

joined as (

    select
        spend.*,
        {{ month_of('spend.usage_date') }} as month,
        teams.team,
        -- Not in the join: a condition on its left side alone makes DuckDB compare all with all.
        case when spend.billing_mode <> 'api' then covers.plan_month_key end as plan_month_key,
        case
            when spend.is_charge_known then 'charged'
            when spend.billing_mode = 'api' then 'api'
            when covers.plan_month_key is not null then 'plan'
            else 'unknown'
        end as paid_by
    from spend
    left join covers
        on
            spend.usage_date = covers.usage_date
            and spend.vendor = covers.vendor
            and coalesce(spend.developer_id, '') = coalesce(covers.developer_id, '')
    left join teams on lower(spend.developer_id) = teams.developer

),

-- What a vendor says it charged is all that was paid beside the plan, which covers the rest.
final as (

    select
        usage_date,
        reported_on,
        month,
        agent,
        vendor,
        developer_id,
        team,
        project_id,
        source,
        billing_mode,
        paid_by,
        plan_month_key,
        requests,
        unpriced_requests,
        cost_usd,
        case
            when paid_by = 'charged' then charged_usd
            when paid_by = 'api' then cost_usd
        end as metered_usd,
        case
            when paid_by = 'plan' then cost_usd
            when paid_by = 'charged' and plan_month_key is not null and cost_usd > charged_usd
                then {{ usd('cost_usd - charged_usd') }}
        end as covered_list_usd,
        case when paid_by = 'unknown' then cost_usd end as unknown_paid_list_usd
    from joined

)

select * from final
