with

told as (

    select
        *,
        -- A note is written anew, whole, when its commit's lines are told better.
        first_value(note_id) over (
            partition by lower(commit_hash), source order by created_at desc, note_id asc
        ) as newest_note_id
    from {{ source('raw', 'raw_git_attributions') }}

),

attributions as (

    select distinct
        lower(commit_hash) as commit_hash,
        source,
        -- git-ai 1.4.5 and Agent Trace 0.1.0 have names of their own.
        case lower(agent)
            when 'claude' then 'claude_code'
            when 'claude-code' then 'claude_code'
            when 'gemini' then 'gemini_cli'
            when 'gemini-cli' then 'gemini_cli'
            when 'copilot' then 'copilot_cli'
            when 'copilot-cli' then 'copilot_cli'
            when 'github-copilot' then 'github_copilot'
            else nullif(lower(agent), '')
        end as agent,
        nullif(agent_session_id, '') as session_id,
        nullif(model, '') as model,
        nullif(contributor, '') as contributor,
        -- What a collector like this one exported is as certain as its evidence was there.
        case when evidence_tier in ('tool_call', 'lines') then evidence_tier else 'note' end
            as attribution_tier,
        path,
        ranges,
        cast(lines as bigint) as lines
    from told
    where source <> 'git_ai' or note_id is not distinct from newest_note_id

)

select * from attributions
