-- What an agent's span says of tokens are the sums of its chats: it is no request (1.0.102).
with

spans as (

    select
        *,
        coalesce(
            nullif(span_id, ''), {{ hashed(['session_id', 'occurred_at', 'response_id']) }}
        ) as span_name
    from {{ ref('stg_copilot_cli__changed_spans') }}

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

-- A failure that told its tokens was answered.
steps as (

    select
        *,
        span_name as event_key,
        trace_id || '|' || coalesce(parent_span_id, '') || '|' || coalesce(interaction_id, '')
            as turn,
        not (coalesce(status = 'error', false) or coalesce(error_type <> '', false))
        or coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0 as is_answer
    from ranked
    where best_first = 1

),

-- Each attempt is a span of its own; those before an answer are its retries.
tried as (

    select * from {{ requests_of_attempts('steps') }} as tried
    where last_first = 1

),

chats as (

    select
        'copilot_cli:' || coalesce(tried.trace_id, '') || ':' || tried.span_name as request_key,
        nullif(tried.response_id, '') as request_id,
        tried.session_id,
        tried.interaction_id as prompt_id,
        tried.developer_id,
        coalesce(tried.response_model, tried.request_model) as model_reported,
        tried.request_model as model_requested,
        tried.initiator as query_source,
        subagents.agent_name as subagent,
        tried.effort,
        tried.agent_version,
        'unknown' as billing_mode,
        {{ hashed([
            'tried.session_id', 'tried.input_tokens', 'coalesce(tried.cache_read_tokens, 0)',
            'tried.output_tokens',
        ]) }} as tokens_key,
        {{ uncached('tried.input_tokens', [
            'tried.cache_read_tokens', 'tried.cache_write_tokens',
        ]) }} as input_tokens,
        tried.cache_read_tokens,
        tried.cache_write_tokens as cache_write_5m_tokens,
        case when tried.input_tokens is not null then cast(0 as bigint) end
            as cache_write_1h_tokens,
        tried.output_tokens,
        tried.reasoning_tokens,
        cast(
            coalesce(
                {{ plausible('round(tried.server_duration_ms)', 1000000000000) }},
                date_diff('millisecond', tried.occurred_at, tried.ended_at)
            ) as bigint
        ) as duration_ms,
        cast(
            {{ plausible('round(tried.time_to_first_chunk_s * 1000)', 1000000000000) }} as bigint
        ) as ttft_ms,
        cast(null as bigint) as status_code,
        tried.attempts as attempt,
        subagents.span_id is not null as is_subagent,
        not tried.is_answer as is_error,
        tried.ended_at as requested_at,
        tried.first_created_at as created_at
    from tried
    left join subagents
        on tried.trace_id = subagents.trace_id and tried.parent_span_id = subagents.span_id

)

select * from chats
