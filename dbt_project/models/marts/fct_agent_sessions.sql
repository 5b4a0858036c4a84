with

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}

),

links as (

    select
        session_key,
        count(*) as commits
    from {{ ref('int_commit_sessions') }}
    group by session_key

),

recorded_repositories as (

    select distinct repository
    from {{ ref('int_commits_with_agent_context') }}
    where repository is not null

),

-- Where nothing records a repository's commits, the agent's own count is all there is.
counted as (

    select
        sessions.*,
        cast(
            case
                when links.commits is not null then links.commits
                when recorded_repositories.repository is not null then 0
                else sessions.commits_reported
            end as bigint
        ) as commits
    from sessions
    left join links on sessions.session_key = links.session_key
    left join recorded_repositories on sessions.repository = recorded_repositories.repository

),

final as (

    select
        session_key,
        session_id,
        agent,
        agent_version,
        developer_id,
        project_id,
        git_branch,
        machine,
        worktree,
        main_model,
        case
            when commits > 0 then 'committed'
            when last_request_failed then 'errored'
            when edits_accepted > 0 then 'edited'
            when requests > 0 or total_tokens > 0 then 'answered'
            else 'unanswered'
        end as outcome,
        prompts,
        requests,
        tool_calls,
        tool_failures,
        edits_accepted,
        edits_rejected,
        lines_added,
        lines_removed,
        errors,
        retries,
        commits,
        commits_reported,
        total_tokens,
        active_seconds,
        cost_usd,
        started_at,
        ended_at,
        started_date
    from counted

)

select * from final
