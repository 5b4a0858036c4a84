-- What a vendor says beside what our records say it charged. An invoice has use and seats, the
-- other sources have use alone, and each only the use that it knows.
with

charges as (

    select * from {{ ref('int_vendor_charges') }}

),

records as (

    select * from {{ ref('int_vendor_records') }}

),

-- Our records of days before the source's first and after its last.
untold as (

    select
        charges.invoice_key,
        sum(
            case
                when charges.source = 'cost_report' and spend.paid_by = 'api'
                    then spend.metered_usd
                when charges.source = 'charged' and spend.paid_by = 'charged'
                    then spend.metered_usd
                when charges.source = 'credits' and spend.billing_mode = 'credits'
                    then spend.cost_usd
            end
        ) as untold_usd
    from charges
    inner join {{ ref('int_vendor_names') }} as names on charges.vendor = names.billed_by
    inner join {{ ref('int_spend_paid') }} as spend
        on names.agent = spend.agent and charges.month = spend.month
    where spend.reported_on < charges.told_from or spend.reported_on > charges.told_until
    group by charges.invoice_key

),

joined as (

    select
        charges.invoice_key,
        charges.month,
        charges.vendor,
        charges.source,
        charges.invoiced_usd,
        {% for column in [
            'requests', 'unpriced_requests', 'metered_requests', 'unknown_requests',
            'covered_requests', 'list_cost_usd', 'unknown_usd', 'metrics_only_usd',
            'vendor_only_usd', 'uncounted_usd', 'beyond_plan_usd',
        ] %}
        coalesce(records.{{ column }}, 0) as {{ column }},
        {% endfor %}
        coalesce(untold.untold_usd, 0) as untold_usd,
        {% for suffix in ['_usd', '_utc_usd'] %}
        coalesce(
            case charges.source
                when 'invoice' then records.metered{{ suffix }}
                when 'cost_report' then records.api{{ suffix }}
                when 'charged' then records.charged{{ suffix }}
                else records.credits{{ suffix }}
            end, 0
        ) as metered{{ suffix }},
        {% endfor %}
        case
            when charges.source = 'invoice' then coalesce(records.unprorated_usd, 0)
            else 0
        end as unprorated_usd,
        case
            when charges.source = 'invoice' then coalesce(records.plan_usd, 0)
            else 0
        end as plan_usd
    from charges
    left join records on charges.month = records.month and charges.vendor = records.vendor
    left join untold on charges.invoice_key = untold.invoice_key

),

gaps as (

    select
        *,
        {{ usd('metered_usd + plan_usd') }} as recorded_usd,
        {{ usd('invoiced_usd - metered_usd - plan_usd') }} as residual_usd
    from joined

)

select * from gaps
