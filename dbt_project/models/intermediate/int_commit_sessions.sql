-- Which sessions a commit is linked to, each by its own strongest evidence: all that a note names,
-- that claim it by its SHA or whose lines are in it; else the one of the commit's tier. A session
-- whose edits are not known has unknown lines.
-- A table: four models read it.
{{ config(materialized='table') }}

with

commits as (

    select * from {{ ref('int_commits_with_agent_context') }}

),

notes as (

    select * from {{ ref('int_commit_notes') }}
    where session_key is not null

),

session_lines as (

    select * from {{ ref('int_commit_session_lines') }}

),

sessions_with_edits as (

    select session_key from {{ ref('int_session_lines_written') }}

),

evidence as (

    select
        commit_key,
        session_key,
        case attribution_tier when 'note' then 1 when 'tool_call' then 2 else 3 end as strength
    from notes
    union all
    select
        commit_key,
        session_key,
        2 as strength
    from {{ ref('int_tool_call_commits') }}
    where session_key is not null
    union all
    select
        commit_key,
        session_key,
        3 as strength
    from session_lines
    where evident_lines > 0
    union all
    select
        commit_key,
        session_key,
        case attribution_tier when 'marker' then 4 else 5 end as strength
    from commits
    where session_key is not null and attribution_tier in ('marker', 'window')

),

links as (

    select
        commit_key,
        session_key,
        min(strength) as strength
    from evidence
    group by commit_key, session_key

),

described as (

    select
        links.commit_key,
        links.session_key,
        commits.commit_hash,
        commits.repository,
        case links.strength
            when 1 then 'note'
            when 2 then 'tool_call'
            when 3 then 'lines'
            when 4 then 'marker'
            else 'window'
        end as attribution_tier,
        case
            when notes.attribution_tier = 'note' and notes.lines is not null then notes.lines
            when session_lines.lines is not null then session_lines.lines
            when notes.lines is not null then notes.lines
            when sessions_with_edits.session_key is not null then 0
        end as attributed_lines
    from links
    inner join commits on links.commit_key = commits.commit_key
    left join notes
        on links.commit_key = notes.commit_key and links.session_key = notes.session_key
    left join session_lines
        on
            links.commit_key = session_lines.commit_key
            and links.session_key = session_lines.session_key
    left join sessions_with_edits on links.session_key = sessions_with_edits.session_key

)

select * from described
