{#- cause: [position, what it may have added, what it may have taken away, requests]. -#}
{% set causes = {
    'month_edges': [1, 'metered_utc_usd - metered_usd', 'metered_usd - metered_utc_usd', 'null'],
    'days_not_told': [1.5, '0', 'untold_usd', 'null'],
    'seats': [2, 'unprorated_usd', 'plan_usd', 'null'],
    'covered_by_plan': [3, "case when source = 'invoice' then beyond_plan_usd else 0 end", '0',
        'covered_requests'],
    'unknown_billing': [4, 'unknown_usd', '0', 'unknown_requests'],
    'metrics_only': [5, 'metrics_only_usd', '0', 'null'],
    'not_recorded_people': [6, 'vendor_only_usd + uncounted_usd', '0', 'null'],
    'metered_requests': [7, '0', 'metered_usd', 'metered_requests'],
    'editor_use': [8, "case when source = 'credits' then invoiced_usd else 0 end", '0', 'null'],
    'unpriced_requests': [9, '0', '0', 'unpriced_requests'],
    'unexplained': [10, 'abs(residual_usd)', 'abs(residual_usd)', 'null'],
} %}

with

gaps as (

    select
        *,
        abs(residual_usd) as gap_usd
    from {{ ref('int_invoice_gaps') }}

),

-- Seats are billed apart from use: they are missing as a whole before any use is.
bounded as (

    {% for cause, terms in causes.items() %}
    select
        invoice_key,
        residual_usd,
        gap_usd,
        '{{ cause }}' as cause,
        {% if cause == 'seats' %}
        case when residual_usd < 0 and gap_usd < plan_usd then 7.5 else 2 end as position,
        {% else %}
        {{ terms[0] }} as position,
        {% endif %}
        case when residual_usd > 0 then {{ terms[1] }} else {{ terms[2] }} end as bound_usd,
        cast({{ terms[3] }} as bigint) as requests
    from gaps
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Each cause takes as much of the gap as it can have made and those before it have left.
filled as (

    select
        *,
        case when bound_usd > 0 then bound_usd else 0 end as filled_usd
    from bounded

),

summed as (

    select
        *,
        sum(filled_usd) over (
            partition by invoice_key order by position
            rows between unbounded preceding and current row
        ) - filled_usd as before_usd
    from filled

),

taken as (

    select
        *,
        case
            when before_usd >= gap_usd then 0
            when before_usd + filled_usd > gap_usd then gap_usd - before_usd
            else filled_usd
        end as taken_usd
    from summed

),

final as (

    select
        {{ hashed(['invoice_key', 'cause']) }} as invoice_cause_key,
        invoice_key,
        cause,
        case
            when cause = 'month_edges'
                then 'the vendor counts UTC days: some of its month is in another of ours'
            when cause = 'days_not_told'
                then 'days before the first and after the last that the vendor has told of'
            when cause = 'seats' and residual_usd > 0
                then 'our records count seats by the day, invoices by the month'
            when cause = 'seats' then 'the vendor does not bill these seats here'
            when cause = 'covered_by_plan' then 'use beyond what the plan includes'
            when cause = 'unknown_billing'
                then 'requests of which no record says what was paid for them'
            when cause = 'metrics_only' then 'use that only metrics saw'
            when cause = 'not_recorded_people' then 'use of people of whom only the vendor tells'
            when cause = 'metered_requests'
                then 'use that the vendor does not bill here at list price: discount, other account'
            when cause = 'editor_use' then 'Copilot in editors, which sends no records of requests'
            when cause = 'unpriced_requests'
                then 'requests without a known price: a part of what is unexplained'
            else 'nothing in our records explains it'
        end as explanation,
        requests,
        {{ usd('case when residual_usd < 0 then -taken_usd else taken_usd end') }} as amount_usd
    from taken
    where taken_usd > 0 or (cause = 'unpriced_requests' and requests > 0 and gap_usd > 0)

)

select * from final
