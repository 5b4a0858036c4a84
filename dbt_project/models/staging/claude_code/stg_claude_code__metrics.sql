{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}', unique_key='run_key'
) }}

{{ counter_increments(
    ref('stg_claude_code__changed_metric_points'),
    repository=normalized_repository('max(repository_url)'),
    machine="nullif(max(machine), '')",
    decision='max(decision)',
) }}
