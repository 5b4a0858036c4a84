with

plans as (

    select * from {{ ref('stg_plans') }}

),

final as (

    select
        plan_key,
        plan,
        agent,
        display_name,
        origin,
        source,
        monthly_usd,
        included_usd,
        valid_from,
        valid_to
    from plans

)

select * from final
