{% set fields = {'alias': ['alias', 'varchar'], 'model': ['model', 'varchar']} %}

with

shipped as (

    select * from {{ ref('model_aliases') }}

),

{{ user_rows('model_aliases', fields) }},

all_aliases as (

    select
        lower(trim(alias)) as alias,
        lower(trim(model)) as model,
        'user' as origin,
        changed_at
    from from_user
    union all
    select
        alias,
        model,
        'seed' as origin,
        null as changed_at
    from shipped

),

ranked as (

    select
        alias,
        model,
        origin,
        row_number() over (
            partition by alias order by origin desc, changed_at desc, model asc
        ) as best_first
    from all_aliases
    where alias <> '' and model <> ''

),

best as (

    select
        alias,
        model,
        origin
    from ranked
    where best_first = 1

)

select * from best
