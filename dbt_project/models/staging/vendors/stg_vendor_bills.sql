with

usage_rows as (

    select * from {{ source('raw', 'raw_vendor_usage') }}
    where vendor = 'anthropic'

),

-- Vendors correct a day for a while: the newest report of it counts.
ranked as (

    select
        *,
        row_number() over (
            partition by vendor, usage_date, actor, model
            order by created_at desc, cast(payload as varchar) asc
        ) as newest_first
    from usage_rows

),

renamed as (

    select
        {{ hashed(['vendor', 'usage_date', 'actor', 'model']) }} as vendor_bill_key,
        vendor,
        nullif(model, '') as model_reported,
        {{ usd(plausible('cost_usd', 10000000)) }} as billed_usd,
        usage_date as billed_on
    from ranked
    where newest_first = 1

)

select * from renamed
