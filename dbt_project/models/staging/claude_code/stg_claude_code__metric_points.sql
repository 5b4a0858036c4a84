{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {
    'model': ['model', 'varchar'],
    'type': ['type', 'varchar'],
    'query_source': ['query_source', 'varchar'],
    'decision': ['decision', 'varchar'],
    'tool_name': ['tool_name', 'varchar'],
    'machine': ['host.name', 'varchar'],
    'repository_url': ['vcs.repository.url.full', 'varchar'],
} %}
{% set resource_fields = {'service_instance_id': ['service.instance.id', 'varchar']} %}

with

points as (

    select * from {{ source('raw', 'raw_otel_metrics') }}
    where
        metric_name like 'claude_code.%'
        and metric_type = 'sum'
        {% if is_incremental() %}
        and id > (select coalesce(max(seen.id), 0) from {{ this }} as seen)
        {% endif %}

),

parsed as (

    select
        *,
        {{ json_fields('attributes', fields) }} as parsed,
        {{ json_fields('resource_attributes', resource_fields) }} as parsed_resource
    from points

),

typed as (

    select
        id,
        metric_name,
        nullif(session_id, '') as session_id,
        nullif(developer_id, '') as developer_id,
        {{ json_columns('parsed', fields) }}
        -- What makes a series: everything but the resource, to which collectors add their own.
        {{ digest(
            "metric_name || '|' || coalesce(session_id, '') || '|' || coalesce("
            ~ json_field('parsed_resource', 'service.instance.id', 'varchar')
            ~ ", '') || '|' || cast(attributes as varchar)"
        ) }} as series_key,
        temporality,
        {{ plausible(
            cast_or_null('metric_value', 'decimal(38, 9)'),
            "case when metric_name = 'claude_code.cost.usage' then 100000 else 1000000000000 end"
        ) }} as value,
        start_timestamp as started_at,
        timestamp as measured_at,
        batch_id,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_claude_code__metric_points', [
    'id', 'metric_name', 'session_id', 'developer_id', 'series_key', 'temporality', 'value',
    'started_at', 'measured_at', 'batch_id', 'created_at',
], fields) }}
