with

survival as (

    select * from {{ ref('stg_git_line_survival') }}

),

lines as (

    select
        commit_hash,
        age_days,
        line_hash,
        lines
    from {{ counted_hashes('survival', ['commit_hash', 'age_days'], 'alive_line_hashes') }}

)

select * from lines
