{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'request_id': ['request_id', 'varchar'],
    'message_id': ['message_id', 'varchar'],
    'message_uuid': ['message_uuid', 'varchar'],
    'tool_use_id': ['tool_use_id', 'varchar'],
    'prompt_id': ['prompt_id', 'varchar'],
    'agent_id': ['agent_id', 'varchar'],
    'forked_from': ['forked_from', 'varchar'],
    'agent_version': ['agent_version', 'varchar'],
    'model': ['model', 'varchar'],
    'requested_model': ['requested_model', 'varchar'],
    'speed': ['speed', 'varchar'],
    'tool_name': ['tool_name', 'varchar'],
    'command': ['command', 'varchar'],
    'file_path': ['file_path', 'varchar'],
    'decision': ['decision', 'varchar'],
    'decision_source': ['decision_source', 'varchar'],
    'git_commit_id': ['git_commit_id', 'varchar'],
    'git_commit_branch': ['git_commit_branch', 'varchar'],
    'prompt_source': ['prompt_source', 'varchar'],
    'input_tokens': ['input_tokens', 'tokens'],
    'cache_read_tokens': ['cache_read_tokens', 'tokens'],
    'cache_creation_tokens': ['cache_creation_tokens', 'tokens'],
    'cache_creation_5m_tokens': ['cache_creation_5m_tokens', 'tokens'],
    'cache_creation_1h_tokens': ['cache_creation_1h_tokens', 'tokens'],
    'output_tokens': ['output_tokens', 'tokens'],
    'thinking_tokens': ['thinking_tokens', 'tokens'],
    'lines_added': ['lines_added', 'count'],
    'lines_removed': ['lines_removed', 'count'],
    'duration_ms': ['duration_ms', 'count'],
    'prompt_length': ['prompt_length', 'count'],
    'exit_code': ['exit_code', 'bigint'],
    'is_sidechain': ['is_sidechain', 'boolean'],
    'is_api_error': ['is_api_error', 'boolean'],
    'is_error': ['is_error', 'boolean'],
    'is_meta': ['is_meta', 'boolean'],
    'is_compact_summary': ['is_compact_summary', 'boolean'],
} %}

with

records as (

    select * from {{ source('raw', 'raw_agent_session_records') }}
    where
        agent = 'claude_code' and session_id <> '' and timestamp is not null
        -- Rows of a batch are committed together.
        {% if is_incremental() %}
        and batch_id > (select coalesce(max(seen.batch_id), 0) from {{ this }} as seen)
        {% endif %}

),

parsed as (

    select
        *,
        {{ json_fields('payload', fields) }} as parsed
    from records

),

typed as (

    select
        record_key,
        kind,
        session_id,
        nullif(developer_id, '') as developer_id,
        {{ normalized_repository('repository') }} as repository,
        nullif(project_path, '') as project_path,
        -- A detached HEAD is no branch.
        nullif(nullif(git_branch, ''), 'HEAD') as git_branch,
        {{ json_columns('parsed', fields) }}
        batch_id,
        timestamp as occurred_at,
        created_at
    from parsed

)

select * from typed
