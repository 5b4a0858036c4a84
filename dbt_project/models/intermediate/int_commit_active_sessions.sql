-- Sessions that were active for a commit: in its repository, begun not after it and ended not
-- longer before it than the correlation window. A session of unknown repository is never active.
with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

active as (

    select
        commits.commit_key,
        sessions.session_key,
        sessions.session_id,
        sessions.agent
    from commits
    inner join sessions
        on
            commits.repository = sessions.repository
            and sessions.started_at <= commits.committed_at
            and {{ add_seconds('sessions.ended_at', 'commits.correlation_window_s') }}
            >= commits.committed_at

)

select * from active
