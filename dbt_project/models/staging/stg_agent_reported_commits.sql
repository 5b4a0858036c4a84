{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}', unique_key='tool_call_key'
) }}

with

-- 2.1.330 sends the SHA of a commit that was made; what a failed call names was there before.
claude_code_events as (

    select
        tool_call_key,
        git_commit_id
    from {{ ref('stg_claude_code__tool_results') }}
    where length(git_commit_id) >= 7 and coalesce(success, true)

),

-- git's own line stands for a commit even where a later command of the call failed.
claude_code_files as (

    select
        tool_call_key,
        git_commit_id
    from {{ ref('stg_claude_code__file_commits') }}
    where length(git_commit_id) >= 7

),

unioned as (

    select * from claude_code_events
    union
    select * from claude_code_files
    {% for agent in ['codex', 'gemini_cli', 'copilot_cli', 'cursor'] %}
    union
    select
        tool_call_key,
        git_commit_id
    from {{ ref('stg_' ~ agent ~ '__commits') }}
    {% endfor %}

),

-- The one may tell the full SHA where the other tells the short one.
longest as (

    select
        short.tool_call_key,
        short.git_commit_id
    from unioned as short
    left join unioned as longer
        on
            short.tool_call_key = longer.tool_call_key
            and length(short.git_commit_id) < length(longer.git_commit_id)
            and short.git_commit_id = left(longer.git_commit_id, length(short.git_commit_id))
    where longer.tool_call_key is null

)

select * from longest
