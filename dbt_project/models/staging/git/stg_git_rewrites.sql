with

rewrites as (

    select distinct
        nullif(repository, '') as repository,
        lower(old_hash) as old_hash,
        lower(new_hash) as new_hash,
        kind
    from {{ source('raw', 'raw_git_rewrites') }}
    where lower(old_hash) <> lower(new_hash)

)

select * from rewrites
