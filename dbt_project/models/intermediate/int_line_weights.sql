-- How much a line tells: one that was added to a single file is evidence, `return None` is none.
{{ config(materialized='table') }}

with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    where added > 0

),

places as (

    select distinct
        lines.line_hash,
        coalesce(commits.repository, '') as repository,
        lines.path
    from lines
    inner join commits on lines.commit_hash = commits.commit_hash

),

weighted as (

    select
        line_hash,
        1.0 / count(*) as weight
    from places
    group by line_hash

)

select * from weighted
