{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = {'model': ['model', 'varchar'], 'type': ['type', 'varchar']} %}
{% set resource_fields = {'process_id': ['process.pid', 'varchar']} %}

with

-- `gen_ai.client.token.usage` tells the same tokens again (0.61.0).
points as (

    select * from {{ source('raw', 'raw_otel_metrics') }}
    where
        metric_name = 'gemini_cli.token.usage'
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
        -- Two processes may go on with one session at once.
        {{ digest(
            "metric_name || '|' || coalesce(session_id, '') || '|' || coalesce("
            ~ json_field('parsed_resource', 'process.pid', 'varchar')
            ~ ", '') || '|' || cast(attributes as varchar)"
        ) }} as series_key,
        temporality,
        {{ plausible(cast_or_null('metric_value', 'decimal(38, 9)'), 1000000000000) }} as value,
        start_timestamp as started_at,
        timestamp as measured_at,
        batch_id,
        created_at
    from parsed

)

{{ with_archive('typed', 'stg_gemini_cli__metric_points', [
    'id', 'metric_name', 'session_id', 'developer_id', 'series_key', 'temporality', 'value',
    'started_at', 'measured_at', 'batch_id', 'created_at',
], fields) }}
