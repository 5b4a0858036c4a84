-- What became of a session's cost. Linked: a commit is its own. Pending: it edited within the last
-- 14 days and no commit has come yet. Unlinked: everything else.
{{ config(materialized='table') }}

with

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

sessions_with_lines as (

    select * from {{ ref('int_session_lines_written') }}

),

commits as (

    select * from {{ ref('int_commit_outcomes') }}

),

links as (

    select
        links.session_key,
        count(*) as commits,
        count(case when commits.is_reverted then 1 end) as reverted_commits,
        count(case when commits.in_default_branch and not commits.is_reverted then 1 end)
            as landed_commits,
        {{ sum_bigint('case when not commits.is_copy then links.attributed_lines end') }}
            as lines_committed,
        min(commits.committed_at) as first_committed_at,
        max(commits.committed_at) as last_committed_at
    from {{ ref('int_commit_sessions') }} as links
    inner join commits on links.commit_key = commits.commit_key
    group by links.session_key

),

first_prompts as (

    select
        session_key,
        min(prompted_at) as prompted_at
    from {{ ref('int_prompts') }}
    group by session_key

),

doubtful as (

    select distinct active.session_key
    from {{ ref('int_commit_active_sessions') }} as active
    inner join {{ ref('int_commits_with_agent_context') }} as commits
        on active.commit_key = commits.commit_key
    where commits.attribution_tier = 'ambiguous'

),

joined as (

    select
        sessions.session_key,
        sessions.session_id,
        sessions.agent,
        sessions.developer_id,
        sessions.project_id,
        sessions.repository,
        sessions.cost_usd,
        sessions.started_at,
        sessions.started_date,
        coalesce(links.commits, 0) as commits,
        links.reverted_commits,
        links.landed_commits,
        links.lines_committed,
        sessions_with_lines.lines_written,
        doubtful.session_key is not null as is_doubtful,
        coalesce(sessions.edits_accepted, 0) > 0 or sessions_with_lines.session_key is not null
            as has_edits,
        {{ add_seconds('sessions.ended_at', 14 * 86400) }} >= {{ now_utc() }} as is_recent,
        {{ add_seconds('links.last_committed_at', 30 * 86400) }} >= {{ now_utc() }}
            as may_still_land,
        case
            when links.first_committed_at >= first_prompts.prompted_at
                then {{ seconds_between('first_prompts.prompted_at', 'links.first_committed_at') }}
        end as seconds_to_commit
    from sessions
    left join sessions_with_lines on sessions.session_key = sessions_with_lines.session_key
    left join links on sessions.session_key = links.session_key
    left join first_prompts on sessions.session_key = first_prompts.session_key
    left join doubtful on sessions.session_key = doubtful.session_key

),

classed as (

    select
        *,
        case
            when commits > 0 then 'linked'
            when has_edits and is_recent then 'pending'
            else 'unlinked'
        end as linkage,
        case
            when landed_commits > 0 then 'productive'
            when commits > 0 and reverted_commits = commits then 'reverted'
            when commits > 0 and may_still_land then 'pending'
            when commits > 0 then 'abandoned'
            when is_doubtful then 'ambiguous'
            when has_edits and is_recent then 'pending'
            when has_edits then 'abandoned'
            else 'no_edits'
        end as yield_class
    from joined

)

select * from classed
