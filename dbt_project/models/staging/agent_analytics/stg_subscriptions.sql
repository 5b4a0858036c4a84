{% set fields = {
    'plan': ['plan', 'varchar'],
    'developer_id': ['developer_id', 'varchar'],
    'seats': ['seats', 'varchar'],
    'since': ['since', 'varchar'],
    'until': ['until', 'varchar'],
} %}

with

{{ user_rows('subscriptions', fields) }},

typed as (

    select
        lower(trim(from_user.plan)) as plan,
        coalesce(identities.developer_id, nullif(trim(from_user.developer_id), ''))
            as developer_id,
        case
            when from_user.seats is null then 1
            else {{ plausible(cast_or_null('from_user.seats', 'bigint'), 1000000) }}
        end as seats,
        {{ cast_or_null('from_user.since', 'date') }} as since,
        {{ cast_or_null('from_user.until', 'date') }} as until,
        from_user.since is not null as has_since,
        from_user.until is not null as has_until
    from from_user
    left join {{ ref('stg_developer_identities') }} as identities
        on lower(trim(from_user.developer_id)) = identities.identity

),

-- What cannot be read is left out: half a subscription would be a wrong price.
readable as (

    select
        {{ hashed(['plan', 'developer_id', 'seats', 'since', 'until']) }} as subscription_key,
        plan,
        developer_id,
        seats,
        since,
        until
    from typed
    where
        plan <> ''
        and seats > 0
        and (since is not null or not has_since)
        and (until is not null or not has_until)
        and (until >= since or since is null or until is null)

),

final as (

    select distinct * from readable

)

select * from final
