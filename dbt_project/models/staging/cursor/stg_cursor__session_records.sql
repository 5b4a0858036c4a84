{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{% set fields = session_file_fields() %}
{% do fields.update({'failure_type': ['failure_type', 'varchar']}) %}

{{ session_file_records('cursor', fields) }}
