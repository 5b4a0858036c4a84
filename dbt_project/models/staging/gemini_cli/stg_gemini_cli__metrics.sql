-- A table: four models read it, and each would put the series in order again.
{{ config(materialized='table') }}

{{ counter_increments(ref('stg_gemini_cli__metric_points')) }}
