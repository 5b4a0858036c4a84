-- Sessions that were active for a commit: in its repository, begun not after it and ended not
-- longer before it than the correlation window. A session of unknown repository is never active.
{% set week_us = 7 * 86400 * 1000000 %}

with

commits as (

    select
        *,
        cast(floor({{ microseconds('committed_at') }} / {{ week_us }}) as bigint) as week
    from {{ ref('int_commits_in_history') }}

),

settings as (

    select max(correlation_window_s) as correlation_window_s from commits

),

sessions as (

    select
        sessions.session_key,
        sessions.session_id,
        sessions.agent,
        sessions.repository,
        sessions.started_at,
        {{ add_seconds('sessions.ended_at', 'settings.correlation_window_s') }} as active_until
    from {{ ref('stg_agent_sessions') }} as sessions
    cross join settings
    where sessions.repository is not null

),

-- Joined by week, because engines join by what must be equal: else each commit of a repository is
-- compared with all of its sessions before.
weeks as (

    select
        *,
        cast(floor({{ microseconds('started_at') }} / {{ week_us }}) as bigint) as first_week,
        cast(floor({{ microseconds('active_until') }} / {{ week_us }}) as bigint) as last_week
    from sessions

),

by_week as (

    select
        weeks.*,
        weeks.first_week + numbers.number as week
    from weeks
    inner join {{ thousand_numbers() }} as numbers
        on weeks.last_week - weeks.first_week >= numbers.number

),

active as (

    select
        commits.commit_key,
        by_week.session_key,
        by_week.session_id,
        by_week.agent
    from commits
    inner join by_week
        on
            commits.repository = by_week.repository
            and commits.week = by_week.week
            and by_week.started_at <= commits.committed_at
            and by_week.active_until >= commits.committed_at

)

select * from active
