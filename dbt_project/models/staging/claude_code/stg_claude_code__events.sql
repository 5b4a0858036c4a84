{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'prompt_id': ['prompt.id', 'varchar'],
    'request_id': ['request_id', 'varchar'],
    'message_uuid': ['message.uuid', 'varchar'],
    'tool_use_id': ['tool_use_id', 'varchar'],
    'agent_id': ['agent_id', 'varchar'],
    'agent_name': ['agent.name', 'varchar'],
    'user_id': ['user.id', 'varchar'],
    'organization_id': ['organization.id', 'varchar'],
    'account_uuid': ['user.account_uuid', 'varchar'],
    'machine': ['host.name', 'varchar'],
    'repository_url': ['vcs.repository.url.full', 'varchar'],
    'head_revision': ['vcs.ref.head.revision', 'varchar'],
    'head_name': ['vcs.ref.head.name', 'varchar'],
    'git_commit_id': ['agent_analytics.git_commit_id', 'varchar'],
    'git_branch': ['agent_analytics.git_branch', 'varchar'],
    'command': ['agent_analytics.command', 'varchar'],
    'file_path': ['agent_analytics.file_path', 'varchar'],
    'model': ['model', 'varchar'],
    'query_source': ['query_source', 'varchar'],
    'effort': ['effort', 'varchar'],
    'speed': ['speed', 'varchar'],
    'tool_name': ['tool_name', 'varchar'],
    'decision': ['decision', 'varchar'],
    'decision_source': ['source', 'varchar'],
    'error_type': ['error_type', 'varchar'],
    'event_sequence': ['event.sequence', 'count'],
    'input_tokens': ['input_tokens', 'tokens'],
    'cache_read_tokens': ['cache_read_tokens', 'tokens'],
    'cache_creation_tokens': ['cache_creation_tokens', 'tokens'],
    'cache_creation_5m_tokens': ['cache_creation_5m_tokens', 'tokens'],
    'cache_creation_1h_tokens': ['cache_creation_1h_tokens', 'tokens'],
    'output_tokens': ['output_tokens', 'tokens'],
    'cost_usd_micros': ['cost_usd_micros', 'micros'],
    'cost_usd': ['cost_usd', 'usd'],
    'duration_ms': ['duration_ms', 'count'],
    'ttft_ms': ['ttft_ms', 'count'],
    'status_code': ['status_code', 'count'],
    'attempt': ['attempt', 'count'],
    'prompt_length': ['prompt_length', 'count'],
    'lines_added': ['agent_analytics.lines_added', 'count'],
    'lines_removed': ['agent_analytics.lines_removed', 'count'],
    'exit_code': ['agent_analytics.exit_code', 'bigint'],
    'success': ['success', 'boolean'],
    'is_async': ['is_async', 'boolean'],
} %}

with

records as (

    select * from {{ source('raw', 'raw_otel_logs') }}
    where
        (scope_name like 'com.anthropic.claude_code%' or event_name like 'claude_code.%')
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
        replace(event_name, 'claude_code.', '') as event_name,
        nullif(session_id, '') as session_id,
        nullif(developer_id, '') as developer_id,
        scope_version as agent_version,
        {{ json_columns('parsed', fields) }}
        {{ digest('cast(attributes as varchar)') }} as record_hash,
        timestamp as occurred_at,
        batch_id,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_claude_code__events', [
    'id', 'event_name', 'session_id', 'developer_id', 'record_hash', 'occurred_at', 'batch_id',
    'created_at', 'agent_version',
], fields) }}
