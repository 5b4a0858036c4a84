{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'operation': ['gen_ai.operation.name', 'varchar'],
    'response_id': ['gen_ai.response.id', 'varchar'],
    'response_model': ['gen_ai.response.model', 'varchar'],
    'request_model': ['gen_ai.request.model', 'varchar'],
    'effort': ['gen_ai.request.reasoning.level', 'varchar'],
    'agent_name': ['gen_ai.agent.name', 'varchar'],
    'call_id': ['gen_ai.tool.call.id', 'varchar'],
    'tool_name': ['gen_ai.tool.name', 'varchar'],
    'error_type': ['error.type', 'varchar'],
    'interaction_id': ['github.copilot.interaction_id', 'varchar'],
    'initiator': ['github.copilot.initiator', 'varchar'],
    'command': ['agent_analytics.command', 'varchar'],
    'file_path': ['agent_analytics.file_path', 'varchar'],
    'input_tokens': ['gen_ai.usage.input_tokens', 'tokens'],
    'cache_read_tokens': ['gen_ai.usage.cache_read.input_tokens', 'tokens'],
    'cache_write_tokens': ['gen_ai.usage.cache_write.input_tokens', 'tokens'],
    'output_tokens': ['gen_ai.usage.output_tokens', 'tokens'],
    'reasoning_tokens': ['gen_ai.usage.reasoning.output_tokens', 'tokens'],
    'lines_added': ['agent_analytics.lines_added', 'count'],
    'lines_removed': ['agent_analytics.lines_removed', 'count'],
    'exit_code': ['process.exit.code', 'bigint'],
    'time_to_first_chunk_s': ['gen_ai.response.time_to_first_chunk', 'double'],
    'server_duration_ms': ['github.copilot.server_duration', 'double'],
} %}

with

-- The names of scope and service can be set to any (COPILOT_OTEL_SOURCE_NAME, OTEL_SERVICE_NAME;
-- 1.0.102). Copilot Chat in VS Code tells the same provider, and is another agent.
records as (

    select * from {{ source('raw', 'raw_otel_spans') }}
    where
        (
            scope_name = 'github.copilot'
            or service_name = 'github-copilot'
            or (
                cast(attributes as varchar) like '%"gen_ai.provider.name":"github"%'
                and coalesce(service_name, '') <> 'copilot-chat'
            )
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
        trace_id,
        span_id,
        parent_span_id,
        status,
        nullif(session_id, '') as session_id,
        nullif(developer_id, '') as developer_id,
        scope_version as agent_version,
        {{ json_columns('parsed', fields) }}
        {{ digest('cast(attributes as varchar)') }} as record_hash,
        timestamp as occurred_at,
        coalesce(end_timestamp, timestamp) as ended_at,
        batch_id,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_copilot_cli__spans', [
    'id', 'trace_id', 'span_id', 'parent_span_id', 'status', 'session_id', 'developer_id',
    'agent_version', 'record_hash', 'occurred_at', 'ended_at', 'batch_id', 'created_at',
], fields) }}
