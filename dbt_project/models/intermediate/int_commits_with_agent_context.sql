-- A table: four models read it.
{{ config(materialized='table') }}

with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

first_claims as (

    select
        *,
        row_number() over (
            partition by commit_key order by claimed_at, session_key nulls last, agent
        ) as first_claim
    from {{ ref('int_tool_call_commits') }}

),

first_notes as (

    select
        *,
        row_number() over (
            partition by commit_key
            order by
                case attribution_tier when 'note' then 1 when 'tool_call' then 2 else 3 end asc,
                lines desc nulls last,
                session_key asc nulls last,
                agent asc
        ) as first_note
    from {{ ref('int_commit_notes') }}

),

most_lines as (

    select
        *,
        row_number() over (
            partition by commit_key order by evident_lines desc, session_key asc
        ) as most_first
    from {{ ref('int_commit_session_lines') }}
    where evident_lines > 0

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

markers as (

    select * from {{ ref('int_commit_markers') }}

),

active as (

    select * from {{ ref('int_commit_active_sessions') }}

),

only_active as (

    select
        commit_key,
        count(*) as active_sessions,
        min(session_key) as session_key,
        min(session_id) as session_id,
        min(agent) as agent
    from active
    group by commit_key

),

-- A marker names the agent; the session is known where just one of that agent was active.
only_marked as (

    select
        active.commit_key,
        count(*) as active_sessions,
        min(active.session_key) as session_key,
        min(active.session_id) as session_id
    from active
    inner join markers on active.commit_key = markers.commit_key and active.agent = markers.agent
    group by active.commit_key

),

tiered as (

    select
        commits.*,
        case
            when first_notes.attribution_tier = 'note' then 'note'
            when first_claims.commit_key is not null then 'tool_call'
            when first_notes.attribution_tier = 'tool_call' then 'told_tool_call'
            when most_lines.commit_key is not null then 'lines'
            when first_notes.commit_key is not null then 'told_lines'
            when markers.commit_key is not null then 'marker'
            when only_active.active_sessions = 1 then 'window'
            when only_active.active_sessions > 1 then 'ambiguous'
            else 'untracked'
        end as evidence,
        first_notes.agent as note_agent,
        first_notes.session_key as note_session_key,
        first_notes.session_id as note_session_id,
        sessions.agent as lines_agent,
        sessions.session_key as lines_session_key,
        sessions.session_id as lines_session_id,
        first_claims.agent as claim_agent,
        first_claims.session_key as claim_session_key,
        first_claims.session_id as claim_session_id,
        markers.agent as marker_agent,
        case when only_marked.active_sessions = 1 then only_marked.session_key end
            as marker_session_key,
        case when only_marked.active_sessions = 1 then only_marked.session_id end
            as marker_session_id,
        only_active.agent as window_agent,
        only_active.session_key as window_session_key,
        only_active.session_id as window_session_id
    from commits
    left join first_notes
        on commits.commit_key = first_notes.commit_key and first_notes.first_note = 1
    left join most_lines
        on commits.commit_key = most_lines.commit_key and most_lines.most_first = 1
    left join sessions on most_lines.session_key = sessions.session_key
    left join first_claims
        on commits.commit_key = first_claims.commit_key and first_claims.first_claim = 1
    left join markers on commits.commit_key = markers.commit_key
    left join only_active on commits.commit_key = only_active.commit_key
    left join only_marked on commits.commit_key = only_marked.commit_key

),

-- A note that another collector exported has the tier that it had there.
named as (

    select
        *,
        case evidence
            when 'told_tool_call' then 'tool_call'
            when 'told_lines' then 'lines'
            else evidence
        end as attribution_tier
    from tiered

),

attributed as (

    select
        commit_key,
        commit_hash,
        repository,
        project_id,
        developer_id,
        branch,
        {% for column in ['agent', 'session_key', 'session_id'] %}
        case evidence
            when 'note' then note_{{ column }}
            when 'told_tool_call' then note_{{ column }}
            when 'told_lines' then note_{{ column }}
            when 'tool_call' then claim_{{ column }}
            when 'lines' then lines_{{ column }}
            when 'marker' then marker_{{ column }}
            when 'window' then window_{{ column }}
        end as {{ column }},
        {% endfor %}
        attribution_tier,
        files_changed,
        lines_added,
        lines_deleted,
        case attribution_tier
            when 'note' then cast(1.0 as decimal(3, 2))
            when 'tool_call' then cast(1.0 as decimal(3, 2))
            when 'lines' then cast(0.9 as decimal(3, 2))
            when 'marker' then cast(0.7 as decimal(3, 2))
            when 'window' then cast(0.4 as decimal(3, 2))
        end as attribution_confidence,
        -- Several sessions were active: an agent may have made it, and it may not.
        case attribution_tier
            when 'ambiguous' then null
            when 'untracked' then false
            else true
        end as agent_assisted,
        is_merge,
        committed_at,
        committed_date
    from named

)

select * from attributed
