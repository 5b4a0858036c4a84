with

gaps as (

    select * from {{ ref('int_invoice_gaps') }}

),

final as (

    select
        invoice_key,
        vendor,
        source,
        unpriced_requests,
        invoiced_usd,
        recorded_usd,
        residual_usd,
        {{ usd('list_cost_usd') }} as list_cost_usd,
        month
    from gaps

)

select * from final
