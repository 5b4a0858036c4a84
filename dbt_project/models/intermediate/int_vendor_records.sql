-- What our records hold of a vendor's month: what it charged by them, and what may stand behind a
-- gap. `_utc` is by the vendor's own days, which are UTC.
with

spend as (

    select
        spend.*,
        coalesce(names.billed_by, 'other') as billed_by,
        {{ month_of('spend.reported_on') }} as utc_month
    from {{ ref('int_spend_paid') }} as spend
    left join {{ ref('int_vendor_names') }} as names on spend.agent = names.agent

),

plans as (

    select
        plans.*,
        coalesce(names.billed_by, 'other') as billed_by
    from {{ ref('fct_plan_months') }} as plans
    left join {{ ref('int_vendor_names') }} as names on plans.agent = names.agent

),

-- Vendors include a month's usage at once, not by the day.
included as (

    select
        plan_month_key,
        {{ usd('included_usd * whole_plan_usd / nullif(plan_usd, 0)') }} as whole_included_usd
    from {{ ref('fct_plan_months') }}

),

periods as (

    select
        plan_month_key,
        max(unprorated_usd) as unprorated_usd
    from {{ ref('int_plan_periods') }}
    group by plan_month_key

),

unnamed as (

    select
        {{ month_of('reported.reported_on') }} as month,
        names.billed_by,
        sum(coalesce(reported.paid_usd, reported.cost_usd)) as uncounted_usd
    from {{ ref('int_vendor_usage') }} as reported
    inner join {{ ref('int_vendor_names') }} as names on reported.agent = names.agent
    where reported.standing = 'may_be_held'
    group by {{ month_of('reported.reported_on') }}, names.billed_by

),

of_spend as (

    select
        month,
        billed_by,
        {{ sum_bigint('requests') }} as requests,
        {{ sum_bigint('unpriced_requests') }} as unpriced_requests,
        sum(cost_usd) as list_cost_usd,
        sum(metered_usd) as metered_usd,
        sum(case when paid_by = 'api' then metered_usd end) as api_usd,
        sum(case when paid_by = 'charged' then metered_usd end) as charged_usd,
        sum(case when billing_mode = 'credits' then cost_usd end) as credits_usd,
        {{ sum_bigint('case when metered_usd is not null then requests end') }}
            as metered_requests,
        sum(case when source = 'request' then unknown_paid_list_usd end) as unknown_usd,
        {{ sum_bigint(
            "case when source = 'request' and unknown_paid_list_usd is not null then requests end"
        ) }} as unknown_requests,
        sum(case when source = 'metric_remainder' then unknown_paid_list_usd end)
            as metrics_only_usd,
        sum(case when source = 'vendor' then unknown_paid_list_usd end) as vendor_only_usd
    from spend
    group by month, billed_by

),

of_utc as (

    select
        utc_month as month,
        billed_by,
        sum(metered_usd) as metered_utc_usd,
        sum(case when paid_by = 'api' then metered_usd end) as api_utc_usd,
        sum(case when paid_by = 'charged' then metered_usd end) as charged_utc_usd,
        sum(case when billing_mode = 'credits' then cost_usd end) as credits_utc_usd
    from spend
    group by utc_month, billed_by

),

of_plans as (

    select
        plans.month,
        plans.billed_by,
        {{ sum_bigint('plans.requests') }} as covered_requests,
        sum(plans.plan_usd) as plan_usd,
        sum(
            case
                when plans.whole_plan_usd > periods.unprorated_usd
                    then plans.whole_plan_usd - plans.plan_usd
                when periods.unprorated_usd > plans.plan_usd
                    then periods.unprorated_usd - plans.plan_usd
                else 0
            end
        ) as unprorated_usd,
        sum(
            case
                when plans.covered_list_usd > included.whole_included_usd
                    then plans.covered_list_usd - included.whole_included_usd
            end
        ) as beyond_plan_usd
    from plans
    inner join periods on plans.plan_month_key = periods.plan_month_key
    inner join included on plans.plan_month_key = included.plan_month_key
    group by plans.month, plans.billed_by

),

{% set parts = {
    'of_spend': [
        'requests', 'unpriced_requests', 'list_cost_usd', 'metered_usd', 'api_usd', 'charged_usd',
        'credits_usd', 'metered_requests', 'unknown_usd', 'unknown_requests', 'metrics_only_usd',
        'vendor_only_usd',
    ],
    'of_utc': ['metered_utc_usd', 'api_utc_usd', 'charged_utc_usd', 'credits_utc_usd'],
    'of_plans': ['covered_requests', 'plan_usd', 'unprorated_usd', 'beyond_plan_usd'],
    'unnamed': ['uncounted_usd'],
} %}
grains as (

    {% for part in parts %}
    select
        month,
        billed_by
    from {{ part }}
    {{ 'union' if not loop.last }}
    {% endfor %}

),

joined as (

    select
        grains.month,
        {% for part, columns in parts.items() %}
        {% for column in columns %}
        coalesce({{ part }}.{{ column }}, 0) as {{ column }},
        {% endfor %}
        {% endfor %}
        grains.billed_by as vendor
    from grains
    {% for part in parts %}
    left join {{ part }}
        on grains.month = {{ part }}.month and grains.billed_by = {{ part }}.billed_by
    {% endfor %}

)

select * from joined
