{% set fields = {
    'plan': ['plan', 'varchar'],
    'agent': ['agent', 'varchar'],
    'display_name': ['display_name', 'varchar'],
    'monthly_usd': ['monthly_usd', 'usd'],
    'included_usd': ['included_usd', 'usd'],
    'valid_from': ['valid_from', 'varchar'],
    'valid_to': ['valid_to', 'varchar'],
    'source': ['source', 'varchar'],
} %}

with

shipped as (

    select * from {{ ref('plans') }}

),

{{ user_rows('plans', fields) }},

-- What a plan is called and whose it is, for a user's row that tells a price alone.
named as (

    select
        plan,
        min(agent) as agent,
        min(display_name) as display_name
    from shipped
    group by plan

),

all_plans as (

    select
        lower(trim(from_user.plan)) as plan,
        coalesce(lower(trim(from_user.agent)), named.agent) as agent,
        coalesce(trim(from_user.display_name), named.display_name, trim(from_user.plan))
            as display_name,
        from_user.monthly_usd,
        from_user.included_usd,
        {{ cast_or_null('from_user.valid_from', 'date') }} as valid_from,
        {{ cast_or_null('from_user.valid_to', 'date') }} as valid_to,
        from_user.valid_from is not null as has_from,
        from_user.valid_to is not null as has_to,
        from_user.source,
        'user' as origin,
        from_user.changed_at
    from from_user
    left join named on lower(trim(from_user.plan)) = named.plan
    union all
    select
        plan,
        agent,
        display_name,
        monthly_usd,
        included_usd,
        valid_from,
        valid_to,
        valid_from is not null as has_from,
        valid_to is not null as has_to,
        source,
        'seed' as origin,
        null as changed_at
    from shipped

),

-- What cannot be read is left out: a price without its days would hold on all.
ranked as (

    select
        *,
        row_number() over (
            partition by plan, valid_from
            order by origin desc, changed_at desc, monthly_usd asc, included_usd asc
        ) as best_first
    from all_plans
    where
        plan <> ''
        and agent <> ''
        and monthly_usd is not null
        and (valid_from is not null or not has_from)
        and (valid_to is not null or not has_to)
        and (valid_from < valid_to or valid_from is null or valid_to is null)

),

best as (

    select
        {{ hashed(['plan', 'valid_from']) }} as plan_key,
        plan,
        agent,
        display_name,
        origin,
        source,
        monthly_usd,
        included_usd,
        valid_from,
        valid_to
    from ranked
    where best_first = 1

)

select * from best
