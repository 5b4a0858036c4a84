with

-- Told twice, by a hook and by a back-fill, it is one.
rewrites as (

    select
        lower(old_hash) as old_hash,
        lower(new_hash) as new_hash,
        max(kind) as kind,
        max(created_at) as rewritten_at
    from {{ source('raw', 'raw_git_rewrites') }}
    where lower(old_hash) <> lower(new_hash)
    group by lower(old_hash), lower(new_hash)

),

-- git calls it a rebase (hook post-rewrite) when several commits became one, too.
typed as (

    select
        old_hash,
        new_hash,
        case
            when
                kind = 'rebase'
                and min(old_hash) over (partition by new_hash)
                <> max(old_hash) over (partition by new_hash)
                then 'squash'
            else kind
        end as kind,
        rewritten_at
    from rewrites

)

select * from typed
