-- A table: four models read it, three by way of `int_prompts`, and each would put all events in
-- order.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}', unique_key='prompt_key'
) }}

{% set agents = ['claude_code', 'codex', 'gemini_cli', 'copilot_cli', 'cursor'] %}

with

unioned as (

    {% for agent in agents %}
    select
        agent,
        prompt_key,
        session_id,
        prompt_id,
        developer_id,
        repository,
        seen_in,
        prompt_length,
        is_synthetic,
        prompted_at
    from {{ ref('stg_' ~ agent ~ '__prompts') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from unioned
