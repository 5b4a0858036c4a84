-- Commits that a fix followed.
with

fixed as (

    select * from {{ ref('int_commit_fixed') }}

),

first_fixes as (

    select
        fixed_commit_key as commit_key,
        min(fixed_at) as fixed_at
    from fixed
    group by fixed_commit_key

)

select * from first_fixes
