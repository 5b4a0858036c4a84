-- Which sessions a commit is linked to: all that claim it by its SHA, else the one of its tier.
with

commits as (

    select * from {{ ref('int_commits_with_agent_context') }}

),

claims as (

    select * from {{ ref('int_tool_call_commits') }}
    where session_key is not null

),

links as (

    select
        claims.commit_key,
        claims.session_key
    from claims
    union
    select
        commit_key,
        session_key
    from commits
    where session_key is not null

),

described as (

    select
        links.commit_key,
        links.session_key,
        commits.commit_hash,
        commits.repository,
        commits.attribution_tier
    from links
    inner join commits on links.commit_key = commits.commit_key

)

select * from described
