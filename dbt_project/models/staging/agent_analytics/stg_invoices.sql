{% set fields = {
    'vendor': ['vendor', 'varchar'],
    'month': ['month', 'varchar'],
    'amount_usd': ['amount_usd', 'decimal(18, 9)'],
    'agent': ['agent', 'varchar'],
    'reference': ['reference', 'varchar'],
} %}

with

{{ user_rows('invoices', fields) }},

typed as (

    select
        lower(trim(vendor)) as vendor,
        nullif(lower(trim(agent)), '') as agent,
        nullif(trim(reference), '') as reference,
        -- A credit note is below nothing.
        case
            when amount_usd between -10000000 and 10000000 then amount_usd
        end as amount_usd,
        -- A whole day may be written too.
        {{ month_of(cast_or_null("trim(month) || '-01'", 'date')) }} as month
    from from_user

),

readable as (

    select
        vendor,
        agent,
        reference,
        {{ usd('amount_usd') }} as amount_usd,
        month
    from typed
    where
        vendor in ('anthropic', 'openai', 'github', 'cursor', 'google', 'other')
        and amount_usd is not null
        and month is not null

)

select * from readable
