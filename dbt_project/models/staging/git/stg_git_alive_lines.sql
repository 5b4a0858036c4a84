-- Not counted here, so that who wants a few commits does not count all.
with

survival as (

    select * from {{ ref('stg_git_line_survival') }}

),

lines as (

    select
        commit_hash,
        age_days,
        line_hash
    from {{ listed_hashes('survival', ['commit_hash', 'age_days'], 'alive_line_hashes') }}

)

select * from lines
