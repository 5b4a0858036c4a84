{% set fields = {
    'identity': ['identity', 'varchar'],
    'developer_id': ['developer_id', 'varchar'],
} %}

with

shipped as (

    select * from {{ ref('developer_identities') }}

),

{{ user_rows('developer_identities', fields) }},

all_identities as (

    select
        lower(trim(identity)) as identity,
        trim(developer_id) as developer_id,
        'user' as origin,
        changed_at
    from from_user
    union all
    select
        lower(trim(identity)) as identity,
        trim(developer_id) as developer_id,
        'seed' as origin,
        null as changed_at
    from shipped

),

ranked as (

    select
        identity,
        developer_id,
        row_number() over (
            partition by identity order by origin desc, changed_at desc, developer_id asc
        ) as best_first
    from all_identities
    where identity <> '' and developer_id <> ''

),

best as (

    select
        identity,
        developer_id
    from ranked
    where best_first = 1

)

select * from best
