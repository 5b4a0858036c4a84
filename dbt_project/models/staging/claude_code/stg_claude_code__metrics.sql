-- A table: five models read it, and each would put the series in order again.
{{ config(materialized='table') }}

{{ counter_increments(
    ref('stg_claude_code__metric_points'),
    repository=normalized_repository('max(repository_url)'),
    machine="nullif(max(machine), '')",
    decision='max(decision)',
) }}
