-- Where a replaced commit went in the end: amends and rebases of one commit make a chain.
with recursive

rewrites as (

    select * from {{ ref('stg_git_rewrites') }}

),

-- Bounded, because an undone amend makes a ring.
chain as (

    select
        old_hash,
        new_hash,
        1 as steps
    from rewrites
    union all
    select
        chain.old_hash,
        rewrites.new_hash,
        chain.steps + 1 as steps
    from chain
    inner join rewrites
        on chain.new_hash = rewrites.old_hash and chain.old_hash <> rewrites.new_hash
    where chain.steps < 20

),

distinct_pairs as (

    select distinct
        old_hash,
        new_hash
    from chain

)

select * from distinct_pairs
