{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'tool_use_id': ['tool_use_id', 'varchar'],
    'file_path': ['file_path', 'varchar'],
    'forked_from': ['forked_from', 'varchar'],
    'added': ['added_line_hashes', 'varchar'],
    'removed': ['removed_line_hashes', 'varchar'],
    'part': ['part', 'count'],
} %}

-- Of all agents, whose readers tell edits alike.
with

records as (

    select * from {{ source('raw', 'raw_agent_session_records') }}
    where
        kind = 'edit' and session_id <> '' and timestamp is not null
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
        agent,
        session_id,
        {{ normalized_repository('repository') }} as repository,
        {{ json_columns('parsed', fields) }}
        batch_id,
        timestamp as edited_at
    from parsed

),

edits as (

    select
        record_key,
        agent,
        session_id,
        repository,
        tool_use_id,
        replace(file_path, '\', '/') as file_path,
        forked_from,
        {{ hash_list('added') }} as added_line_hashes,
        {{ hash_list('removed') }} as removed_line_hashes,
        part,
        batch_id,
        edited_at
    from typed
    where file_path <> ''

)

{{ with_archive('edits', 'stg_agent_edits', [
    'record_key', 'agent', 'session_id', 'repository', 'tool_use_id', 'file_path', 'forked_from',
    'added_line_hashes', 'removed_line_hashes', 'part', 'batch_id', 'edited_at',
]) }}
