-- Who wrote a commit by its git-ai note or Agent Trace records: agent and session, with their
-- lines.
with

notes as (

    select * from {{ ref('stg_git_attributions') }}
    where contributor = 'ai' and agent is not null

),

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

-- A commit may have a note and a record: both tell of the same lines.
by_source as (

    select
        commits.commit_key,
        notes.source,
        notes.agent,
        notes.session_id,
        min(case notes.attribution_tier when 'note' then 1 when 'tool_call' then 2 else 3 end)
            as strength,
        {{ sum_bigint('notes.lines') }} as lines
    from notes
    inner join commits on notes.commit_hash = commits.commit_hash
    group by commits.commit_key, notes.source, notes.agent, notes.session_id

),

merged as (

    select
        by_source.commit_key,
        by_source.agent,
        sessions.session_key,
        by_source.session_id,
        case min(by_source.strength) when 1 then 'note' when 2 then 'tool_call' else 'lines' end
            as attribution_tier,
        max(by_source.lines) as lines
    from by_source
    left join sessions
        on by_source.agent = sessions.agent and by_source.session_id = sessions.session_id
    group by
        by_source.commit_key, by_source.agent, sessions.session_key, by_source.session_id

)

select * from merged
