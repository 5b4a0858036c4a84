-- What each vendor says that a month cost, by who told: an invoice that was typed in, Anthropic's
-- cost report, what Cursor charged for its events, the credits that GitHub counted (a cent each).
with

invoices as (

    select
        month,
        cast(null as date) as told_on,
        vendor,
        'invoice' as source,
        amount_usd
    from {{ ref('stg_invoices') }}

),

bills as (

    select
        {{ month_of('billed_on') }} as month,
        billed_on as told_on,
        vendor,
        'cost_report' as source,
        billed_usd as amount_usd
    from {{ ref('stg_vendor_bills') }}
    where billed_usd is not null

),

charges as (

    select
        {{ month_of('reported_on') }} as month,
        reported_on as told_on,
        'cursor' as vendor,
        'charged' as source,
        paid_usd as amount_usd
    from {{ ref('int_vendor_usage') }}
    where agent = 'cursor' and paid_usd is not null

),

-- An organisation's own sum has all its people; without one theirs are added up.
credit_days as (

    select
        usage_date,
        coalesce(
            sum(case when is_organisation then ai_credits end),
            sum(case when not is_organisation then ai_credits end)
        ) as ai_credits
    from {{ ref('int_copilot_days') }}
    where breakdown = 'total' and ai_credits is not null
    group by usage_date, organisation

),

credits as (

    select
        {{ month_of('usage_date') }} as month,
        usage_date as told_on,
        'github' as vendor,
        'credits' as source,
        {{ usd('ai_credits * cast(0.01 as decimal(3, 2))') }} as amount_usd
    from credit_days

),

unioned as (

    select * from invoices
    union all
    select * from bills
    union all
    select * from charges
    union all
    select * from credits

),

summed as (

    select
        {{ hashed(['vendor', 'month', 'source']) }} as invoice_key,
        month,
        vendor,
        source,
        {{ usd('sum(amount_usd)') }} as invoiced_usd
    from unioned
    group by month, vendor, source

),

-- From when to when a source tells: it was asked from some day on, and is a day or two behind.
told as (

    select
        vendor,
        source,
        min(told_on) as told_from,
        max(told_on) as told_until
    from unioned
    group by vendor, source

),

final as (

    select
        summed.*,
        told.told_from,
        told.told_until
    from summed
    inner join told on summed.vendor = told.vendor and summed.source = told.source

)

select * from final
