-- A table: three models read it.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}', unique_key='tool_call_key'
) }}

{% set agents = ['claude_code', 'codex', 'gemini_cli', 'copilot_cli', 'cursor'] %}

with

unioned as (

    {% for agent in agents %}
    select
        agent,
        tool_call_key,
        tool_use_id,
        session_id,
        prompt_id,
        request_key,
        developer_id,
        repository,
        git_branch,
        tool_name,
        command,
        file_path,
        decision,
        decision_source,
        error_type,
        seen_in,
        duration_ms,
        lines_added,
        lines_removed,
        exit_code,
        success,
        is_session_from_file,
        called_at
    from {{ ref('stg_' ~ agent ~ '__tool_calls') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from unioned
