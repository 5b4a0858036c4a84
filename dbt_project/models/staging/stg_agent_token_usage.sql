-- A table: four models read it, and each would join telemetry and session files again.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}', unique_key='request_key'
) }}

{% set agents = ['claude_code', 'codex', 'gemini_cli', 'copilot_cli'] %}

with

unioned as (

    {% for agent in agents %}
    select
        agent,
        request_key,
        request_id,
        session_id,
        prompt_id,
        developer_id,
        repository,
        git_branch,
        machine,
        model_reported,
        model_requested,
        service_tier,
        query_source,
        subagent,
        effort,
        agent_version,
        billing_mode,
        seen_in,
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        reported_cost_usd,
        duration_ms,
        ttft_ms,
        status_code,
        attempt,
        is_subagent,
        is_error,
        requested_at,
        created_at
    from {{ ref('stg_' ~ agent ~ '__requests') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from unioned
