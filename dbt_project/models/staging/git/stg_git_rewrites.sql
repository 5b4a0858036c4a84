with

rewrites as (

    select distinct
        {{ normalized_repository('repository') }} as repository,
        lower(old_hash) as old_hash,
        lower(new_hash) as new_hash,
        kind
    from {{ source('raw', 'raw_git_rewrites') }}
    where lower(old_hash) <> lower(new_hash)

),

-- git calls it a rebase (hook post-rewrite) when several commits became one, too.
typed as (

    select
        repository,
        old_hash,
        new_hash,
        case
            when
                kind = 'rebase'
                and min(old_hash) over (partition by new_hash)
                <> max(old_hash) over (partition by new_hash)
                then 'squash'
            else kind
        end as kind
    from rewrites

)

select * from typed
