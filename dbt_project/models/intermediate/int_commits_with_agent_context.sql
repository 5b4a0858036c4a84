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
            when first_claims.commit_key is not null then 'tool_call'
            when markers.commit_key is not null then 'marker'
            when only_active.active_sessions = 1 then 'window'
            when only_active.active_sessions > 1 then 'ambiguous'
            else 'untracked'
        end as attribution_tier,
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
    left join first_claims
        on commits.commit_key = first_claims.commit_key and first_claims.first_claim = 1
    left join markers on commits.commit_key = markers.commit_key
    left join only_active on commits.commit_key = only_active.commit_key
    left join only_marked on commits.commit_key = only_marked.commit_key

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
        case attribution_tier
            when 'tool_call' then claim_{{ column }}
            when 'marker' then marker_{{ column }}
            when 'window' then window_{{ column }}
        end as {{ column }},
        {% endfor %}
        attribution_tier,
        files_changed,
        lines_added,
        lines_deleted,
        case attribution_tier
            when 'tool_call' then cast(1.0 as decimal(3, 2))
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
    from tiered

)

select * from attributed
