{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{{ session_file_records('codex') }}
