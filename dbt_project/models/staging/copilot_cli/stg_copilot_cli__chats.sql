-- What an agent's span says of tokens are the sums of its chats: it is no request (1.0.102).
with

spans as (

    select
        *,
        coalesce(
            nullif(span_id, ''), {{ hashed(['session_id', 'occurred_at', 'response_id']) }}
        ) as span_name
    from {{ ref('stg_copilot_cli__spans') }}

),

subagents as (

    select
        trace_id,
        span_id,
        max(agent_name) as agent_name
    from spans
    where operation = 'invoke_agent' and parent_span_id <> ''
    group by trace_id, span_id

),

ranked as (

    select
        *,
        min(created_at) over (partition by trace_id, span_name) as first_created_at,
        {{ best_first('trace_id, span_name', ['output_tokens']) }} as best_first
    from spans
    where operation = 'chat'

),

chats as (

    select
        'copilot_cli:' || coalesce(ranked.trace_id, '') || ':' || ranked.span_name as request_key,
        nullif(ranked.response_id, '') as request_id,
        ranked.session_id,
        ranked.interaction_id as prompt_id,
        ranked.developer_id,
        coalesce(ranked.response_model, ranked.request_model) as model_reported,
        ranked.request_model as model_requested,
        ranked.initiator as query_source,
        subagents.agent_name as subagent,
        ranked.effort,
        ranked.agent_version,
        'unknown' as billing_mode,
        {{ hashed([
            'ranked.session_id', 'ranked.input_tokens', 'coalesce(ranked.cache_read_tokens, 0)',
            'ranked.output_tokens',
        ]) }} as tokens_key,
        {{ uncached('ranked.input_tokens', [
            'ranked.cache_read_tokens', 'ranked.cache_write_tokens',
        ]) }} as input_tokens,
        ranked.cache_read_tokens,
        ranked.cache_write_tokens as cache_write_5m_tokens,
        case when ranked.input_tokens is not null then cast(0 as bigint) end
            as cache_write_1h_tokens,
        ranked.output_tokens,
        ranked.reasoning_tokens,
        cast(
            coalesce(
                {{ plausible('round(ranked.server_duration_ms)', 1000000000000) }},
                date_diff('millisecond', ranked.occurred_at, ranked.ended_at)
            ) as bigint
        ) as duration_ms,
        cast(
            {{ plausible('round(ranked.time_to_first_chunk_s * 1000)', 1000000000000) }} as bigint
        ) as ttft_ms,
        cast(null as bigint) as status_code,
        cast(null as bigint) as attempt,
        subagents.span_id is not null as is_subagent,
        (coalesce(ranked.status = 'error', false) or coalesce(ranked.error_type <> '', false))
        and coalesce(ranked.input_tokens, ranked.output_tokens) is null as is_error,
        ranked.ended_at as requested_at,
        ranked.first_created_at as created_at
    from ranked
    left join subagents
        on ranked.trace_id = subagents.trace_id and ranked.parent_span_id = subagents.span_id
    where ranked.best_first = 1

)

select * from chats
