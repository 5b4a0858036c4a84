{% set fields = {
    'scope': ['scope', 'varchar'],
    'name': ['name', 'varchar'],
    'monthly_usd': ['monthly_usd', 'decimal(18, 9)'],
    'measure': ['measure', 'varchar'],
    'since': ['since', 'varchar'],
} %}

with

{{ user_rows('budgets', fields) }},

typed as (

    select
        lower(trim(scope)) as scope,
        nullif(trim(name), '') as name,
        coalesce(nullif(lower(trim(measure)), ''), 'list') as measure,
        {{ plausible('monthly_usd', 100000000) }} as monthly_usd,
        {{ cast_or_null('since', 'date') }} as since,
        since is not null as has_since,
        changed_at
    from from_user

),

-- What cannot be read is left out; `all` has no name, everything else has one.
ranked as (

    select
        *,
        row_number() over (
            partition by scope, lower(name), measure, since
            order by changed_at desc, monthly_usd asc, name asc
        ) as best_first
    from typed
    where
        scope in ('all', 'team', 'project', 'developer', 'agent')
        and measure in ('list', 'paid')
        and (scope = 'all') = (name is null)
        and monthly_usd is not null
        and (since is not null or not has_since)

),

best as (

    select
        {{ hashed(['scope', 'lower(name)', 'measure']) }} as budget_id,
        scope,
        name,
        measure,
        {{ usd('monthly_usd') }} as monthly_usd,
        since
    from ranked
    where best_first = 1

)

select * from best
