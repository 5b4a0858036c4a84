{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}', unique_key='run_key'
) }}

{{ counter_increments(ref('stg_gemini_cli__changed_metric_points')) }}
