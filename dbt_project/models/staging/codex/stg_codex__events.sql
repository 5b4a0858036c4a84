{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'event_kind': ['event.kind', 'varchar'],
    'call_id': ['call_id', 'varchar'],
    'model': ['model', 'varchar'],
    'effort': ['model_reasoning_effort', 'varchar'],
    'auth_mode': ['auth_mode', 'varchar'],
    'agent_version': ['app.version', 'varchar'],
    'tool_name': ['tool_name', 'varchar'],
    'decision': ['decision', 'varchar'],
    'decision_source': ['source', 'varchar'],
    'command': ['agent_analytics.command', 'varchar'],
    'file_path': ['agent_analytics.file_path', 'varchar'],
    'git_commit_id': ['agent_analytics.git_commit_id', 'varchar'],
    'git_branch': ['agent_analytics.git_branch', 'varchar'],
    'input_token_count': ['input_token_count', 'tokens'],
    'cached_token_count': ['cached_token_count', 'tokens'],
    'cache_write_token_count': ['cache_write_token_count', 'tokens'],
    'output_token_count': ['output_token_count', 'tokens'],
    'reasoning_token_count': ['reasoning_token_count', 'tokens'],
    'duration_ms': ['duration_ms', 'count'],
    'ttft_ms': ['ttft_ms', 'count'],
    'status_code': ['http.response.status_code', 'count'],
    'attempt': ['attempt', 'count'],
    'prompt_length': ['prompt_length', 'count'],
    'lines_added': ['agent_analytics.lines_added', 'count'],
    'lines_removed': ['agent_analytics.lines_removed', 'count'],
    'exit_code': ['agent_analytics.exit_code', 'bigint'],
    'success': ['success', 'boolean'],
} %}

with

-- Named by their event: the service is called codex_exec, codex_cli_rs, codex-app-server (0.169.0),
-- and what the metrics client says in its own scope is no event. A chunk of a stream is one record,
-- and nine of ten records are: only the one that carries tokens is kept.
records as (

    select * from {{ source('raw', 'raw_otel_logs') }}
    where
        event_name like 'codex.%'
        and (
            event_name <> 'codex.sse_event'
            or cast(attributes as varchar) like '%_token_count"%'
        )
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
        replace(event_name, 'codex.', '') as event_name,
        nullif(session_id, '') as session_id,
        nullif(developer_id, '') as developer_id,
        {{ json_columns('parsed', fields) }}
        {{ digest('cast(attributes as varchar)') }} as record_hash,
        timestamp as occurred_at,
        batch_id,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_codex__events', [
    'id', 'event_name', 'session_id', 'developer_id', 'record_hash', 'occurred_at', 'batch_id',
    'created_at',
], fields) }}
