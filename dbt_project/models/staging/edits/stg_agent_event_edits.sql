{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'own_id': ['tool_use_id', 'varchar'],
    'call_id': ['call_id', 'varchar'],
    'paths': ['agent_analytics.edited_files', 'varchar'],
    'added': ['agent_analytics.added_line_hashes', 'varchar'],
    'removed': ['agent_analytics.removed_line_hashes', 'varchar'],
    'success': ['success', 'boolean'],
} %}

-- What tools were asked to do, as far as agents tell it: Claude Code where it is told to
-- (OTEL_LOG_TOOL_DETAILS), cut to about 4 KB; Codex and Gemini CLI always.
with

records as (

    select * from {{ source('raw', 'raw_otel_logs') }}
    where
        (
            event_name in (
                'claude_code.tool_result', 'codex.tool_result', 'gemini_cli.tool_call'
            )
            or (event_name = 'tool_result' and scope_name like 'com.anthropic.claude_code%')
        )
        and session_id <> ''
        and cast(attributes as varchar) like '%"agent_analytics.edited_files"%'
        {% if is_incremental() %}
        and id > (select coalesce(max(seen.id), 0) from {{ this }} as seen)
        {% endif %}

),

parsed as (

    select
        *,
        {{ json_fields('attributes', fields) }} as parsed
    from records

),

typed as (

    select
        id,
        case
            when event_name like 'codex.%' then 'codex'
            when event_name like 'gemini_cli.%' then 'gemini_cli'
            else 'claude_code'
        end as agent,
        session_id,
        {{ json_columns('parsed', fields) }}
        {{ digest('cast(attributes as varchar)') }} as record_hash,
        timestamp as edited_at
    from parsed

),

files as (

    select
        id,
        agent,
        session_id,
        nullif(coalesce(own_id, call_id), '') as tool_use_id,
        record_hash,
        unnest({{ text_lines('paths') }}) as file_path,
        unnest({{ text_lines('added') }}) as added,
        unnest({{ text_lines('removed') }}) as removed,
        edited_at
    from typed
    where success

),

edits as (

    select
        id,
        agent,
        session_id,
        tool_use_id,
        record_hash,
        replace(file_path, '\', '/') as file_path,
        {{ hash_list('added') }} as added_line_hashes,
        {{ hash_list('removed') }} as removed_line_hashes,
        edited_at
    from files

)

{{ with_archive('edits', 'stg_agent_event_edits', [
    'id', 'agent', 'session_id', 'tool_use_id', 'record_hash', 'file_path', 'added_line_hashes',
    'removed_line_hashes', 'edited_at',
]) }}
