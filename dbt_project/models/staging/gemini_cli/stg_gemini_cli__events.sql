{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'prompt_id': ['prompt_id', 'varchar'],
    'model': ['model', 'varchar'],
    'role': ['role', 'varchar'],
    'auth_type': ['auth_type', 'varchar'],
    'tool_name': ['function_name', 'varchar'],
    'decision': ['decision', 'varchar'],
    'error_type': ['error_type', 'varchar'],
    'command': ['agent_analytics.command', 'varchar'],
    'file_path': ['agent_analytics.file_path', 'varchar'],
    'input_token_count': ['input_token_count', 'tokens'],
    'cached_token_count': ['cached_content_token_count', 'tokens'],
    'output_token_count': ['output_token_count', 'tokens'],
    'thoughts_token_count': ['thoughts_token_count', 'tokens'],
    'tool_token_count': ['tool_token_count', 'tokens'],
    'duration_ms': ['duration_ms', 'count'],
    'status_code': ['status_code', 'count'],
    'prompt_length': ['prompt_length', 'count'],
    'lines_added': ['agent_analytics.lines_added', 'count'],
    'lines_removed': ['agent_analytics.lines_removed', 'count'],
    'exit_code': ['agent_analytics.exit_code', 'bigint'],
    'success': ['success', 'boolean'],
} %}

with

-- `gen_ai.client.inference.operation.details` says twice more what api_response says (0.61.0), and
-- api_request what is known by then.
records as (

    select * from {{ source('raw', 'raw_otel_logs') }}
    where
        event_name like 'gemini_cli.%'
        and event_name <> 'gemini_cli.api_request'
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

-- No event tells the agent's version: service.version is Node's (0.61.0).
typed as (

    select
        id,
        replace(event_name, 'gemini_cli.', '') as event_name,
        nullif(session_id, '') as session_id,
        nullif(developer_id, '') as developer_id,
        {{ json_columns('parsed', fields) }}
        {{ digest('cast(attributes as varchar)') }} as record_hash,
        timestamp as occurred_at,
        batch_id,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_gemini_cli__events', [
    'id', 'event_name', 'session_id', 'developer_id', 'record_hash', 'occurred_at', 'batch_id',
    'created_at',
], fields) }}
