{% set fields = {
    'developer_id': ['developer_id', 'varchar'],
    'team': ['team', 'varchar'],
} %}

with

{{ user_rows('teams', fields) }},

named as (

    select
        lower(coalesce(identities.developer_id, trim(from_user.developer_id))) as developer,
        trim(from_user.team) as team,
        from_user.changed_at
    from from_user
    left join {{ ref('stg_developer_identities') }} as identities
        on lower(trim(from_user.developer_id)) = identities.identity

),

ranked as (

    select
        *,
        row_number() over (
            partition by developer order by changed_at desc, team asc
        ) as best_first
    from named
    where developer <> '' and team <> ''

),

best as (

    select
        developer,
        team
    from ranked
    where best_first = 1

)

select * from best
