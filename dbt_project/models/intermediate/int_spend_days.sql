-- A table: six models read it.
{{ config(materialized='table') }}

{% set grain = [
    'usage_date', 'reported_on', 'agent', 'developer_id', 'project_id', 'source', 'billing_mode',
] %}

with

requests as (

    select
        requested_date as usage_date,
        {{ utc_date('requested_at') }} as reported_on,
        agent,
        developer_id,
        project_id,
        'request' as source,
        billing_mode,
        1 as requests,
        case when cost_usd is null and not is_error then 1 else 0 end as unpriced_requests,
        cost_usd,
        paid_usd
    from {{ ref('fct_agent_requests') }}

),

remainders as (

    select * from {{ ref('fct_metric_remainders') }}

),

-- Metrics do not tell how they are paid; the requests of the same session do.
billing as (

    select
        session_key,
        min(billing_mode) as billing_mode
    from {{ ref('fct_agent_requests') }}
    where session_key in (select told.session_key from remainders as told)
    group by session_key
    having min(billing_mode) = max(billing_mode)

),

only_by_metrics as (

    select
        remainders.booked_date as usage_date,
        {{ utc_date('remainders.booked_at') }} as reported_on,
        remainders.agent,
        remainders.developer_id,
        remainders.project_id,
        'metric_remainder' as source,
        coalesce(billing.billing_mode, 'unknown') as billing_mode,
        0 as requests,
        0 as unpriced_requests,
        remainders.cost_usd,
        cast(null as decimal(18, 9)) as paid_usd
    from remainders
    left join billing on remainders.session_key = billing.session_key

),

only_by_vendors as (

    select
        usage_date,
        reported_on,
        agent,
        developer_id,
        project_id,
        'vendor' as source,
        'unknown' as billing_mode,
        coalesce(requests, 0) as requests,
        case when cost_usd is null then coalesce(requests, 0) else 0 end as unpriced_requests,
        cost_usd,
        paid_usd
    from {{ ref('fct_vendor_spend') }}

),

unioned as (

    select * from requests
    union all
    select * from only_by_metrics
    union all
    select * from only_by_vendors

),

summed as (

    select
        {{ grain | join(',\n        ') }},
        paid_usd is not null as is_charge_known,
        {{ sum_bigint('requests') }} as requests,
        {{ sum_bigint('unpriced_requests') }} as unpriced_requests,
        {{ usd('sum(cost_usd)') }} as cost_usd,
        {{ usd('sum(paid_usd)') }} as charged_usd
    from unioned
    group by {{ grain | join(', ') }}, paid_usd is not null

),

-- Plans and invoices are a vendor's, whichever of its agents is used.
final as (

    select
        summed.*,
        coalesce(agents.vendor, summed.agent) as vendor
    from summed
    left join {{ ref('agents') }} as agents on summed.agent = agents.agent

)

select * from final
