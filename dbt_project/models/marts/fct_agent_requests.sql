{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

requests as (

    select * from {{ ref('int_agent_requests') }}
    where {{ changed() }}

),

final as (

    select
        request_key,
        agent,
        session_key,
        session_id,
        prompt_id,
        developer_id,
        project_id,
        git_branch,
        machine,
        worktree,
        model,
        model_reported,
        model_requested,
        service_tier,
        query_source,
        subagent,
        effort,
        agent_version,
        cost_source,
        billing_mode,
        price_version,
        seen_in,
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        total_tokens,
        duration_ms,
        ttft_ms,
        status_code,
        cost_usd,
        computed_cost_usd,
        paid_usd,
        cache_savings_usd,
        is_subagent,
        is_error,
        requested_at,
        requested_date
    from requests

)

select * from final
