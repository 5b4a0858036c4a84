-- Who sends the invoice for an agent: the names that invoices are typed in under.
with

agents as (

    select
        agent,
        vendor,
        lower(vendor) as vendor_name
    from {{ ref('agents') }}

),

named as (

    select
        agent,
        vendor,
        case
            when vendor_name = 'anysphere' then 'cursor'
            when vendor_name in ('anthropic', 'openai', 'github', 'google') then vendor_name
            else 'other'
        end as billed_by
    from agents

)

select * from named
